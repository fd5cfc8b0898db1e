"""PSNR: the squared error of each image on a logarithmic scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.image._pairs import squared_error

#: The least error counted, so that an identical image has 100 dB rather than infinitely many.
FLOOR = 1e-10


class PSNR(Metric):
    """E[−10 log₁₀ max(MSE(x, x̂), 10⁻¹⁰)] in dB: the mean over held-out images of the PSNR of each, data range 1.

    It is not the PSNR of the mean error, which is lower.

    Source: Wang & Bovik 2009, https://doi.org/10.1109/MSP.2008.930649
    """

    title = "PSNR"
    source = "Wang & Bovik 2009, https://doi.org/10.1109/MSP.2008.930649"
    protocol = "held_out"
    unit = "dB"
    better = "higher"
    needs = ("images", "reconstructions")
    representation = "reconstruction"

    def measure(self, *, images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> Result:
        error = squared_error(images, reconstructions).clip(min=FLOOR)
        return Result(float(-10 * np.log10(error).mean()), n=len(images))
