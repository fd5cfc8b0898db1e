"""Generalisation gap: what the reconstruction of an image costs more because no model was trained on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, require_finite


class GeneralisationGap(Metric):
    """E_held out[−log p(x|z)] − E_trained on[−log p(x|z)], each at one posterior sample per image, nats per image.

    The first mean is the metric ``reconstruction``; the second is over images of the code table that were trained on,
    at most as many. 0 for a model that reconstructs both alike. What is held out is the split's.

    Source: Montero et al. 2021, section 3, https://openreview.net/forum?id=qbH974jKUVy, who compare the reconstruction
    of combinations seen and not seen in training
    """

    title = "Generalisation gap"
    source = "Montero et al. 2021, https://openreview.net/forum?id=qbH974jKUVy"
    protocol = "held_out"
    unit = "nats/image"
    better = "lower"
    needs = ("nll", "nll_trained_on")
    representation = "posterior"

    def measure(self, *, nll: NDArray[np.float64], nll_trained_on: NDArray[np.float64]) -> Result:
        require_finite(nll=nll, nll_trained_on=nll_trained_on)
        gap = np.mean(nll, dtype=np.float64) - np.mean(nll_trained_on, dtype=np.float64)
        return Result(float(gap), n=len(nll) + len(nll_trained_on))
