"""MIG-sup: does each latent tell one factor alone?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._discrete import DISCRETE, Binning, discretised, information

#: A latent is active if the variance of its codes is larger.
ACTIVE = 0.01


def gaps(mutual: NDArray[np.float64], entropy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each latent, the gap (D,) between its two largest shares I / H, from I (D, K ≥ 2) and H (K,)."""
    shares = np.sort(mutual / entropy, axis=1)
    gap: NDArray[np.float64] = shares[:, -1] - shares[:, -2]
    return gap


class MIGSup(Metric):
    """mean_j I(z_j; v_(1)) / H(v_(1)) − I(z_j; v_(2)) / H(v_(2)): the gap between the two factors that z_j tells most.

    MIG with latents and factors changed over: it falls when one latent tells two factors, which MIG does not see, and
    does not fall when two latents tell one. The mean is over the active latents, those whose codes have a variance
    above 0.01. 1 if each active latent tells all of one factor and nothing of the others.

    Source: Li et al. 2020, https://openreview.net/forum?id=SygagpEKwB
    """

    title = "MIG-sup"
    source = "Li et al. 2020, https://openreview.net/forum?id=SygagpEKwB"
    protocols = DISCRETE
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        most: int | None,
        binning: Binning,
    ) -> Result:
        if factors.shape[1] < 2:
            raise NotComputed(f"needs 2 factors or more, found {factors.shape[1]}")
        bins, kept = discretised(codes, factors, factor_names, seed, most, binning)
        active = np.flatnonzero(codes.var(0) > ACTIVE)
        if not len(active):
            raise NotComputed(f"no latent is active: the variance of every one's codes is at most {ACTIVE}")
        mutual, entropy = information(bins, kept)
        of_active = gaps(mutual[active], entropy)
        return Result(
            float(of_active.mean()),
            n=len(bins),
            parts={f"z{j}": gap for j, gap in zip(active, of_active.tolist(), strict=True)},
            arrays={"mutual_information": mutual, "entropy": entropy},
        )
