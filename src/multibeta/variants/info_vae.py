"""InfoVAE: the aggregate posterior is drawn to the prior by its maximum mean discrepancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Terms, Variant
from multibeta.variants._mmd import mmd

if TYPE_CHECKING:
    from multibeta.options import TrainingOptions


class InfoVAE(Variant):
    """−E[log p(x|z)] + (1 − α) · KL(q(z|x) ‖ p(z)) + (α + λ) · MMD(q(z), p(z)).

    λ counts from the plain VAE: it is the paper's λ less 1, so that α = λ = 0 is the ELBO. α = 1 leaves the MMD alone,
    the MMD-VAE.

    References:
        Zhao, Song & Ermon 2019, "InfoVAE: Balancing Learning and Inference in Variational Autoencoders",
        https://arxiv.org/abs/1706.02262, equation 6.
    """

    class Options(registry.Options):
        alpha: float = Field(0, ge=-100, le=1, description="α, the share of the KL that the MMD takes over")

    title = "InfoVAE"
    source = "Zhao et al. 2019, https://arxiv.org/abs/1706.02262"
    symbol = "λ"
    strengths = (1, 10, 100, 1000)
    draws_prior = True

    def check(self, training: TrainingOptions) -> None:
        if training.batch_size < 2:
            raise ValueError("compares codes within a batch and needs a batch_size of at least 2")

    def loss(self, forward: Forward, strength: float) -> Terms:
        assert forward.prior is not None
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "kl": (1 - self.options.alpha, forward.kl),
            "mmd": (self.options.alpha + strength, mmd(forward.z, forward.prior)),
        }
