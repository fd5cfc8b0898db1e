"""The code table as every metric of codes and factors begins with it: checked, and cut to the protocol's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed, require_finite
from multibeta.randomness import numpy_generator

#: Fewer rows for each value of a factor, and chance alone tells the values apart.
ROWS_PER_VALUE = 10


def check(
    codes: NDArray[Any], factors: NDArray[Any], factor_names: Sequence[str], least: int, latents: int = 1
) -> None:
    """Raise `NotComputed` if codes (N, D) and factors (N, K) cannot be scored.

    That is: codes not finite in float32, fewer than ``least`` rows, fewer than ``latents`` latents, or a factor with a
    single value. Such a factor is refused by name, for a mean over the others would be another metric.
    """
    require_finite(codes=codes)
    largest = np.abs(codes).max(initial=0)
    if largest > np.finfo(np.float32).max:
        raise NotComputed(f"codes as large as {largest:.0e} are beyond float32, and solvers do not end on them")
    if len(codes) < least:
        raise NotComputed(f"{len(codes)} codes are too few, at least {least} needed")
    if codes.shape[1] < latents:
        raise NotComputed(f"needs {latents} latents or more, found {codes.shape[1]}")
    for name, column in zip(factor_names, factors.T, strict=True):
        if (column == column[0]).all():
            raise NotComputed(f"factor {name!r} has a single value, nothing can be told about it")


def require_rows_per_value(factors: NDArray[Any], factor_names: Sequence[str]) -> None:
    """Raise `NotComputed` if a factor (N, K) has fewer than ten rows for each of its values, on average."""
    for name, column in zip(factor_names, factors.T, strict=True):
        values = len(np.unique(column))
        if len(column) < ROWS_PER_VALUE * values:
            raise NotComputed(
                f"{len(column)} codes are too few for the {values} values of factor {name!r}, "
                f"at least {ROWS_PER_VALUE * values} needed"
            )


def rows(n: int, most: int | None, seed: int) -> NDArray[np.int64]:
    """Positions of the codes to measure, sorted: all N, or ``most`` drawn without replacement if there are more."""
    if most is None or n <= most:
        return np.arange(n)
    return np.sort(numpy_generator(seed, "rows of the code table").permutation(n)[:most])


def split(n: int, most: int | None, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to learn from and to test on, disjoint, two to one: at most ``most`` and half as many.

    disentanglement_lib draws both with replacement, so that a small dataset is tested on what was learnt.
    """
    order = numpy_generator(seed, "split of the code table").permutation(n)
    learning = (2 * n) // 3
    testing = n - learning
    if most is not None:
        learning, testing = min(learning, most), min(testing, most // 2)
    return np.sort(order[:learning]), np.sort(order[n - testing :])
