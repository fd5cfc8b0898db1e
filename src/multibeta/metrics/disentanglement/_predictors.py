"""What metrics share that learn factors from codes: rows to learn from and to test on, two linear classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._table import check, split

#: Fewer rows than this, and a classifier's accuracy on a third of them says little.
LEAST = 100
#: The most rows to learn from, by protocol; half as many to test on.
CAPS: Mapping[str, Mapping[str, Any]] = {"dlib19": {"most": 10_000}, "ours": {"most": None}}


class Rows(NamedTuple):
    """Codes (n, D) and factors (n, K)."""

    codes: NDArray[np.float64]
    factors: NDArray[np.int64]


def learning_and_testing(
    codes: NDArray[np.float64],
    factors: NDArray[np.int64],
    factor_names: Sequence[str],
    seed: int,
    most: int | None,
    latents: int = 1,
) -> tuple[Rows, Rows]:
    """Disjoint rows to learn from and to test on, two to one, at most ``most`` and half as many.

    Raises:
        NotComputed: the table cannot be scored, or a factor has a single value among the rows to learn from.
    """
    check(codes, factors, factor_names, least=LEAST, latents=latents)
    codes = codes.astype(np.float64)
    learning, testing = (Rows(codes[rows], factors[rows]) for rows in split(len(codes), most, seed))
    for name, column in zip(factor_names, learning.factors.T, strict=True):
        if (column == column[0]).all():
            raise NotComputed(f"factor {name!r} has a single value among the {len(column)} rows to learn from")
    return learning, testing


def standardised(codes: NDArray[np.float64], like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes (n, D) less the mean of ``like`` (m, D), by its standard deviation; a constant one is only shifted."""
    deviation = like.std(0)
    # The deviation of equal numbers comes out as their rounding error, not as 0.
    constant = deviation <= 1e-12 * np.abs(like).max(0)
    scaled: NDArray[np.float64] = (codes - like.mean(0)) / np.where(constant, 1, deviation)
    return scaled


def logistic(codes: NDArray[Any], values: NDArray[np.int64]) -> Any:
    """scikit-learn's multinomial logistic regression, L2 penalty with C = 1, learnt from codes (n, D), values (n,)."""
    from sklearn.linear_model import LogisticRegression

    # Its default of 100 iterations is too few for codes of very different scales.
    return LogisticRegression(max_iter=1000).fit(codes, values)


def support_vectors(codes: NDArray[np.float64], values: NDArray[np.int64]) -> Any:
    """scikit-learn's linear support vector classifier, one value against the rest, as disentanglement_lib sets it."""
    from sklearn.svm import LinearSVC

    return LinearSVC(C=0.01, class_weight="balanced").fit(codes, values)
