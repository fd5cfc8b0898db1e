"""The kernel distance between two sets of features: the squared maximum mean discrepancy of a cubic kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed


class Kernels(NamedTuple):
    """k(x, x), k(y, y) and k(x, y) of features x (N, d) and y (M, d)."""

    xx: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]


def cubic(x: NDArray[Any], y: NDArray[Any]) -> Kernels:
    """k(x, y) = (x·y / d + 1)³ within and between features (N, d) and (M, d).

    Raises:
        NotComputed: fewer than two features on a side.
    """
    if min(len(x), len(y)) < 2:
        raise NotComputed(f"a kernel distance needs two images or more on each side, found {len(x)} and {len(y)}")
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        base = a @ b.T / a.shape[1] + 1
        cube: NDArray[np.float64] = base * base * base  # much faster than base**3
        return cube

    return Kernels(kernel(x, x), kernel(y, y), kernel(x, y))


def mmd2(kernels: Kernels) -> float:
    """The unbiased estimate of E k(x, x') + E k(y, y') − 2 E k(x, y) from all pairs; it may be negative.

    Source: Gretton et al. 2012, https://jmlr.org/papers/v13/gretton12a.html, equation 3
    """
    within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernels.xx, kernels.yy))
    return float(within - 2 * kernels.xy.mean())


def mmd2_of_subsets(kernels: Kernels, x: NDArray[np.bool_], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same of subsets, rows of x (T, N) and y (T, M) that say what each holds: (T,).

    Sums over subsets are products with their indicators, so no kernel is computed again.
    """
    of_x, of_y = x.astype(np.float64), y.astype(np.float64)
    between = _pairs(of_x, kernels.xy, of_y) / (of_x.sum(1) * of_y.sum(1))
    found: NDArray[np.float64] = _within(of_x, kernels.xx) + _within(of_y, kernels.yy) - 2 * between
    return found


def _within(chosen: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    n = chosen.sum(1)
    mean: NDArray[np.float64] = (_pairs(chosen, kernel, chosen) - chosen @ np.diagonal(kernel)) / (n * (n - 1))
    return mean


def _pairs(x: NDArray[np.float64], kernel: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.einsum("ti,ti->t", x @ kernel, y)
    return total
