"""MIG: is each factor told by one latent alone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.disentanglement._discrete import DISCRETE, Binning, discretised, information


class Gaps(NamedTuple):
    """Of each factor its normalised gap (K,), all mutual information (D, K) and entropies (K,) in nats."""

    gaps: NDArray[np.float64]
    mutual_information: NDArray[np.float64]
    entropy: NDArray[np.float64]


def mig(bins: NDArray[np.int64], factors: NDArray[np.int64]) -> Gaps:
    """The gap of every factor on exactly these binned codes (N, D ≥ 2) and factors (N, K); MIG is ``gaps.mean()``.

    No factor may be constant: its gap would be 0 / 0.
    """
    mutual, entropy = information(bins, factors)
    second, first = np.sort(mutual, axis=0)[-2:]
    return Gaps((first - second) / entropy, mutual, entropy)


class MIG(Metric):
    """mean_k (I(z_(1); v_k) − I(z_(2); v_k)) / H(v_k): the gap between the two latents that tell most of factor v_k.

    1 if each factor is told by one latent alone, 0 if two latents tell equally much. Plug-in estimates from counts, in
    nats. ``dlib19``: at most 10,000 codes, each latent in 20 bins of equal width between its least and largest value;
    they hold 3 nats, so perfect codes of dSprites score about 0.9, and a single outlier widens all bins. ``ours``:
    the whole table, bins of equally many codes, as many as 20 or the values of the largest factor.
    A dead latent has no information.

    Source: Chen et al. 2018, https://arxiv.org/abs/1802.04942, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "MIG"
    source = (
        "Chen et al. 2018, https://arxiv.org/abs/1802.04942; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = DISCRETE
    better = "higher"
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
        bins, factors = discretised(codes, factors, factor_names, seed, most, binning, latents=2)
        found = mig(bins, factors)
        return Result(
            float(found.gaps.mean()),
            n=len(bins),
            parts=dict(zip(factor_names, found.gaps.tolist(), strict=True)),
            arrays={"mutual_information": found.mutual_information, "entropy": found.entropy},
        )
