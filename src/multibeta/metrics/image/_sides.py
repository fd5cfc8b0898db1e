"""The two sides of a comparison of prior samples with real images: the features of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed, require_finite
from multibeta.metrics.image._inception import real_side, see
from multibeta.randomness import numpy_generator

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


class Sides(NamedTuple):
    """Features of real images (N, d) and of prior samples (S, d), float64."""

    real: NDArray[np.float64]
    generated: NDArray[np.float64]

    def equal(self, seed: int) -> Sides:
        """Equally many of both: the larger side is cut to a draw from it."""
        n = min(len(self.real), len(self.generated))
        draws = numpy_generator(seed, "equal sides")
        return Sides(*(side if len(side) == n else side[np.sort(draws.permutation(len(side))[:n])] for side in self))


def domain_sides(features: DomainFeatures, images: NDArray[np.float32], samples: NDArray[np.float32]) -> Sides:
    """In the features of the dataset's own network."""
    if features.unusable:
        raise NotComputed(features.unusable)
    require_finite(images=images, samples=samples)
    return _finite(features.generated(images), features.generated(samples))


def inception_sides(features: DomainFeatures, samples: NDArray[np.float32]) -> Sides:
    """In Inception's features; those of the real images were taken when the dataset's features were learnt."""
    real = real_side(features)
    require_finite(samples=samples)
    return _finite(real.features, see(samples).features)


def _finite(real: NDArray[np.float32], generated: NDArray[np.float32]) -> Sides:
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        raise NotComputed("features hold NaN or infinite values")
    return Sides(real.astype(np.float64), generated.astype(np.float64))
