"""What metrics share that learn factors from codes: rows to learn from and to test on, two linear classifiers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._table import check, split

#: Fewer rows than this, and a classifier's accuracy on a third of them says little.
LEAST = 100
#: scikit-learn's default of 100 is too few for codes of very different scales.
ITERATIONS = 1000


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
    """scikit-learn's multinomial logistic regression, L2 penalty with C = 1, learnt from codes (n, D), values (n,).

    Raises:
        NotComputed: the solver gave up before its last iteration, as it does on codes of 1e30.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(max_iter=ITERATIONS)
    # Its products are so small that a second thread makes them twice as slow.
    with warnings.catch_warnings(record=True) as said, _libraries().limit(limits=1):
        warnings.simplefilter("always")
        classifier.fit(codes, values)
    unsolved = any(issubclass(warning.category, ConvergenceWarning) for warning in said)
    if unsolved and classifier.n_iter_.max() < ITERATIONS:
        raise NotComputed(f"logistic regression does not converge on codes as large as {np.abs(codes).max():.1g}")
    return classifier


def support_vectors(codes: NDArray[np.float64], values: NDArray[np.int64]) -> Any:
    """scikit-learn's linear support vector classifier, one value against the rest, as disentanglement_lib sets it."""
    from sklearn.svm import LinearSVC

    # With more rows than latents the solver draws nothing; without a seed it would yet take from NumPy's global state.
    return LinearSVC(C=0.01, class_weight="balanced", random_state=0).fit(codes, values)


@cache
def _libraries() -> Any:
    """The libraries of this process that have threads; to find them takes as long as a small fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
