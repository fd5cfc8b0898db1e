"""Conditional VAE: the β-VAE whose encoder and decoder are told the label, a factor or several attributes."""

from __future__ import annotations

import math

from pydantic import Field

from multibeta import registry
from multibeta.variants.beta_vae import BetaVAE

#: Combinations of several factors that a network is told apart, at most: six binary attributes.
MOST = 64


class CVAE(BetaVAE):
    """Conditional β-VAE: −E[log p(x|z, c)] + β · KL(q(z|x, c) ‖ p(z)), c the label or factors, one-hot.

    What the condition says need not be encoded, so a code of the same rate has room for the rest, and the decoder
    draws samples of a wanted class. Scores of the conditioning factor itself are therefore expected to be near zero.

    References:
        Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional Generative Models",
        NeurIPS; with β as in Higgins et al. 2017.
    """

    class Options(registry.Options):
        condition: str = Field(
            "auto",
            description="label, the name of a factor, several joined by + (smiling+male), or auto: the label if there "
            "is one, else the first factor",
        )

    title = "CVAE"
    source = "Sohn, Lee & Yan 2015, NeurIPS"

    def condition(self, factors: list[tuple[str, int]], classes: int) -> str | None:
        sizes = dict(factors)
        wanted = self.options.condition
        if wanted == "auto":
            if classes:
                return "label"
            if sizes:
                return next(iter(sizes))
            raise ValueError("has neither labels nor factors to condition on")
        if wanted == "label" and not classes:
            raise ValueError("has no labels to condition on")
        several = [] if wanted == "label" else wanted.split("+")
        for name in several:
            if name not in sizes:
                raise ValueError(f"has no factor {name!r} to condition on{registry.nearest(name, ['label', *sizes])}")
        if len(set(several)) < len(several):
            raise ValueError(f"is to be conditioned on a factor twice: {wanted!r}")
        combinations = math.prod(sizes[name] for name in several)
        if len(several) > 1 and combinations > MOST:
            raise ValueError(f"has {combinations} combinations of {wanted!r} to condition on, more than {MOST}")
        return str(wanted)
