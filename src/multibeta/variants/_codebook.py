"""The network of a VQ-VAE: a codebook between encoder and decoder, and a prior over its entries. Imports torch."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from multibeta import randomness
from multibeta.network import VAE, Pass, at_least_float32

if TYPE_CHECKING:
    from multibeta.architectures import Architecture

#: Vectors that the k means start from.
VECTORS = 8_192
#: Images per step of the prior's training, its learning rate and its width.
PRIOR_BATCH, PRIOR_RATE, PRIOR_WIDTH = 128, 2e-3, 64


class Quantised(VAE):
    """Encoder → P vectors (B, P, E) → the nearest of K entries each → decoder. P is the number of latents.

    Args:
        entries, entry_size: K and E.
        decay: of the running averages that the codebook follows.
        restart_below: an entry that is used less than this share of even use begins anew; 0: never.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        architecture: Architecture,
        shape: tuple[int, int, int],
        latents: int,
        condition_size: int,
        *,
        entries: int,
        entry_size: int,
        decay: float,
        restart_below: float,
    ) -> None:
        inputs = latents * entry_size
        super().__init__(architecture, shape, latents, condition_size, points=True, decoder_inputs=inputs)
        self.posterior = nn.Linear(self.features + condition_size, inputs)
        self.decay, self.restart_below = decay, restart_below
        self.register_buffer("codebook", torch.randn(entries, entry_size))
        #: Running use of every entry, 1 where all are used evenly, and the running sum of its vectors in the same unit.
        self.register_buffer("counts", torch.ones(entries))
        self.register_buffer("sums", self.codebook.clone())
        self.prior_over_entries = _Autoregressive(entries, PRIOR_WIDTH)

    def forward(self, images: Tensor, condition: Tensor | None, noise: Tensor, chance: Tensor | None = None) -> Pass:
        flat = at_least_float32(self.posterior(self.with_condition(self.body(images), condition)))
        vectors = flat.unflatten(1, (self.latents, -1))
        chosen = self._nearest(vectors)
        nearest = self.codebook[chosen]
        commitment = (vectors - nearest).square().sum((1, 2)).mean()
        used = functional.one_hot(chosen.flatten(), len(self.codebook)).to(vectors.dtype)
        if self.training:
            assert chance is not None
            self._follow(vectors.detach().flatten(0, 1), used, chance.flatten().argsort())
        passed = (vectors + (nearest - vectors).detach()).flatten(1)  # the straight-through gradient
        share = used.mean(0)
        of_latents = used.unflatten(0, chosen.shape).mean(0)
        extras = {
            "commitment": commitment,
            "perplexity": _perplexity(share),
            "perplexity_of_latents": _perplexity(of_latents).mean(),
            "usage": (share > 0).to(share.dtype).mean(),
            "usable": torch.full_like(commitment.detach(), min(len(self.codebook), len(used))),
        }
        logits = at_least_float32(self.decoder(self.with_condition(passed, condition)))
        return Pass(flat, torch.full_like(passed, -torch.inf), passed, logits, extras)

    def encode(self, images: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scores = self._scores(self._nearest(at_least_float32(self._vectors(images, condition))))
        return scores, torch.full_like(scores, -torch.inf)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Normal scores (B, P) → logits; a number between two entries' scores is the nearer entry."""
        entries = self.codebook[self._entries(z)].flatten(1)
        logits: Tensor = self.decoder(self.with_condition(entries, condition))
        return logits

    def prior(self, noise: Tensor) -> Tensor:
        return self._scores(self.prior_over_entries.draw(_normal_cdf(noise)))

    @torch.no_grad()
    def start(self, images: Tensor, seed: int) -> None:
        """Begin the codebook with the k means of the vectors of images (N, C, H, W)."""
        from scipy.cluster.vq import kmeans2

        vectors = self._vectors(images, None)
        points = vectors.flatten(0, 1).double().cpu().numpy()
        generator = randomness.numpy_generator(seed, "codebook")
        points = points[generator.permutation(len(points))[:VECTORS]]
        entries = len(self.codebook)
        if len(np.unique(points, axis=0)) <= entries:
            means = np.resize(points, (entries, points.shape[1]))
        else:
            with warnings.catch_warnings(action="ignore"):  # an entry without vectors stays where it began
                means, _ = kmeans2(points, entries, iter=10, minit="++", seed=generator)
        self.codebook.copy_(torch.from_numpy(means))
        self.sums.copy_(self.codebook * self.counts[:, None])

    def learn_prior(self, codes: Tensor, steps: int, seed: int) -> None:
        """Train the prior on the codes (N, P) of the training images."""
        self.prior_over_entries.learn(self._entries(codes), steps, seed)

    def _vectors(self, images: Tensor, condition: Tensor | None) -> Tensor:
        found: Tensor = self.posterior(self.with_condition(self.body(images), condition))
        return found.unflatten(1, (self.latents, -1))

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Positions (B, P) of the entries nearest to vectors (B, P, E)."""
        # ‖v − e‖² without ‖v‖², which is the same for every entry.
        return (self.codebook.square().sum(1) - 2 * vectors @ self.codebook.T).argmin(2)

    @torch.no_grad()
    def _follow(self, vectors: Tensor, used: Tensor, order: Tensor) -> None:
        """Move the entries to the running means of the vectors (N, E) that chose them, ``used`` (N, K) one-hot.

        An idle entry begins anew at a vector of its own, by a random ``order`` (N,).
        """
        even = len(vectors) / len(self.codebook)
        vectors, used = vectors.float(), used.float()
        with torch.autocast(
            vectors.device.type, enabled=False
        ):  # the means are kept in full, whatever the network is in
            self.counts.lerp_(used.sum(0) / even, 1 - self.decay)
            self.sums.lerp_(used.T @ vectors / even, 1 - self.decay)
        idle = self.counts < self.restart_below
        anew = vectors[order[torch.arange(len(self.codebook), device=order.device) % len(order)]]
        self.sums.copy_(torch.where(idle[:, None], anew, self.sums))
        self.counts.masked_fill_(idle, 1)
        self.codebook.copy_(self.sums / self.counts[:, None].clamp(min=1e-6))

    def _order(self) -> Tensor:
        """Entries (K,) along the first principal component of the codebook."""
        centred = (self.codebook - self.codebook.mean(0)).double()
        axis = torch.linalg.eigh(centred.T @ centred)[1][:, -1]
        axis = axis * axis[axis.abs().argmax()].sign()  # of its two directions, one
        return (centred @ axis).argsort(stable=True)

    def _scores(self, entries: Tensor) -> Tensor:
        """Normal scores (B, P) of entries (B, P): where in the order they stand."""
        place = self._order().argsort()[entries]
        return torch.special.ndtri((place.double() + 0.5) / len(self.codebook)).to(self.codebook.dtype)

    def _entries(self, scores: Tensor) -> Tensor:
        place = (_normal_cdf(scores) * len(self.codebook)).floor().long().clamp(0, len(self.codebook) - 1)
        return self._order()[place]


class _Autoregressive(nn.Module):
    """p(e_1, …, e_P) = Π p(e_i | e_1 … e_{i−1}) over K entries, by a recurrent network."""

    def __init__(self, entries: int, width: int) -> None:
        super().__init__()
        self.entries = entries
        self.before = nn.Embedding(entries + 1, width)  # the last is the beginning
        self.cell = nn.GRU(width, width, batch_first=True)
        self.after = nn.Linear(width, entries)

    def learn(self, sequences: Tensor, steps: int, seed: int) -> None:
        """Maximum likelihood on sequences (N, P)."""
        from multibeta.training.adam import Adam

        begin = sequences.new_full((len(sequences), 1), self.entries)
        given = torch.cat([begin, sequences[:, :-1]], dim=1)
        optimizer = Adam(list(self.parameters()), PRIOR_RATE, (0.9, 0.999))
        generator = randomness.torch_generator(seed, "prior over entries", 0, "cpu")
        self.train()  # cuDNN has no gradients of a recurrent network otherwise
        with torch.enable_grad():
            for _ in range(steps):
                rows = torch.randint(len(sequences), (min(PRIOR_BATCH, len(sequences)),), generator=generator)
                rows = rows.to(sequences.device)
                logits = self.after(self.cell(self.before(given[rows]))[0])
                loss = functional.cross_entropy(logits.flatten(0, 1), sequences[rows].flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        optimizer.zero_grad()
        self.eval()

    def draw(self, uniform: Tensor) -> Tensor:
        """Sequences (B, P) of uniform numbers (B, P), each the quantile of its entry given those before."""
        last = torch.full((len(uniform), 1), self.entries, dtype=torch.long, device=uniform.device)
        state: Tensor | None = None
        drawn = []
        for quantile in uniform.double().unbind(1):
            hidden, state = self.cell(self.before(last), state)
            below = self.after(hidden[:, 0]).double().softmax(1).cumsum(1)
            last = (below < quantile[:, None]).sum(1, keepdim=True).clamp(max=self.entries - 1)
            drawn.append(last)
        return torch.cat(drawn, dim=1)


def _perplexity(share: Tensor) -> Tensor:
    """exp(entropy) over the last axis: how many values are in use."""
    return torch.special.entr(share).sum(-1).exp()


def _normal_cdf(x: Tensor) -> Tensor:
    return torch.special.ndtr(x.double())
