"""Downstream accuracy: how well few labels teach a linear classifier the factors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score
from multibeta.metrics.disentanglement._predictors import LEAST, Rows, logistic, standardised
from multibeta.metrics.disentanglement._table import check, require_rows_per_value, split
from multibeta.randomness import numpy_generator

LABELS = (10, 100, 1_000, 10_000)


def accuracies(learning: Rows, testing: Rows) -> NDArray[np.float64]:
    """Of each factor the accuracy on the test rows, (K,). A factor with one value among the labels is told that."""
    found = []
    for values, true in zip(learning.factors.T, testing.factors.T, strict=True):
        single = (values == values[0]).all()
        told = values[0] if single else logistic(learning.codes, values).predict(testing.codes)
        found.append((told == true).mean())
    return np.array(found)


class Downstream(Metric):
    """mean_k P(v̂_k = v_k), v̂_k told from the code by a classifier learnt from 10, 100, 1,000 or 10,000 labelled rows.

    Multinomial logistic regression (L2, C = 1) on standardised codes; accuracy on a third of the table that no label
    is from. The labelled rows are the same for every model, and the few are among the many. Chance is the share of each
    factor's most frequent value. disentanglement_lib cross-validates the penalty, and tests boosted trees as well, so
    the protocol has a name of its own, ``logistic``. Rows are split by position.

    Source: Locatello et al. 2019, section 5.5, https://arxiv.org/abs/1811.12359
    """

    title = "Downstream accuracy"
    source = "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    protocol = "logistic"
    needs = ("codes", "factors", "factor_names", "seed")
    scores = {f"downstream_{labels}": Score(f"Accuracy from {labels:,} labels") for labels in LABELS}

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
    ) -> dict[str, Result | NotComputed]:
        check(codes, factors, factor_names, least=LEAST)
        require_rows_per_value(factors, factor_names)
        seen, unseen = split(len(codes), None, seed)
        # Any stretch of this order is a fair draw: `split` has sorted the rows.
        seen = numpy_generator(seed, "labelled rows").permutation(seen)
        table = standardised(codes, like=codes[seen])
        testing = Rows(table[unseen], factors[unseen])
        found: dict[str, Result | NotComputed] = {}
        for name, labels in zip(self.scores, LABELS, strict=True):
            if len(seen) < labels:
                found[name] = NotComputed(f"needs {labels} rows to learn from, found {len(seen)}")
                continue
            of_factor = accuracies(Rows(table[seen[:labels]], factors[seen[:labels]]), testing)
            parts = dict(zip(factor_names, of_factor.tolist(), strict=True))
            found[name] = Result(float(of_factor.mean()), n=len(unseen), parts=parts)
        return found
