"""Explicitness: can every value of a factor be told by a linear classifier?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._predictors import Rows, learning_and_testing, logistic, standardised
from multibeta.metrics.disentanglement._table import require_rows_per_value


class Areas(NamedTuple):
    """Mean area under the ROC curve of each factor (K,), on the rows learnt from and on others."""

    learning: NDArray[np.float64]
    testing: NDArray[np.float64]


def area_under_roc(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive's score is above a negative's, ties counting half; at least one of each needed."""
    from scipy.stats import rankdata

    positives = int(positive.sum())
    above = rankdata(scores)[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(positive) - positives)))


def explicitness(learning: Rows, testing: Rows) -> Areas:
    """Of each factor the mean area over its values, on exactly these codes (n, D) and factors (n, K).

    A value that no row or every row has is left out.

    Raises:
        NotComputed: no value of some factor can be scored.
    """
    found = []
    for k in range(learning.factors.shape[1]):
        classifier = logistic(learning.codes, learning.factors[:, k])
        for part in (learning, testing):
            probabilities, values = classifier.predict_proba(part.codes), part.factors[:, k]
            of_value = [
                area_under_roc(probabilities[:, c], values == value)
                for c, value in enumerate(classifier.classes_)
                if 0 < (values == value).sum() < len(values)
            ]
            if not of_value:
                raise NotComputed(f"no value of factor number {k} is both learnt and among the rows to test on")
            found.append(float(np.mean(of_value)))
    return Areas(np.array(found[::2]), np.array(found[1::2]))


class Explicitness(Metric):
    """mean_k mean_c AUC(p(v_k = c | z)): how well a linear classifier of all latents tells each value of each factor.

    AUC is the area under the ROC curve of value c against the rest, on test rows, p multinomial logistic regression on
    standardised codes. 1 if all values are told, 0.5 if none is. It asks what the code holds and how plainly, not
    whether latents are apart: a rotation of the code changes next to nothing. At most 10,000 rows to learn from and
    5,000 others to test on, two to one. Rows are split by position.

    Source: Ridgeway & Mozer 2018, section 3, https://arxiv.org/abs/1802.05312, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "Explicitness"
    source = (
        "Ridgeway & Mozer 2018, https://arxiv.org/abs/1802.05312; "
        "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"most": 10_000}}
    better = "higher"
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        most: int,
    ) -> Result:
        learning, testing = learning_and_testing(codes, factors, factor_names, seed, most)
        require_rows_per_value(factors, factor_names)
        unseen = Rows(standardised(testing.codes, like=learning.codes), testing.factors)
        seen = Rows(standardised(learning.codes, like=learning.codes), learning.factors)
        areas = explicitness(seen, unseen)
        return Result(
            float(areas.testing.mean()),
            n=len(testing.codes),
            parts=dict(zip(factor_names, areas.testing.tolist(), strict=True)),
            arrays={"learning_rows": areas.learning, "test_rows": areas.testing},
        )
