"""The network that is trained: encoder and decoder of an architecture, joined by what makes a code of features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from multibeta.architectures import Architecture


@dataclass
class Pass:
    """What a training step takes from the network. B images, D latents.

    Attributes:
        mean, logvar: (B, D) of the posterior; a log-variance of −∞ is a point.
        z: (B, D), the code that is decoded.
        logits: (B, C, H, W), the decoder's output before the sigmoid.
        extras: what else a variant's loss needs of its network, by name.
    """

    mean: Tensor
    logvar: Tensor
    z: Tensor
    logits: Tensor
    extras: dict[str, Tensor] = field(default_factory=dict)


class VAE(nn.Module):
    """Encoder and decoder of an architecture, joined by a diagonal Gaussian posterior over D latents, or by points.

    B images (B, C, H, W). A condition is a class index (B,), given one-hot to the posterior layer and the decoder.
    A variant with another kind of code subclasses it; what the rest of the project calls is `forward` in training, and
    `encode`, `decode` and `prior` afterwards.

    Attributes:
        strength: of the cell that the network serves, for a network that takes it as an input.
        log_noise_std: the logarithm of the Gaussian likelihood's standard deviation where that is learnt, else None.
    """

    strength: float = 1.0
    log_noise_std: nn.Parameter | None

    def __init__(
        self,
        architecture: Architecture,
        shape: tuple[int, int, int],
        latents: int,
        condition_size: int = 0,
        points: bool = False,
        decoder_inputs: int | None = None,
    ) -> None:
        """``decoder_inputs`` counts what the decoder is given beside the condition; None: the latents."""
        super().__init__()
        self.body, self.features = architecture.encoder(shape)
        self.posterior = nn.Linear(self.features + condition_size, latents if points else 2 * latents)
        self.decoder = architecture.decoder(
            shape, (latents if decoder_inputs is None else decoder_inputs) + condition_size
        )
        self.latents = latents
        self.condition_size = condition_size
        self.points = points
        self.register_parameter("log_noise_std", None)

    def encode(self, images: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) in [0, 1] → mean and log-variance of the posterior, both (B, D)."""
        found = self.posterior(self.with_condition(self.body(images), condition))
        if self.points:
            return found, torch.full_like(found, -torch.inf)
        mean, logvar = found.chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Codes (B, D) → logits (B, C, H, W); their sigmoid is the image."""
        logits: Tensor = self.decoder(self.with_condition(z, condition))
        return logits

    def prior(self, noise: Tensor) -> Tensor:
        """Codes (B, D) of the prior, made of standard normal noise (B, D)."""
        return noise

    def forward(self, images: Tensor, condition: Tensor | None, noise: Tensor, chance: Tensor | None = None) -> Pass:
        """A training pass with standard normal ``noise`` (B, D) for the posterior.

        Args:
            chance: (B, D), further standard normal numbers, of a variant that draws the prior.
        """
        mean, logvar = (at_least_float32(part) for part in self.encode(images, condition))
        z = mean if self.points else mean + noise * (0.5 * logvar).exp()
        return Pass(mean, logvar, z, at_least_float32(self.decode(z, condition)))

    def with_condition(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """x (B, F) with the condition one-hot beside it, for a conditional network."""
        if not self.condition_size:
            return x
        if condition is None:
            raise ValueError(f"this model needs a condition: a class of 0 … {self.condition_size - 1} for each image")
        return torch.cat([x, functional.one_hot(condition, self.condition_size).to(x.dtype)], dim=1)


def at_least_float32(x: Tensor) -> Tensor:
    """What autocast computed with fewer bits, as float32: losses are computed so."""
    return x.float() if x.dtype == torch.bfloat16 else x
