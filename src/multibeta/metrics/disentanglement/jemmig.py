"""JEMMIG: is each factor told by one latent alone, which holds nothing else?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._discrete import (
    DISCRETE,
    Binning,
    discretised,
    entropy,
    information,
    number_of_bins,
)


def joint_gaps(
    mutual: NDArray[np.float64], of_code: NDArray[np.float64], of_factor: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """The normalised score (K,) of each factor, from I (D ≥ 2, K), H(z) (D,) and H(v) (K,), all in nats."""
    best = mutual.argmax(0)
    second, first = np.sort(mutual, axis=0)[-2:]
    joint = of_code[best] + of_factor - first
    score: NDArray[np.float64] = 1 - (joint - first + second) / (of_factor + np.log(bins))
    return score


class JEMMIG(Metric):
    """mean_k 1 − (H(z_*, v_k) − I(z_*; v_k) + I(z_°; v_k)) / (H(v_k) + log B), with z_* and z_° the two best of v_k.

    The joint entropy minus mutual information gap, normalised and turned so that higher is better: MIG's gap with a
    price on all that z_* holds beside v_k. H(z_*, v_k) = H(z_*) + H(v_k) − I(z_*; v_k), B the number of bins.
    Plug-in estimates from counts. 1 if the bins of z_* are the values of v_k, one to one, and no other tells v_k;
    0 if z_* fills its bins evenly and tells nothing. Codes that spread within one value of a factor of few values hold
    more than it and lower the score; a dead latent holds nothing and would raise it.

    Source: Do & Tran 2020, https://arxiv.org/abs/1908.09961
    """

    title = "JEMMIG"
    source = "Do & Tran 2020, https://arxiv.org/abs/1908.09961"
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
        bins, factors = discretised(codes, factors, factor_names, seed, most, binning, latents=2)
        of_code = entropy(bins)
        if not of_code.any():
            raise NotComputed("every latent is constant, and the score would reward that they hold nothing")
        mutual, of_factor = information(bins, factors)
        scores = joint_gaps(mutual, of_code, of_factor, number_of_bins(factors, binning))
        return Result(
            float(scores.mean()),
            n=len(bins),
            parts=dict(zip(factor_names, scores.tolist(), strict=True)),
            arrays={"mutual_information": mutual, "code_entropy": of_code, "entropy": of_factor},
        )
