"""Negative log-likelihoods of an image given the decoder's logits, in nats per image."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def likelihood(name: str, noise_std: float | Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """The function (logits, images) → (B,) of the likelihood ``bernoulli``, ``gaussian`` or ``gaussian_learned``."""
    return bernoulli if name == "bernoulli" else partial(gaussian, std=noise_std)


def bernoulli(logits: Tensor, images: Tensor) -> Tensor:
    """−Σ log Bernoulli(x; sigmoid(logits)): (B, C, H, W) twice → (B,). Grey values in [0, 1] count as means."""
    from torch.nn import functional

    losses = functional.binary_cross_entropy_with_logits(logits, images, reduction="none")
    return losses.flatten(1).sum(1)


def gaussian(logits: Tensor, images: Tensor, std: float | Tensor) -> Tensor:
    """−Σ log N(x; sigmoid(logits), std²): (B, C, H, W) twice → (B,), the normalising constant included."""
    residual = (logits.sigmoid() - images).flatten(1)
    log_std = math.log(std) if isinstance(std, float | int) else std.log()
    constant = residual.shape[1] * (log_std + 0.5 * math.log(2 * math.pi))
    return 0.5 * residual.square().sum(1) / std**2 + constant
