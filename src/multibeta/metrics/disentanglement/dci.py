"""DCI: does each latent tell one factor, is each factor told by one latent, and how well are they told?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score
from multibeta.metrics.disentanglement._boosting import Target, boost
from multibeta.metrics.disentanglement._table import check, require_rows_per_value, split
from multibeta.randomness import key

#: Rows below which trees of eight leaves only learn by heart.
LEAST = 100

Floats = NDArray[np.float64]


class Importance(NamedTuple):
    """What predictors of K factors from D latents have found.

    Attributes:
        importance: (D, K), how much the predictor of each factor relies on each latent; columns sum to 1, or are 0.
        informativeness: (K,), how well each factor is predicted on test rows.
    """

    importance: Floats
    informativeness: Floats


def disentanglement(importance: Floats) -> tuple[float, Floats]:
    """1 − H_K(importance of a latent over factors), weighted by its share of all importance; and by latent (D,)."""
    return _weighted(importance.T)


def completeness(importance: Floats) -> tuple[float, Floats]:
    """1 − H_D(importance of latents for a factor), weighted by its share of all importance; and by factor (K,)."""
    return _weighted(importance)


def _weighted(importance: Floats) -> tuple[float, Floats]:
    """Of every column 1 − its entropy, the logarithm to the base of its length; a column of zeros has 0."""
    total = importance.sum(0)
    share = np.divide(importance, total, out=np.full_like(importance, 1 / len(importance)), where=total > 0)
    terms = share * np.log(share, out=np.zeros_like(share), where=share > 0)
    each = 1 + terms.sum(0) / np.log(len(importance))
    weight = total / total.sum() if total.sum() > 0 else np.zeros_like(total)
    return float(weight @ each), each


class DCI(Metric):
    """D = Σ_j ρ_j (1 − H_K(P_j·)), C = Σ_k ρ_k (1 − H_D(P_·k)) of the importance matrix R (D, K); I of the predictors.

    One predictor for each factor sees all latents. R_jk is how much that of factor v_k relies on latent z_j, P its rows
    or columns divided by their sums, ρ their share of all of R, H_b the entropy with logarithm to base b. D is 1 if
    each latent serves one factor, C if each factor needs one latent; both are 0 for equal importances. I,
    informativeness, is the mean over factors of how well they are told on rows not learnt from. R is kept.

    ``dlib19``: boosted trees that classify every factor, as scikit-learn's at their defaults but on 64 bins a latent;
    I is accuracy; at most 10,000 rows to learn from and 5,000 to test on. ``dlib19_sklearn``: scikit-learn's own trees.
    ``ours``: the whole table, ordinal factors as numbers and periodic ones as points on a circle; I is the share of
    variance explained for these, and for classes the share of the errors that always naming the most frequent makes.
    Rows are split by position.

    Source: Eastwood & Williams 2018, https://openreview.net/forum?id=By-7dz-AZ; trees and settings of Locatello et al.
    2019, https://arxiv.org/abs/1811.12359
    """

    title = "DCI"
    source = (
        "Eastwood & Williams 2018, https://openreview.net/forum?id=By-7dz-AZ; "
        "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols: ClassVar = {
        "dlib19": {"most": 10_000, "trees": "ours", "kinds": False},
        "dlib19_sklearn": {"most": 10_000, "trees": "scikit-learn", "kinds": False},
        "ours": {"most": None, "trees": "ours", "kinds": True},
    }
    needs = ("codes", "factors", "factor_names", "factor_kinds", "seed")
    scores: ClassVar = {
        "dci_disentanglement": Score("DCI disentanglement"),
        "dci_completeness": Score("DCI completeness"),
        "dci_informativeness": Score("DCI informativeness"),
    }

    def measure(
        self,
        *,
        codes: Floats,
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        factor_kinds: Sequence[str],
        seed: int,
        most: int | None,
        trees: Literal["ours", "scikit-learn"],
        kinds: bool,
    ) -> Mapping[str, Result | NotComputed]:
        check(codes, factors, factor_names, least=LEAST)
        learning, testing = split(len(codes), most, seed)
        classified = [k for k, kind in enumerate(factor_kinds) if kind == "categorical" or not kinds]
        require_rows_per_value(factors[:, classified], [factor_names[k] for k in classified])
        for part in (learning, testing):
            check(codes[part], factors[part], factor_names, least=2)
        # Where latents tie for a split, trees take the first: one order for every order that a model may have.
        order = sorted(range(codes.shape[1]), key=lambda j: codes[:, j].tobytes())
        if trees == "scikit-learn":
            found = by_scikit_learn(codes[:, order], factors, learning, testing, seed)
        else:
            found = by_trees(codes[:, order], factors, learning, testing, factor_kinds if kinds else None)
        found = found._replace(importance=found.importance[np.argsort(order)])
        n = len(learning) + len(testing)
        latents = [f"z{j}" for j in range(codes.shape[1])]
        results: dict[str, Result | NotComputed] = {
            "dci_disentanglement": NotComputed(
                f"needs two factors and two latents or more, found {len(factor_names)} and {len(latents)}"
            ),
            "dci_completeness": NotComputed("needs two latents or more, found 1"),
            "dci_informativeness": Result(
                float(found.informativeness.mean()), n, _named(factor_names, found.informativeness)
            ),
        }
        matrix = {"importance": found.importance}
        if len(factor_names) > 1 and len(latents) > 1:
            value, each = disentanglement(found.importance)
            results["dci_disentanglement"] = Result(value, n, _named(latents, each), matrix)
        if len(latents) > 1:
            value, each = completeness(found.importance)
            results["dci_completeness"] = Result(value, n, _named(factor_names, each), matrix)
        return results


def by_trees(
    codes: Floats,
    factors: NDArray[np.int64],
    learning: NDArray[np.int64],
    testing: NDArray[np.int64],
    kinds: Sequence[str] | None = None,
) -> Importance:
    """Importances and informativeness of all factors from one boosting.

    Args:
        codes: (N, D).
        factors: int (N, K), none of them constant among the rows of either kind.
        learning, testing: positions of rows.
        kinds: of each factor, see `DCI`; None: every factor is classified and I is accuracy.
    """
    targets = [
        _target(column, kind)
        for column, kind in zip(factors.T, kinds or ["categorical"] * factors.shape[1], strict=True)
    ]
    fits = boost(codes[learning], [Target(values[learning], classes) for values, classes in targets], codes[testing])
    told = []
    for target, fit in zip(targets, fits, strict=True):
        truth = target.values[testing]
        if kinds is None:
            told.append((fit.testing == truth).mean())
        elif target.classes:
            frequent = np.bincount(target.values[learning]).argmax()
            told.append(1 - (fit.testing != truth).sum() / max((truth != frequent).sum(), 1))
        else:
            spread = np.square(truth - target.values[learning].mean(0)).sum()
            told.append(1 - np.square(fit.testing.reshape(truth.shape) - truth).sum() / spread)
    return Importance(np.stack([fit.importance for fit in fits], axis=1), np.clip(told, 0, 1))


def by_scikit_learn(
    codes: Floats, factors: NDArray[np.int64], learning: NDArray[np.int64], testing: NDArray[np.int64], seed: int
) -> Importance:
    """As `by_trees` with every factor classified, by scikit-learn's trees."""
    from sklearn.ensemble import GradientBoostingClassifier

    importance, told = [], []
    for number, column in enumerate(factors.T):
        trees = GradientBoostingClassifier(random_state=key(seed, "DCI trees", number) % 2**32)
        trees.fit(codes[learning], column[learning])
        importance.append(trees.feature_importances_)
        told.append((trees.predict(codes[testing]) == column[testing]).mean())
    return Importance(np.stack(importance, axis=1), np.array(told))


def _target(column: NDArray[np.int64], kind: str) -> Target:
    if kind == "ordinal":
        return Target((column - column.mean()) / column.std())
    if kind == "periodic":
        angle = 2 * np.pi * column / (column.max() + 1)
        return Target(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    values, classes = np.unique(column, return_inverse=True)
    return Target(classes, len(values))


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))
