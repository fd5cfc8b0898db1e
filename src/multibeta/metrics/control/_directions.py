"""Directions in code space along which an attribute grows: difference of means, and normal of a linear classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Latents whose posterior means vary less than this tell nothing, as in the count of active units.
LEAST_VARIANCE = 0.01
#: A categorical factor of more values is no attribute, nor several.
MOST_VALUES = 20
#: Where directions of several attributes cannot be told apart, how much of the others' is rather left in.
RIDGE = 0.01
#: Iterations of the classifier.
ITERATIONS = 200

Kind = Literal["mean_difference", "classifier"]


class Attribute(NamedTuple):
    """Something that an image has or has not, or has more or less of.

    Attributes:
        name: the factor's; of a categorical one with more than two values, with the value: ``shape = 2``.
        factor: its position among the factors.
        value: the value that counts as having it; −1 for an ordinal factor, of which there is more or less.
        has: bool (N,), the images that have it, or more of it than the one in the middle.
    """

    name: str
    factor: int
    value: int
    has: NDArray[np.bool_]


@dataclass(frozen=True)
class CodeSpace:
    """Codes with every latent that tells something scaled to mean 0 and standard deviation 1.

    Attributes:
        mean: (D,)
        std: (D,), 0 for a latent that tells nothing: no direction has a part of it.
        codes: (N, D), scaled.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    codes: NDArray[np.float64]

    @classmethod
    def of(cls, codes: NDArray[np.float64]) -> CodeSpace:
        """Of the posterior means (N, D)."""
        mean, variance = codes.mean(0), codes.var(0)
        std = np.sqrt(np.where(variance > LEAST_VARIANCE, variance, 0.0))
        scaled = np.divide(codes - mean, std, out=np.zeros_like(codes), where=std > 0)
        return cls(mean, std, scaled)

    def step(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """What moves codes (D,) along a direction by one standard deviation of all codes along it."""
        along: NDArray[np.float64] = self.std * direction * (self.codes @ direction).std()
        return along


def attributes(factors: NDArray[np.int64], names: Sequence[str], kinds: Sequence[str]) -> list[Attribute]:
    """The attributes that factors (N, K) tell of; none of a periodic factor, which has no more and less."""
    found = []
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        values = np.unique(factors[:, k])
        if kind == "ordinal" and len(values) > 1:
            middle = np.median(factors[:, k])
            more = factors[:, k] > middle
            # Where half of all have the least value, having more than that is what there is to have.
            found.append(Attribute(name, k, -1, more if more.any() else factors[:, k] >= middle))
        elif kind == "categorical" and len(values) == 2:
            found.append(Attribute(name, k, int(values[1]), factors[:, k] == values[1]))
        elif kind == "categorical" and 2 < len(values) <= MOST_VALUES:
            found += [Attribute(f"{name} = {value}", k, int(value), factors[:, k] == value) for value in values]
    return found


def directions(space: CodeSpace, found: Sequence[Attribute], kind: Kind) -> NDArray[np.float64]:
    """Unit directions (A, D) of A attributes, in scaled codes; 0 for one that no latent tells of.

    ``mean_difference``: mean of the codes that have it less that of the others (Larsen et al. 2016,
    https://arxiv.org/abs/1512.09300). ``classifier``: normal of the plane by which logistic regression tells them
    apart (Shen et al. 2020, https://arxiv.org/abs/1907.10786).
    """
    if kind == "mean_difference":
        raw = [space.codes[each.has].mean(0) - space.codes[~each.has].mean(0) for each in found]
    else:
        raw = [_normal(space.codes, each.has) for each in found]
    return np.stack([_unit(each) for each in raw])


def alone(all_directions: NDArray[np.float64], found: Sequence[Attribute]) -> NDArray[np.float64]:
    """Each direction with those of the other factors' attributes projected out (Shen et al. 2020, section 3.3).

    By least squares with a small ridge: the direction whose product with the attribute's own is 1 and with the others
    0, as nearly as it can be. Where the others leave room this is the projection; where they are as many as the latents
    there is none, and this still has an answer.

    Args:
        all_directions: unit directions (A, D).
    """
    freed = np.zeros_like(all_directions)
    for row, each in enumerate(found):
        others = [other for other, attribute in enumerate(found) if attribute.factor != each.factor]
        plane = all_directions[[row, *others]]
        solved = np.linalg.solve(plane.T @ plane + RIDGE * np.eye(plane.shape[1]), all_directions[row])
        freed[row] = _unit(solved)
    return freed


def _normal(codes: NDArray[np.float64], has: NDArray[np.bool_]) -> NDArray[np.float64]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Classes that a plane divides exactly have no best plane; any of the last ones divides them.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(max_iter=ITERATIONS).fit(codes, has)
    normal: NDArray[np.float64] = fitted.coef_[0]
    return normal


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-9 else np.zeros_like(vector)
