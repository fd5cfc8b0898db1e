"""The network of a variational ladder autoencoder. Imports torch when imported."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from multibeta.network import VAE
from multibeta.variants import Parts


class Ladder(VAE):
    """A VAE with a ladder between the architecture's features and its decoder.

    Args:
        sizes: latents of each level, top first.
        width: units of each rung.
    """

    def __init__(self, parts: Parts, sizes: Sequence[int], width: int) -> None:
        super().__init__(*parts, decoder_inputs=width)
        self.posterior = _Up(self.features + self.condition_size, sizes, width)  # type: ignore[assignment]
        self.down = _Down(sizes, width)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().decode(self.down(z), condition)


class _Up(nn.Module):
    """Features (B, F) → means and log-variances (B, 2 D) of all levels, top first."""

    def __init__(self, features: int, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        inputs = [features, *[width] * (len(sizes) - 1)]
        self.rungs = nn.ModuleList(nn.Linear(before, width) for before in inputs[:-1])
        self.heads = nn.ModuleList(
            nn.Linear(given, 2 * size) for given, size in zip(inputs, reversed(sizes), strict=True)
        )

    def forward(self, features: Tensor) -> Tensor:
        hidden = list(accumulate(self.rungs, lambda below, rung: rung(below).relu(), initial=features))
        pairs = [head(each).chunk(2, dim=1) for head, each in zip(self.heads, hidden, strict=True)]
        means, logvars = zip(*reversed(pairs), strict=True)
        return torch.cat([*means, *logvars], dim=1)


class _Down(nn.Module):
    """Codes (B, D), top first → (B, width), what the decoder is given; each rung adds to the one above.

    Each code enters by a layer of its own, beside what comes from above: in one layer for both, a few latents would
    hardly count among the many units, and the lower levels would stay empty.
    """

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.entries = nn.ModuleList(nn.Linear(size, width) for size in sizes)
        self.rungs = nn.ModuleList(nn.Linear(width, width) for _ in sizes[1:])

    def forward(self, z: Tensor) -> Tensor:
        found, *codes = (enter(code) for enter, code in zip(self.entries, z.split(self.sizes, dim=1), strict=True))
        for rung, code in zip(self.rungs, codes, strict=True):
            found = found + rung(found.relu()) + code
        return found
