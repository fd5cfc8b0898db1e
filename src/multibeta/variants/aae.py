"""Adversarial autoencoder: a discriminator tells codes from draws of the prior, and the encoder learns to fool it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor, nn


class AAE(Variant):
    """−log p(x|z(x)) − λ · E[log D(z(x))], the codes z(x) points, D the probability of being a draw of the prior.

    The encoder's term is the one that does not saturate (Goodfellow et al. 2014). One step is one update of encoder and
    decoder by the weighted sum, and one of D.

    References:
        Makhzani et al. 2016, "Adversarial Autoencoders", https://arxiv.org/abs/1511.05644, section 2.
    """

    class Options(registry.Options):
        width: int = Field(512, ge=1, le=8192, description="units in both layers of the discriminator")
        adversary_learning_rate: float = Field(1e-4, gt=0, le=1, description="of the discriminator's Adam")

    title = "AAE"
    source = "Makhzani et al. 2016, https://arxiv.org/abs/1511.05644"
    symbol = "λ"
    strengths = (1, 3, 10, 30)
    points = True
    draws_prior = True

    def adversary(self, parts: Parts) -> nn.Module:
        from torch import nn

        width = self.options.width
        first, second = nn.Linear(parts.latents, width), nn.Linear(width, width)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Linear(width, 1))

    @property
    def adversary_adam(self) -> tuple[float, tuple[float, float]]:
        return self.options.adversary_learning_rate, (0.5, 0.9)

    def loss(self, forward: Forward, strength: float) -> Terms:
        from torch.nn.functional import softplus

        fooled = softplus(-forward.adversary(forward.z)).mean()
        return {"reconstruction": (1.0, forward.reconstruction), "generator": (strength, fooled)}

    def adversary_loss(self, forward: Forward) -> Tensor:
        from torch.nn.functional import softplus

        of_prior, of_codes = forward.adversary(forward.prior), forward.adversary(forward.z)
        return 0.5 * (softplus(-of_prior).mean() + softplus(of_codes).mean())
