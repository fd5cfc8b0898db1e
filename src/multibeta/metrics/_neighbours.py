"""Nearest neighbours among features: how far the k-th is, and what lies within that distance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed

CHUNK = 1024
#: Squared distances are sums of rounded products: relative to the squared lengths, what is less than this is zero.
ROUNDING = 1e-12
#: A distance that was computed twice may differ in its last bits, and is still within itself.
WITHIN = 1 + 1e-9


def squared_distances(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖x_i − y_j‖² of x (N, d) and y (M, d): (N, M)."""
    lengths = np.square(x).sum(1)[:, None] + np.square(y).sum(1)
    squares = lengths - 2 * (x @ y.T)
    squares[squares < ROUNDING * lengths] = 0
    return squares


def precision_recall(real: NDArray[np.float64], generated: NDArray[np.float64], k: int) -> tuple[float, float]:
    """The share of generated features that lie in some ball of a real one, and the share of real ones in some ball of
    a generated one, for features (N, d) and (M, d).

    The ball of a feature reaches to its k-th nearest neighbour on its own side, and holds its surface.
    """
    of_real, of_generated = radii(real, k), radii(generated, k)
    precise = np.zeros(len(generated), dtype=bool)
    recalled = np.zeros(len(real), dtype=bool)
    for rows, squares in _chunks(real, generated):
        precise |= (squares <= of_real[rows, None]).any(0)
        recalled[rows] = (squares <= of_generated).any(1)
    return float(precise.mean()), float(recalled.mean())


def density_coverage(real: NDArray[np.float64], generated: NDArray[np.float64], k: int) -> tuple[float, float]:
    """How many balls of real features a generated one lies in, on average and divided by k; and the share of real
    features (N, d) whose ball holds a generated one (M, d)."""
    reach = radii(real, k)
    held = 0
    covered = np.zeros(len(real), dtype=bool)
    for rows, squares in _chunks(real, generated):
        inside = squares <= reach[rows, None]
        held += int(inside.sum())
        covered[rows] = inside.any(1)
    return held / (k * len(generated)), float(covered.mean())


def radii(features: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The squared distance (N,) of every feature to its k-th nearest neighbour among the others.

    Raises:
        NotComputed: there are not k others.
    """
    if len(features) <= k:
        raise NotComputed(f"{len(features)} images have no {k} neighbours each, {k + 1} needed on each side")
    # A feature is its own nearest one.
    return WITHIN * np.concatenate(
        [np.partition(squares, k, axis=1)[:, k] for _, squares in _chunks(features, features)]
    )


def _chunks(x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Rows of x, and their squared distances to all of y; bounds memory, changes no result."""
    for start in range(0, len(x), CHUNK):
        rows = slice(start, start + CHUNK)
        yield rows, squared_distances(x[rows], y)
