"""IRS: does a latent stay put while all factors but one change?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._discrete import binned
from multibeta.metrics.disentanglement._table import check, require_rows_per_value, rows

QUANTILE = 0.99


class Robustness(NamedTuple):
    """Of each latent and factor 1 − the relative deviation (D, K), and each latent's largest deviation (D,)."""

    scores: NDArray[np.float64]
    deviations: NDArray[np.float64]


def robustness(codes: NDArray[np.float64], factors: NDArray[np.int64]) -> Robustness:
    """How little codes (N, D), none of them constant, deviate while one of the factors (N, K) is held."""
    latents = np.ascontiguousarray(codes.T)
    largest = np.abs(latents - latents.mean(1, keepdims=True)).max(1)
    held = np.empty((len(latents), factors.shape[1]))
    for k, column in enumerate(factors.T):
        _, value, counts = np.unique(column, return_inverse=True, return_counts=True)
        groups = np.split(latents[:, np.argsort(value, kind="stable")], counts.cumsum()[:-1], axis=1)
        deviations = [np.abs(group - group.mean(1, keepdims=True)) for group in groups]
        held[:, k] = np.mean([np.quantile(each, QUANTILE, axis=1) for each in deviations], axis=0)
    return Robustness(1 - held / largest[:, None], largest)


class IRS(Metric):
    """Σ_j w_j max_k (1 − d_jk / w_j) / Σ_j w_j, the interventional robustness score.

    d_jk is how far z_j goes from its mean while v_k is held: the 99th percentile of |z_j − E[z_j|v_k]| over the codes
    with one value of v_k, averaged over the values. w_j is the largest |z_j − E[z_j]|. 1 if each latent stays where it
    is as long as one factor does. Gaussian noise scores about a third, for the 99th percentile is below the largest.
    Constant latents have weight 0 and are left out.

    Source: Suter et al. 2019, https://arxiv.org/abs/1811.00007, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "IRS"
    source = (
        "Suter et al. 2019, https://arxiv.org/abs/1811.00007; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"most": 10_000, "factor_bins": 20}, "ours": {"most": None, "factor_bins": None}}
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        most: int | None,
        factor_bins: int | None,
    ) -> Result:
        check(codes, factors, factor_names, least=2)
        kept = rows(len(codes), most, seed)
        codes, factors = codes[kept], factors[kept]
        if factor_bins:
            factors = binned(factors, factor_bins)
        # A few codes hardly deviate from their own mean.
        require_rows_per_value(factors, factor_names)
        moving = np.flatnonzero(np.ptp(codes, axis=0) > 0)
        if not len(moving):
            raise NotComputed("every latent is constant, none deviates")
        found = robustness(codes[:, moving], factors)
        best = found.scores.max(1)
        return Result(
            float(np.average(best, weights=found.deviations)),
            n=len(codes),
            parts={f"z{j}": score for j, score in zip(moving, best.tolist(), strict=True)},
            arrays={"robustness": found.scores, "largest_deviation": found.deviations, "latents": moving},
        )
