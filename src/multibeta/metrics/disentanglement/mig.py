"""MIG: is each factor told by one latent alone?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite
from multibeta.metrics.disentanglement._discrete import binned, information
from multibeta.randomness import numpy_generator

BINS = 20
DRAWS = 10_000
#: Fewer codes per bin than this, and the plug-in estimates are mostly sampling bias.
CODES_PER_BIN = 10


class Gaps(NamedTuple):
    """Of each factor its normalised gap (K,), all mutual information (D, K) and entropies (K,) in nats."""

    gaps: NDArray[np.float64]
    mutual_information: NDArray[np.float64]
    entropy: NDArray[np.float64]


def mig(codes: NDArray[Any], factors: NDArray[np.int64], bins: int = BINS) -> Gaps:
    """The gap of every factor on exactly these codes (N, D ≥ 2) and factors (N, K); MIG is ``gaps.mean()``.

    No factor may be constant: its gap would be 0 / 0.
    """
    mutual, entropy = information(binned(codes, bins), factors)
    second, first = np.sort(mutual, axis=0)[-2:]
    return Gaps((first - second) / entropy, mutual, entropy)


class MIG(Metric):
    """mean_k (I(z_(1); v_k) − I(z_(2); v_k)) / H(v_k): the gap between the two latents that tell most of factor v_k.

    1 if each factor is told by one latent alone, 0 if two latents tell equally much. Protocol ``dlib19``: 10,000 draws
    with replacement from the code table, codes in 20 bins of equal width between each latent's least and largest
    value, plug-in estimates in nats. The 20 bins hold 3 bits: perfect codes of dSprites score about 0.9, not 1, and a
    single outlier widens all bins. A dead latent has no information; a factor with a single value is refused by name,
    for a mean over the others would be another metric.

    Source: Chen et al. 2018, https://arxiv.org/abs/1802.04942, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "MIG"
    source = (
        "Chen et al. 2018, https://arxiv.org/abs/1802.04942; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocol = "dlib19"
    better = "higher"
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: list[str],
        seed: int,
    ) -> Result:
        require_finite(codes=codes)
        if codes.shape[1] < 2:
            raise NotComputed("a gap between latents needs two of them or more, found 1")
        if len(codes) < CODES_PER_BIN * BINS:
            raise NotComputed(f"{len(codes)} codes are too few for {BINS} bins, at least {CODES_PER_BIN * BINS} needed")
        rows = numpy_generator(seed, "mig").integers(len(codes), size=DRAWS)
        codes, factors = codes[rows], factors[rows]
        for name, column in zip(factor_names, factors.T, strict=True):
            if (column == column[0]).all():
                raise NotComputed(f"factor {name!r} has a single value, its entropy is 0")
        found = mig(codes, factors)
        return Result(
            float(found.gaps.mean()),
            n=DRAWS,
            parts=dict(zip(factor_names, found.gaps.tolist(), strict=True)),
            arrays={"mutual_information": found.mutual_information, "entropy": found.entropy},
        )
