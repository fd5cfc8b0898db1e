"""A network whose codes are standardised after training, with a Gaussian fitted to them. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from multibeta.network import VAE

#: A latent of smaller standard deviation is taken to be constant.
CONSTANT = 1e-6


class Standardised(VAE):
    """Encoder and decoder around codes (B, D), after `fit` of mean 0 and variance 1 over the training images.

    The prior is the Gaussian with the codes' correlations.
    """

    centre: Tensor
    scale: Tensor
    correlated: Tensor

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.register_buffer("centre", torch.zeros(self.latents))
        self.register_buffer("scale", torch.ones(self.latents))
        #: The Cholesky factor (D, D) of the codes' correlations.
        self.register_buffer("correlated", torch.eye(self.latents))

    def encode(self, images: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, logvar = super().encode(images, condition)
        return (mean - self.centre) / self.scale, logvar

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().decode(z * self.scale + self.centre, condition)

    def prior(self, noise: Tensor) -> Tensor:
        return noise @ self.correlated.T

    @torch.no_grad()
    def fit(self, codes: Tensor) -> None:
        """Take mean, scale and correlations of codes (N, D), as `encode` gives them before."""
        codes = codes.double()
        mean, std = codes.mean(0), codes.std(0, correction=0)
        std = torch.where(std > CONSTANT, std, 1.0)
        # What stands there is that of a pretrained network, by which these codes are standardised already.
        self.centre.add_(self.scale * mean)
        self.scale.mul_(std)
        standard = (codes - mean) / std
        covariance = standard.T @ standard / len(codes)
        # Twice the same latent, or a constant one, leaves the matrix singular.
        jitter = 1e-6 * torch.eye(self.latents, dtype=torch.float64, device=codes.device)
        self.correlated.copy_(torch.linalg.cholesky(covariance + jitter))
