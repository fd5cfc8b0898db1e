"""Factors read off the images themselves, where nobody recorded any: how a handwritten character is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import Factor

MEASURES = ("area", "thickness", "slant", "width", "height")
#: Share of the ink outside of width and of height, half of it at each end.
OUTSIDE = 0.02
#: Images measured at once; bounds the memory.
BATCH = 4096


def ordinal_factors(
    images: NDArray[np.uint8], held_out: NDArray[np.bool_], factors: Sequence[Factor]
) -> NDArray[np.int64]:
    """The values (N, K) of K factors named after `MEASURES`: the measures of images (N, H, W) in bins of equal count.

    The bounds are those of the images that are not held out, so nothing of a held-out image enters them.
    """
    measures = measure(images)
    values = np.empty((len(images), len(factors)), dtype=np.int64)
    for k, factor in enumerate(factors):
        column = measures[:, MEASURES.index(factor.name)]
        values[:, k] = np.searchsorted(bounds(column[~held_out], factor.size), column, side="right")
    return values


def bounds(measures: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The ``size`` − 1 bounds that put equally many of the measures (N,) into each of ``size`` bins.

    A measure on a bound belongs to the bin above it.
    """
    found: NDArray[np.float64] = np.quantile(measures, np.arange(1, size) / size)
    return found


def measure(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What Morpho-MNIST measures, of bright ink on black (N, H, W): float64 (N, 5), in the order of `MEASURES`.

    Ink is the grey value, 1 at 255, so anti-aliased edges count by their share; an image without ink measures 0.

    - area: the sum of all ink, pixels.
    - thickness: 2 · Σ g² / perimeter of the inks g, pixels, with the perimeter as the total variation of the image:
      w · l / (l + w) of a bar l long and w wide, so nearly w of a long stroke, and about a third of a pixel less with
      grey edges. The square makes a stroke thinner than a pixel, which is faint rather than narrow, thin. Morpho-MNIST
      takes the mean of twice the distance to the background along the skeleton: nearly the same order, hundreds of
      times the work.
    - slant: arctan(−μ11 / μ02) of the central moments, radians, positive if leaning to the right.
    - width, height: of the parallelogram with this slant and level ends outside of which 1 % of the ink lies on each
      side, pixels.

    Source: Castro et al. 2019, "Morpho-MNIST", https://arxiv.org/abs/1809.10780
    """
    measured = np.zeros((len(images), len(MEASURES)))
    inked = np.flatnonzero(images.any((1, 2)))
    for start in range(0, len(inked), BATCH):
        rows = inked[start : start + BATCH]
        measured[rows] = _measure(images[rows])
    return measured


def _measure(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    _, height, width = images.shape
    y, x = (grid.ravel().astype(np.float64) for grid in np.indices((height, width)))
    # Sums of integers, hence exact and the same on every machine.
    sums = images.reshape(len(images), -1) @ np.stack([np.ones_like(x), x, y, x * y, y * y], axis=1)
    total = sums[:, 0]
    mean_x, mean_y, mean_xy, mean_yy = (sums[:, 1:] / total[:, None]).T
    covariance, variance = mean_xy - mean_x * mean_y, mean_yy - mean_y**2
    # Ink in a single row has no slant.
    shear = np.divide(covariance, variance, out=np.zeros_like(total), where=variance > 1e-9)
    measures = (
        total / 255,
        2 * np.square(images, dtype=np.float64).sum((1, 2)) / (255 * _perimeter(images)),
        np.arctan(-shear),
        _extent(_upright(images, shear, mean_y)),
        _extent(images.sum(2, dtype=np.float64)),
    )
    return np.stack(measures, axis=1)


def _perimeter(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The total variation (N,) of images (N, H, W) with a black border: the length of the gradient of each 2×2 cell."""
    grey = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float64)
    falling, rising = grey[:, 1:, 1:] - grey[:, :-1, :-1], grey[:, :-1, 1:] - grey[:, 1:, :-1]
    # The two diagonals are at a right angle and √2 long.
    total: NDArray[np.float64] = np.hypot(falling, rising).sum((1, 2)) / np.sqrt(2)
    return total


def _upright(images: NDArray[np.uint8], shear: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ink (N, B) in B columns one pixel wide, after every row was moved by −shear · (y − middle)."""
    image, y, x = images.nonzero()
    ink = images[image, y, x].astype(np.float64)
    place = x - shear[image] * (y - middle[image])
    left = np.floor(place)
    share = place - left
    column = (left - left.min()).astype(np.int64)
    count = int(column.max()) + 2
    # A pixel between two columns is shared out between them.
    cell = image * count + column
    size = len(images) * count
    spread = np.bincount(cell, ink * (1 - share), size) + np.bincount(cell + 1, ink * share, size)
    return np.asarray(spread, dtype=np.float64).reshape(-1, count)


def _extent(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """The length (N,) left of lines of ink (N, B) when `OUTSIDE` of the ink is cut off, half of it at each end."""
    reached = np.cumsum(ink, axis=1)
    reached /= reached[:, -1:]
    before = np.pad(reached, ((0, 0), (1, 0)))
    image = np.arange(len(ink))

    def quantile(share: float) -> NDArray[np.float64]:
        last = (reached < share).sum(1)
        start, end = before[image, last], before[image, last + 1]
        return last + (share - start) / (end - start)

    return quantile(1 - OUTSIDE / 2) - quantile(OUTSIDE / 2)
