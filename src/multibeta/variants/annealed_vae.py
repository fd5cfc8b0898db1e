"""Annealed-capacity β-VAE: the KL is held at a capacity C that rises during training."""

from __future__ import annotations

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Terms, Variant


class AnnealedVAE(Variant):
    """−E[log p(x|z)] + γ · |KL(q(z|x) ‖ p(z)) − C|, C rising linearly from 0 to its full value.

    The KL is that of the batch, |mean KL − C|, not the mean over images of |KL − C|, which would hold every single
    image to C nats. C is the strength: its path is `training.strength_schedule`, here linear over a third of the
    training, as 100,000 of 300,000 steps in Locatello et al. 2019.

    References:
        Burgess et al. 2018, "Understanding disentangling in β-VAE", https://arxiv.org/abs/1804.03599, equation 8.
    """

    class Options(registry.Options):
        gamma: float = Field(1000, gt=0, le=1e9, description="γ, the weight of the distance to C")

    title = "AnnealedVAE"
    source = "Burgess et al. 2018, https://arxiv.org/abs/1804.03599"
    symbol = "C"
    strengths = (5, 10, 25, 50)
    training = {"strength_schedule": "linear", "schedule_steps": 0.33}

    def loss(self, forward: Forward, strength: float) -> Terms:
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "kl": (0.0, forward.kl),
            "capacity_gap": (self.options.gamma, (forward.kl - strength).abs()),
            # Next to nothing where the KL is held by means that are the same for every image.
            "variance_of_means": (0.0, forward.mean.var(0, correction=0).max()),
        }
