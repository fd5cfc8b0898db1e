"""KL: the rate term of the evidence lower bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.posterior._divergence import kl_per_latent


class KL(Metric):
    """KL(q(z|x) ‖ N(0, I)) = Σ_j ½ (μ_j² + σ_j² − log σ_j² − 1), the mean over held-out images, in nats per image.

    Its parts are the terms of the sum, by latent.

    Source: Kingma & Welling 2014, appendix B, https://arxiv.org/abs/1312.6114
    """

    title = "KL"
    source = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"
    protocol = "held_out"
    unit = "nats/image"
    better = "neither"
    needs = ("mean", "logvar")
    representation = "posterior"

    def measure(self, *, mean: NDArray[np.float64], logvar: NDArray[np.float64]) -> Result:
        divergence = kl_per_latent(mean, logvar)
        parts = {f"z{j}": float(value) for j, value in enumerate(divergence)}
        return Result(float(divergence.sum()), n=len(mean), parts=parts)
