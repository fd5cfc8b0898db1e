"""The Fréchet distance between two sets of features, each described by a Gaussian of its moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed


class Moments(NamedTuple):
    """Mean (d,), covariance (d, d) with N − 1 in its denominator, both float64, and the number N of features."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n: int


def moments(features: NDArray[Any]) -> Moments:
    """The moments of features (N, d).

    Raises:
        NotComputed: fewer than two features, or some are not finite.
    """
    n = len(features)
    if n < 2:
        raise NotComputed(f"a Fréchet distance needs two images or more on each side, found {n}")
    features = np.asarray(features, dtype=np.float64)
    if not np.isfinite(features).all():
        raise NotComputed("features hold NaN or infinite values")
    mean = features.mean(0)
    centred = features - mean
    return Moments(mean, centred.T @ centred / (n - 1), n)


def frechet(a: Moments, b: Moments) -> float:
    """‖μ_a − μ_b‖² + tr(S_a + S_b − 2 (S_a S_b)^½), the squared Fréchet distance of two Gaussians.

    The trace of the root is taken from the symmetric R S_b R with R = S_a^½, whose eigenvalues are those of S_a S_b
    but real and non-negative. A root of the unsymmetric product may come out complex, and fails when a covariance is
    singular, as it is with fewer images than features.

    Source: Dowson & Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = root @ b.covariance @ root
    overlap = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0)).sum()
    distance = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return max(float(distance), 0.0)  # equal moments may come out at −1e-15
