"""DIP-VAE-I: the covariance of the posterior means is drawn to the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.options import TrainingOptions


class DIPVAEI(Variant):
    """−E[log p(x|z)] + KL + λ · Σ_{i≠j} C_ij² + λ · ratio · Σ_i (C_ii − 1)², C = Cov_x[μ(x)] of the batch.

    λ is λ_od of the paper, and ratio · λ its λ_d.

    References:
        Kumar, Sattigeri & Balakrishnan 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
        Observations", https://arxiv.org/abs/1711.00848, equation 6.
    """

    class Options(registry.Options):
        ratio: float = Field(10, ge=0, le=1e6, description="λ_d / λ_od, the weight of the diagonal")

    title = "DIP-VAE-I"
    source = "Kumar et al. 2018, https://arxiv.org/abs/1711.00848"
    symbol = "λ"
    strengths = (1, 2, 5, 10, 20, 50)

    def check(self, training: TrainingOptions) -> None:
        if training.batch_size < 2:
            raise ValueError("takes the covariance of a batch and needs a batch_size of at least 2")

    def loss(self, forward: Forward, strength: float) -> Terms:
        covariance = self.covariance(forward)
        diagonal = covariance.diagonal()
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "kl": (1.0, forward.kl),
            "off_diagonal": (strength, covariance.square().sum() - diagonal.square().sum()),
            "diagonal": (strength * self.options.ratio, (diagonal - 1).square().sum()),
        }

    def covariance(self, forward: Forward) -> Tensor:
        """(D, D), over the images of the batch, with 1/B."""
        centred = forward.mean - forward.mean.mean(0)
        return centred.T @ centred / len(centred)
