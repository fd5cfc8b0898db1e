"""How far the distances of a network can be trusted on one dataset: a floor, and answers to degraded real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics._frechet import Moments, frechet, moments
from multibeta.randomness import numpy_generator

BLURS = (0.5, 1.0, 2.0, 4.0)
NOISES = (0.05, 0.1, 0.2)
NOTHING = Moments(np.zeros(0), np.zeros((0, 0)), 0)

#: Distances from real images by degree, of each kind of degradation.
Ladders = dict[str, dict[str, float]]


@dataclass
class Calibration:
    """What is known of a network on a dataset before any model is measured with it.

    Attributes:
        unusable: why there is no network or it must not be used; empty if it may.
        floor: Fréchet distance between as many training images and the held-out ones; None where no distance between
            sets of images is measured.
        ladders: ``blur`` and ``noise``: distance between held-out images and the same images degraded, by the degree:
            the Gaussian's σ in pixels; the share of pixels replaced by uniform noise.
        real: moments of the features of held-out images.
    """

    unusable: str = ""
    floor: float | None = None
    ladders: Ladders = field(default_factory=dict)
    real: Moments = NOTHING


def calibrate(
    extract: Callable[[NDArray[np.float32]], NDArray[Any]],
    held: NDArray[np.float32],
    trained: NDArray[np.float32],
    seed: int,
    most: int | None = None,
) -> tuple[Calibration, NDArray[Any]]:
    """The calibration of Fréchet distances in the features that ``extract`` gives, and those of the held-out images.

    Args:
        extract: images (M, C, H, W) in [0, 1] → features (M, d).
        held: held-out images (M, C, H, W).
        trained: as many training images.
        most: number of held-out images that are degraded at most, evenly taken from all; None for all.
    """
    features = extract(held)
    real, undegraded = moments(features), moments(evenly(features, most))
    floor = frechet(real, moments(extract(trained)))
    rungs = ladders(lambda images: frechet(undegraded, moments(extract(images))), evenly(held, most), seed)
    return Calibration(disqualified(rungs), floor, rungs, real), features


def evenly(rows: NDArray[Any], most: int | None) -> NDArray[Any]:
    """At most ``most`` of the rows, the same step apart; None for all."""
    return rows if most is None else rows[:: -(-len(rows) // most)]


def ladders(distance: Callable[[NDArray[np.float32]], float], images: NDArray[np.float32], seed: int) -> Ladders:
    """``distance`` of real images (M, C, H, W) blurred, and of the same images with noisy pixels."""
    from scipy.ndimage import gaussian_filter

    draws = numpy_generator(seed, "domain features, noise")
    noise = draws.random(images.shape, dtype=np.float32)
    # One draw for all rungs, so the pixels of a lower rung are among those of a higher one.
    place = draws.random((len(images), 1, *images.shape[2:]), dtype=np.float32)
    return {
        "blur": {f"{sigma:g}": distance(gaussian_filter(images, (0, 0, sigma, sigma))) for sigma in BLURS},
        "noise": {f"{share:g}": distance(np.where(place < share, noise, images)) for share in NOISES},
    }


def disqualified(ladders: Ladders) -> str:
    """Why an extractor must not be used: a distance that does not grow with the degradation. Empty if all grow."""
    for name, rungs in ladders.items():
        distances = [0.0, *rungs.values()]
        if not all(lower < higher for lower, higher in pairwise(distances)):
            found = ", ".join(f"{value:.3g} at {degree}" for degree, value in rungs.items())
            return f"extractor disqualified: its distance does not grow with {name} ({found})"
    return ""
