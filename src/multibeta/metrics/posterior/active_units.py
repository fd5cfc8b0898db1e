"""Active units: how many latents the encoder uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite

#: A latent is active if the variance of its posterior means is larger.
THRESHOLD = 0.01


class ActiveUnits(Metric):
    """The number of latents j with Var_x(E_q(z|x)[z_j]) > 0.01 over the held-out images.

    Its parts are these variances, with 1/N, by latent.

    Source: Burda, Grosse & Salakhutdinov 2016, section 5.2, https://arxiv.org/abs/1509.00519
    """

    title = "Active units"
    source = "Burda et al. 2016, https://arxiv.org/abs/1509.00519"
    protocol = "held_out"
    unit = "latents"
    better = "neither"
    needs = ("mean",)
    representation = "posterior"

    def measure(self, *, mean: NDArray[np.float64]) -> Result:
        require_finite(mean=mean)
        if len(mean) < 2:
            raise NotComputed("the variance over held-out images needs two of them or more, found 1")
        variance = mean.astype(np.float64).var(0)
        parts = {f"z{j}": float(value) for j, value in enumerate(variance)}
        return Result(float((variance > THRESHOLD).sum()), n=len(mean), parts=parts)
