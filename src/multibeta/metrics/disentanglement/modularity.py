"""Modularity: how near is each latent to telling one factor alone?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._discrete import DISCRETE, Binning, discretised, information


def modularity(mutual: NDArray[np.float64]) -> NDArray[np.float64]:
    """The modularity (D,) of each latent from I (D, K ≥ 2) in nats; a latent that tells nothing has 0."""
    squares = mutual**2
    most = squares.max(1)
    others = (squares.sum(1) - most) / (mutual.shape[1] - 1)
    return np.where(most > 0, 1 - others / np.where(most > 0, most, 1), 0.0)


class Modularity(Metric):
    """mean_j 1 − Σ_{k ≠ k*} I(z_j; v_k)² / ((K − 1) I(z_j; v_k*)²), k* the factor that z_j tells most.

    1 if each latent tells one factor alone, however little of it; 0 for a latent that tells all factors equally.
    Plug-in estimates from counts, in nats. A dead latent tells nothing and counts as 0, as in disentanglement_lib.
    A latent of noise scores well above 0: what sampling makes it seem to tell of the factors differs between them.

    Source: Ridgeway & Mozer 2018, https://arxiv.org/abs/1802.05312, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "Modularity"
    source = (
        "Ridgeway & Mozer 2018, https://arxiv.org/abs/1802.05312; "
        "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
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
        bins, factors = discretised(codes, factors, factor_names, seed, most, binning)
        mutual, entropy = information(bins, factors)
        found = modularity(mutual)
        return Result(
            float(found.mean()),
            n=len(bins),
            parts={f"z{j}": value for j, value in enumerate(found.tolist())},
            arrays={"mutual_information": mutual, "entropy": entropy},
        )
