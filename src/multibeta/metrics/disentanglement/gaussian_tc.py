"""Gaussian total correlation: how strongly are latents correlated with each other?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite
from multibeta.metrics.disentanglement._table import rows

#: A correlation matrix with a smaller eigenvalue is singular: rounding of codes stored in float32 makes about 1e-15.
SINGULAR = 1e-12
#: For each latent; independent Gaussian latents seem to have D (D − 1) / 4N nats.
CODES_PER_LATENT = 10


def gaussian_total_correlation(correlation: NDArray[np.float64]) -> float:
    """−½ log det R of a correlation matrix R (D, D) that is not singular, in nats."""
    return float(-0.5 * np.linalg.slogdet(correlation).logabsdet)


class GaussianTC(Metric):
    """½ (Σ_j log C_jj − log det C), C the covariance of the codes: their total correlation, were they Gaussian.

    Computed as −½ log det R from the correlations R, which no scale of a latent changes. 0 if no two latents are
    correlated, without upper bound. Latents that are constant are left out. It sees linear dependence only, and a
    latent of tiny variance counts as much as any: mean codes of passive latents are correlated, sampled ones are not.

    Source: Locatello et al. 2019, https://arxiv.org/abs/1811.12359
    """

    title = "Gaussian total correlation"
    source = "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    protocols = {"dlib19": {"most": 10_000}, "ours": {"most": None}}
    unit = "nats"
    better = "lower"
    needs = ("codes", "seed")

    def measure(self, *, codes: NDArray[np.float64], seed: int, most: int | None) -> Result:
        require_finite(codes=codes)
        codes = codes[rows(len(codes), most, seed)]
        least = CODES_PER_LATENT * codes.shape[1]
        if len(codes) < least:
            raise NotComputed(f"{len(codes)} codes are too few, at least {least} needed")
        moving = codes[:, np.ptp(codes, axis=0) > 0]
        if not moving.shape[1]:
            raise NotComputed("every latent is constant")
        correlation = np.atleast_2d(np.corrcoef(moving, rowvar=False))
        smallest = np.linalg.eigvalsh(correlation)[0]
        if smallest < SINGULAR:
            raise NotComputed(
                f"the covariance of the codes is singular (smallest eigenvalue of the correlations {smallest:.1e}): "
                "some latents repeat others"
            )
        return Result(
            max(0.0, gaussian_total_correlation(correlation)), n=len(codes), arrays={"correlation": correlation}
        )
