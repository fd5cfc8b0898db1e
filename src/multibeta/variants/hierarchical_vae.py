"""Hierarchical VAE: a ladder of codes, the deeper ones read and used further from the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from multibeta.network import VAE
    from multibeta.options import TrainingOptions


class HierarchicalVAE(Variant):
    """−E[log p(x|z)] + β · Σ_l KL(q(z_l|x) ‖ N(0, I)), a variational ladder autoencoder of L levels.

    The encoder climbs: level 1 is read from the architecture's features, each further one from a layer above. The
    decoder descends: it begins with the top code and takes in the next at each layer, z̃_l = f(z̃_{l+1}, z_l).
    Hierarchy lies in the depth of the nets; the levels' priors are independent, so the code is all levels beside each
    other, top first, and posterior, prior and ELBO are as exact as a plain VAE's.

    References:
        Zhao, Song & Ermon 2017, "Learning Hierarchical Features from Generative Models",
        https://arxiv.org/abs/1702.08396, section 5.
    """

    class Options(registry.Options):
        levels: int = Field(3, ge=2, le=16, description="levels of the ladder; the latents are spread over them")
        width: int = Field(128, ge=1, le=8192, description="units of each rung")

    title = "Hierarchical VAE"
    source = "Zhao, Song & Ermon 2017, https://arxiv.org/abs/1702.08396"

    def check(self, training: TrainingOptions) -> None:
        if training.latents < self.options.levels:
            raise ValueError(f"needs at least one latent for each of its {self.options.levels} levels")

    def network(self, parts: Parts) -> VAE:
        from multibeta.variants._ladder import Ladder

        return Ladder(parts, self.sizes(parts.latents), self.options.width)

    def sizes(self, latents: int) -> list[int]:
        """Latents of each level, top first, as equal as can be."""
        levels = self.options.levels
        return [latents // levels + (level < latents % levels) for level in range(levels)]

    def loss(self, forward: Forward, strength: float) -> Terms:
        by_level = forward.kl_per_latent.split(self.sizes(forward.mean.shape[1]))
        levels = {f"kl_level{len(by_level) - place}": (0.0, each.sum()) for place, each in enumerate(by_level)}
        return {"reconstruction": (1.0, forward.reconstruction), "kl": (strength, forward.kl), **levels}
