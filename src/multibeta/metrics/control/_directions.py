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
#: Where normals of several attributes cannot be told apart, how much of the others' is rather left in.
RIDGE = 0.01
#: Attributes that are sums of others, to this share of their variance, cannot be told apart from them.
COLLINEAR = 1e-9
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
        grade: (N,), how much of it they have: the value of an ordinal factor; 1 or 0 of a categorical one.
    """

    name: str
    factor: int
    value: int
    has: NDArray[np.bool_]
    grade: NDArray[np.float64]


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
        column = factors[:, k]
        values = np.unique(column)
        if kind == "ordinal" and len(values) > 1:
            middle = np.median(column)
            more = column > middle
            # Where half of all have the greatest value, having that is what there is to have.
            found.append(Attribute(name, k, -1, more if more.any() else column >= middle, column.astype(np.float64)))
        elif kind == "categorical" and 1 < len(values) <= MOST_VALUES:
            two = len(values) == 2
            for value in values[1:] if two else values:
                has = column == value
                label = name if two else f"{name} = {value}"
                found.append(Attribute(label, k, int(value), has, has.astype(np.float64)))
    return found


def directions(space: CodeSpace, found: Sequence[Attribute], kind: Kind, alone: bool = False) -> NDArray[np.float64]:
    """Unit directions (A, D) of A attributes, in scaled codes; 0 for one that no latent tells of.

    ``mean_difference``: mean of the codes that have it less that of the others (Larsen et al. 2016,
    https://arxiv.org/abs/1512.09300). Alone: the same at equal other factors, as far as codes are linear in them: the
    slope of the codes by how much of it they have, in one least-squares fit with the attributes of all other factors.

    ``classifier``: normal of the plane by which logistic regression tells them apart (Shen et al. 2020,
    https://arxiv.org/abs/1907.10786). Alone: with the normals of the other factors' attributes projected out (there,
    section 3.3), so that what the other planes tell stays as it is.

    Of codes that are a linear function of the factors alone, both are then the way of the code when one factor changes,
    the second as nearly as planes divide them. Mean differences with each other projected out would not be: they are
    where codes go, normals what tells them apart.
    """
    if kind == "mean_difference":
        if alone:
            return _at_equal_others(space.codes, found)
        return np.stack([_unit(space.codes[each.has].mean(0) - space.codes[~each.has].mean(0)) for each in found])
    normals = np.stack([_unit(_normal(space.codes, each.has)) for each in found])
    return _projected(normals, found) if alone else normals


def _at_equal_others(codes: NDArray[np.float64], found: Sequence[Attribute]) -> NDArray[np.float64]:
    grades = np.stack([(each.grade - each.grade.mean()) / each.grade.std() for each in found], axis=1)
    products, towards = grades.T @ grades / len(codes), grades.T @ codes / len(codes)
    slopes = []
    for row in range(len(found)):
        fitted = [row, *_others(found, row)]
        solved = np.linalg.lstsq(products[np.ix_(fitted, fitted)], towards[fitted], rcond=COLLINEAR)[0]
        slopes.append(_unit(solved[0]))
    return np.stack(slopes)


def _projected(normals: NDArray[np.float64], found: Sequence[Attribute]) -> NDArray[np.float64]:
    """By least squares with a small ridge: what has a product of 1 with its own normal and 0 with the others, nearly.

    Where the others leave room this is the projection; where they are as many as the latents there is none, and this
    still has an answer.
    """
    freed = []
    for row in range(len(found)):
        plane = normals[[row, *_others(found, row)]]
        freed.append(_unit(np.linalg.solve(plane.T @ plane + RIDGE * np.eye(plane.shape[1]), normals[row])))
    return np.stack(freed)


def _others(found: Sequence[Attribute], row: int) -> list[int]:
    """The attributes of other factors."""
    return [other for other, each in enumerate(found) if each.factor != found[row].factor]


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
