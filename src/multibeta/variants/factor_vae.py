"""FactorVAE: a discriminator tells codes from codes with shuffled latents, and so measures their total correlation."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor, nn

    from multibeta.options import TrainingOptions


class FactorVAE(Variant):
    """−E[log p(x|z)] + KL(q(z|x) ‖ p(z)) + γ · TC(z), with TC ≈ E[log D(z) / (1 − D(z))].

    D tells codes of the batch from codes whose latents are each drawn from another image of it, which have the same
    marginals and no dependence. Its loss is a cross-entropy of ln 2 at chance. One step is one update of the networks
    and one of D, on the same images; D learns from codes cut off from the encoder.

    References:
        Kim & Mnih 2018, "Disentangling by Factorising", https://arxiv.org/abs/1802.05983, algorithm 2 and appendix A.
    """

    class Options(registry.Options):
        width: int = Field(1000, ge=1, le=8192, description="units in each layer of the discriminator")
        layers: int = Field(6, ge=1, le=32, description="hidden layers of the discriminator")
        adversary_learning_rate: float = Field(1e-4, gt=0, le=1, description="of the discriminator's Adam")

    title = "FactorVAE"
    source = "Kim & Mnih 2018, https://arxiv.org/abs/1802.05983"
    symbol = "γ"
    strengths = (5, 10, 20, 40)
    draws_prior = True

    def check(self, training: TrainingOptions) -> None:
        if training.latents < 2 or training.batch_size < 2:
            raise ValueError("shuffles latents within a batch and needs latents and batch_size of at least 2")

    def adversary(self, parts: Parts) -> nn.Module:
        from torch import nn

        widths = [parts.latents, *[self.options.width] * self.options.layers]
        hidden: list[nn.Module] = []
        for before, after in pairwise(widths):
            hidden += [nn.Linear(before, after), nn.LeakyReLU(0.2, inplace=True)]
        return nn.Sequential(*hidden, nn.Linear(widths[-1], 1))

    @property
    def adversary_adam(self) -> tuple[float, tuple[float, float]]:
        return self.options.adversary_learning_rate, (0.5, 0.9)

    def loss(self, forward: Forward, strength: float) -> Terms:
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "kl": (1.0, forward.kl),
            # D's logit is log D(z) / (1 − D(z)).
            "total_correlation": (strength, forward.adversary(forward.z).mean()),
        }

    def adversary_loss(self, forward: Forward) -> Tensor:
        import torch
        from torch.nn.functional import softplus

        assert forward.prior is not None
        shuffled = forward.z.gather(0, forward.prior.argsort(0))
        # Both at once, as D's weights are read but once then.
        of_codes, of_shuffled = forward.adversary(torch.cat([forward.z, shuffled])).chunk(2)
        return 0.5 * (softplus(-of_codes).mean() + softplus(of_shuffled).mean())
