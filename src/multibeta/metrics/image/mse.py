"""MSE: the squared error of reconstructed pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.image._pairs import squared_error


class MSE(Metric):
    """E[(x − x̂)²] over pixels, channels and held-out images in [0, 1]; x̂ is decoded from the posterior mean.

    Source: Wang & Bovik 2009, https://doi.org/10.1109/MSP.2008.930649
    """

    title = "MSE"
    source = "Wang & Bovik 2009, https://doi.org/10.1109/MSP.2008.930649"
    protocol = "held_out"
    better = "lower"
    needs = ("images", "reconstructions")
    representation = "reconstruction"

    def measure(self, *, images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> Result:
        return Result(float(squared_error(images, reconstructions).mean()), n=len(images))
