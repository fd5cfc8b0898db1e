"""Conditional VAE: the β-VAE whose encoder and decoder are told the label or one factor."""

from __future__ import annotations

from multibeta import registry
from multibeta.variants.beta_vae import BetaVAE


class CVAE(BetaVAE):
    """Conditional β-VAE: −E[log p(x|z, c)] + β · KL(q(z|x, c) ‖ p(z)), c the label or a factor, one-hot.

    What the condition says need not be encoded, so a code of the same rate has room for the rest, and the decoder
    draws samples of a wanted class. Scores of the conditioning factor itself are therefore expected to be near zero.

    References:
        Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional Generative Models",
        NeurIPS; with β as in Higgins et al. 2017.
    """

    class Options(registry.Options):
        #: ``label``, the name of a factor, or ``auto``: the label if there is one, else the first factor.
        condition: str = "auto"

    title = "CVAE"
    source = "Sohn, Lee & Yan 2015, NeurIPS"

    def condition(self, factors: list[tuple[str, int]], classes: int) -> str | None:
        names = [name for name, _ in factors]
        wanted = self.options.condition
        if wanted == "auto":
            if classes:
                return "label"
            if names:
                return names[0]
            raise ValueError("has neither labels nor factors to condition on")
        if wanted == "label" and not classes:
            raise ValueError("has no labels to condition on")
        if wanted != "label" and wanted not in names:
            raise ValueError(f"has no factor {wanted!r} to condition on{registry.nearest(wanted, ['label', *names])}")
        return str(wanted)
