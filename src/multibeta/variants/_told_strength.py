"""A network that takes the strength as an input. Imports torch when imported."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from multibeta.network import VAE, Pass, at_least_float32

#: Units of the embedding of log β.
WIDTH = 64


class ToldStrength(VAE):
    """A VAE whose features and decoder inputs are scaled and shifted by functions of log β (FiLM, Perez et al. 2018).

    In training each image has a β of its own, log-uniform between ``lowest`` and ``highest``; afterwards `strength` is
    the β that encoder and decoder are read at.
    """

    def __init__(self, *parts: Any, lowest: float, highest: float) -> None:
        super().__init__(*parts)
        self.range = (math.log(lowest), math.log(highest))
        self.of_features, self.of_posterior = _Film(self.features), _Film(2 * self.latents)
        self.of_codes = _Film(self.latents)

    def forward(self, images: Tensor, condition: Tensor | None, noise: Tensor, chance: Tensor | None = None) -> Pass:
        assert chance is not None
        low, high = self.range
        log_beta = low + (high - low) * torch.special.ndtr(chance[:, 0])
        found = self.posterior_at(images, condition, log_beta)
        mean, logvar = (at_least_float32(part) for part in found.chunk(2, dim=1))
        z = mean + noise * (0.5 * logvar).exp()
        logits = at_least_float32(self.decode_at(z, condition, log_beta))
        return Pass(mean, logvar, z, logits, {"beta": log_beta.exp()})

    def encode(self, images: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, logvar = self.posterior_at(images, condition, self._told(images)).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.decode_at(z, condition, self._told(z))

    def posterior_at(self, images: Tensor, condition: Tensor | None, log_beta: Tensor) -> Tensor:
        """Means and log-variances (B, 2 D) at log β (B,)."""
        features = self.of_features(self.body(images), log_beta)
        return self.of_posterior(self.posterior(self.with_condition(features, condition)), log_beta)

    def decode_at(self, z: Tensor, condition: Tensor | None, log_beta: Tensor) -> Tensor:
        logits: Tensor = self.decoder(self.with_condition(self.of_codes(z, log_beta), condition))
        return logits

    def _told(self, batch: Tensor) -> Tensor:
        return batch.new_full((len(batch),), math.log(self.strength))


class _Film(nn.Module):
    """x (B, F) → (1 + s(log β)) · x + t(log β), at first x itself."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(1, WIDTH)
        self.out = nn.Linear(WIDTH, 2 * size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, log_beta: Tensor) -> Tensor:
        scale, shift = self.out(self.hidden(log_beta[:, None]).tanh()).chunk(2, dim=1)
        return (1 + scale) * x + shift
