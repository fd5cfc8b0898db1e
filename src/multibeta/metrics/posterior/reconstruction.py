"""Reconstruction: the distortion term of the evidence lower bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, require_finite


class Reconstruction(Metric):
    """−E_q(z|x)[log p(x|z)], the mean over held-out images at one posterior sample of each, in nats per image.

    Summed over pixels and channels. Values of a Bernoulli and of a Gaussian likelihood are not comparable.

    Source: Kingma & Welling 2014, equation 3, https://arxiv.org/abs/1312.6114
    """

    title = "Reconstruction"
    source = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"
    protocol = "held_out"
    unit = "nats/image"
    better = "lower"
    needs = ("nll",)
    representation = "posterior"

    def measure(self, *, nll: NDArray[np.float64]) -> Result:
        require_finite(nll=nll)
        return Result(float(np.mean(nll, dtype=np.float64)), n=len(nll))
