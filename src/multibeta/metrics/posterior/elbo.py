"""ELBO: the evidence lower bound, whatever weights training gave to its terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, require_finite
from multibeta.metrics.posterior._divergence import kl_per_latent


class ELBO(Metric):
    """E_q(z|x)[log p(x|z)] − KL(q(z|x) ‖ p(z)), the mean over held-out images, in nats per image.

    A lower bound of log p(x): minus the sum of the metrics ``reconstruction`` and ``kl``, at weight 1 for any β.

    Source: Kingma & Welling 2014, equation 3, https://arxiv.org/abs/1312.6114
    """

    title = "ELBO"
    source = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"
    protocol = "held_out"
    unit = "nats/image"
    better = "higher"
    needs = ("nll", "mean", "logvar")
    representation = "posterior"

    def measure(
        self,
        *,
        nll: NDArray[np.float64],
        mean: NDArray[np.float64],
        logvar: NDArray[np.float64],
    ) -> Result:
        require_finite(nll=nll)
        distortion = float(np.mean(nll, dtype=np.float64))
        return Result(-(distortion + float(kl_per_latent(mean, logvar).sum())), n=len(nll))
