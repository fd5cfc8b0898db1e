"""β-conditioned VAE: one network that is told β, trained over its whole range and read at any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from multibeta.network import VAE


class BetaConditionedVAE(Variant):
    """E_β[−log p(x|z, β) + β · KL(q(z|x, β) ‖ p(z))], log β uniform over a range, drawn anew for each image.

    Encoder and decoder are told β. A sweep over strengths trains one model and reads it at each: the price of one. Each
    image's loss is divided by a power of its β, or the largest would have nearly all of the gradient.

    References:
        Dosovitskiy & Djolonga 2020, "You Only Train Once: Loss-Conditional Training of Deep Networks", ICLR; for VAEs:
        Bae et al. 2022, "Multi-Rate VAE: Train Once, Get the Full Rate-Distortion Curve", https://arxiv.org/abs/2212.03905.
    """

    class Options(registry.Options):
        lowest: float = Field(0.25, gt=0, le=1e6, description="smallest β in training")
        highest: float = Field(16, gt=0, le=1e6, description="largest β in training")
        balance: float = Field(0.5, ge=0, le=1, description="the power of β that each image's loss is divided by")

        @model_validator(mode="after")
        def _is_a_range(self) -> Self:
            if self.lowest >= self.highest:
                clause = f"lowest = {self.lowest:g} must be below highest = {self.highest:g}"
                raise PydanticCustomError("range", "{clause}", {"clause": clause})
            return self

    title = "β-conditioned VAE"
    source = "Dosovitskiy & Djolonga 2020, ICLR; Bae et al. 2022, https://arxiv.org/abs/2212.03905"
    one_training = True
    draws_prior = True

    def check_strength(self, strength: float) -> None:
        lowest, highest = self.options.lowest, self.options.highest
        if not lowest <= strength <= highest:
            raise ValueError(f"must lie between lowest = {lowest:g} and highest = {highest:g}, its β in training")

    def network(self, parts: Parts) -> VAE:
        from multibeta.variants._told_strength import ToldStrength

        return ToldStrength(*parts, lowest=self.options.lowest, highest=self.options.highest)

    def loss(self, forward: Forward, strength: float) -> Terms:
        """``strength`` is the share of β that the warm-up has reached; the history's KL is the mean over the range."""
        beta = forward.extras["beta"]
        nll = forward.likelihood(forward.logits, forward.images)
        weighed = (nll + strength * beta * forward.kl_of_each.sum(1)) / beta**self.options.balance
        return {
            "reconstruction": (0.0, forward.reconstruction),
            "kl": (0.0, forward.kl),
            "weighed": (1.0, weighed.mean()),
        }
