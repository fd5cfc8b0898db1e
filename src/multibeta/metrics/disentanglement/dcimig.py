"""DCIMIG: how much of all factors is told by latents that tell one factor alone?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._discrete import DISCRETE, Binning, discretised, information


def best_gaps(mutual: NDArray[np.float64]) -> NDArray[np.float64]:
    """R_k (K,) in nats from I (D, K ≥ 2): the largest gap among the latents that tell factor k most, 0 without any."""
    second, first = np.sort(mutual, axis=1)[:, -2:].T
    mine = mutual.argmax(1)[:, None] == np.arange(mutual.shape[1])
    best: NDArray[np.float64] = np.where(mine, (first - second)[:, None], 0.0).max(0)
    return best


class DCIMIG(Metric):
    """Σ_k R_k / Σ_k H(v_k), R_k = max_{j: k*(j) = k} I(z_j; v_k) − max_{l ≠ k} I(z_j; v_l), k*(j) what z_j tells most.

    Each latent belongs to the factor that it tells most, and its gap is what it tells of that more than of any other.
    A factor gets the largest gap among its latents, 0 if it has none. 1 if each factor is told wholly by a latent that
    tells nothing else; 0 if no latent tells one factor more than another. A second latent with the same factor
    changes nothing: it measures modularity and informativeness, not compactness. Its parts are R_k / H(v_k).

    Source: Sepliarskaia, Kiseleva & de Rijke 2019, https://arxiv.org/abs/1910.05587
    """

    title = "DCIMIG"
    source = "Sepliarskaia et al. 2019, https://arxiv.org/abs/1910.05587"
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
        best = best_gaps(mutual)
        return Result(
            float(best.sum() / entropy.sum()),
            n=len(bins),
            parts=dict(zip(factor_names, (best / entropy).tolist(), strict=True)),
            arrays={"mutual_information": mutual, "entropy": entropy},
        )
