"""SAP: is each factor predicted by one latent alone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.disentanglement._discrete import BINS, ranked
from multibeta.metrics.disentanglement._gap import gap_of_best_two, squared_correlation
from multibeta.metrics.disentanglement._predictors import Rows, learning_and_testing, standardised, support_vectors
from multibeta.metrics.disentanglement._table import require_rows_per_value


def accuracies(learning: Rows, testing: Rows) -> NDArray[np.float64]:
    """Accuracy on the test rows of a linear classifier of factor v_k that sees latent z_j alone: (D, K)."""
    latents, factors = learning.codes.shape[1], learning.factors.shape[1]
    scores = np.empty((latents, factors))
    for j in range(latents):
        for k in range(factors):
            classifier = support_vectors(learning.codes[:, [j]], learning.factors[:, k])
            scores[j, k] = (classifier.predict(testing.codes[:, [j]]) == testing.factors[:, k]).mean()
    return scores


def circular_explained(codes: NDArray[Any], values: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much of (cos θ, sin θ), θ = 2πv / size, the bins of each latent explain: codes (N, D), values (N,) → (D,).

    The correlation ratio η²: variance of the bins' means by the variance of the points, in bins of equally many codes.
    """
    size = int(values.max()) + 1
    angle = 2 * np.pi * values / size
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points -= points.mean(0)
    bins = ranked(codes, max(BINS, size))
    explained = np.empty(codes.shape[1])
    for j, column in enumerate(bins.T):
        counts = np.bincount(column)
        sums = np.stack([np.bincount(column, weights=points[:, i]) for i in range(2)])
        explained[j] = (sums**2 / counts.clip(min=1)).sum()
    return explained / (points**2).sum()


class SAP(Metric):
    """mean_k (S_(1)k − S_(2)k): how far the latent that predicts factor v_k best is ahead of the next.

    S_jk tells how well z_j alone predicts v_k. ``dlib19``: accuracy of a linear support vector machine (C = 0.01, one
    value against the rest, balanced) on test rows; at most 10,000 rows to learn from and 5,000 others to test on.
    ``ours``: the same of standardised codes for categorical factors, two thirds of the table to learn from; squared
    correlation for ordinal ones; for periodic ones the part η² of the variance of (cos θ, sin θ) that bins of the
    latent explain, in bins of equally many codes, 20 or as many as the factor has values. 0 to 1. A line cannot part
    many ordered values: perfect codes of a factor with 40 values score low in ``dlib19``. Rows are split by position.

    Source: Kumar et al. 2018, section 3, https://arxiv.org/abs/1711.00848, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "SAP"
    source = (
        "Kumar et al. 2018, https://arxiv.org/abs/1711.00848; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"most": 10_000, "by_kind": False}, "ours": {"most": None, "by_kind": True}}
    better = "higher"
    needs = ("codes", "factors", "factor_names", "factor_kinds", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        factor_kinds: Sequence[str],
        seed: int,
        most: int | None,
        by_kind: bool,
    ) -> Result:
        learning, testing = learning_and_testing(codes, factors, factor_names, seed, most, latents=2)
        kinds = np.array(factor_kinds) if by_kind else np.full(len(factor_names), "categorical")
        classes, numbers = kinds == "categorical", kinds == "ordinal"
        require_rows_per_value(factors[:, classes], np.array(factor_names)[classes].tolist())
        if by_kind:
            # The machine's penalty weighs more on small codes.
            learning, testing = (
                Rows(standardised(part.codes, like=learning.codes), part.factors) for part in (learning, testing)
            )
        scores = np.empty((codes.shape[1], len(kinds)))
        scores[:, classes] = accuracies(*(Rows(part.codes, part.factors[:, classes]) for part in (learning, testing)))
        scores[:, numbers] = squared_correlation(codes, factors[:, numbers])
        for k in np.flatnonzero(kinds == "periodic"):
            scores[:, k] = circular_explained(codes, factors[:, k])
        gaps = gap_of_best_two(scores)
        return Result(
            float(gaps.mean()),
            n=len(codes) if by_kind else len(testing.codes),
            parts=dict(zip(factor_names, gaps.tolist(), strict=True)),
            arrays={"scores": scores},
        )
