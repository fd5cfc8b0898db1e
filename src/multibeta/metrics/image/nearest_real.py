"""nearest_real: how far samples of the prior are from the nearest possible image, and how many of these they reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, Score, require_finite
from multibeta.randomness import numpy_generator

#: Products of pixels to compute at most, about two seconds on one core; with more, fewer samples are searched.
MOST_PRODUCTS = 5e10
#: Pixels of the grid compared at once; bounds memory, changes no result.
CHUNK = 1 << 24


def nearest(samples: NDArray[np.float32], grid: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The position of the nearest image of ``grid`` (G, H, W, C), the first of equally near ones, to each of
    ``samples`` (S, C, H, W) in [0, 1], and its root-mean-square distance over pixels and channels: (S,) each.

    All images are compared, in float32; the distance to the one that is found is float64.
    """
    # In steps of 8 bits, as the grid is, so that its many pixels are not divided.
    wanted = np.ascontiguousarray(samples.transpose(0, 2, 3, 1)).reshape(len(samples), -1) * np.float32(255)
    pixels = wanted.shape[1]
    found = np.zeros(len(samples), dtype=np.int64)
    least = np.full(len(samples), np.inf, dtype=np.float32)
    for start in range(0, len(grid), max(1, CHUNK // pixels)):
        images = grid[start : start + max(1, CHUNK // pixels)].reshape(-1, pixels).astype(np.float32)
        # ‖s − g‖² without ‖s‖², which is the same for all g.
        squares = np.einsum("gp,gp->g", images, images) - 2 * (wanted @ images.T)
        best = squares.argmin(1)
        nearer = np.flatnonzero(squares[np.arange(len(best)), best] < least)
        found[nearer] = start + best[nearer]
        least[nearer] = squares[nearer, best[nearer]]
    differences = wanted.astype(np.float64) - grid[found].reshape(-1, pixels)
    return found, np.sqrt(np.square(differences).mean(1)) / 255


def distinct(images: int, draws: int) -> float:
    """How many of the images are expected in so many uniform draws with replacement: G (1 − (1 − 1/G)^S)."""
    return float(-images * np.expm1(draws * np.log1p(-1 / images))) if images > 1 else 1.0


class NearestReal(Metric):
    """nearest_real = E_s min_g √(mean (s − g)²) between prior samples s and all images g of the grid of factors.

    In grey values, the range being 1; 0 if every sample is an image of the dataset. Where every possible image is
    known no network is needed to say whether a sample is one.

    grid_coverage = how many different g are nearest to some of S samples, divided by G (1 − (1 − 1/G)^S), the number
    expected of S uniform draws from the G images: about 1 for a model that draws evenly from the grid, 1 / that number
    for one that always gives the same image, and min(S, G) / that number at most. Its parts are the shares of each
    factor's values that are reached. Of images that look the same, the first is nearest. It knows no distance: read it
    beside nearest_real. All samples are searched if the grid is small; of a large grid as many as are searched in
    two seconds or so, drawn by position: n says how many.

    Source: this project's own, https://github.com/google-deepmind/dsprites-dataset being a full grid; the nearest
    training image as in Theis et al. 2016, https://arxiv.org/abs/1511.01844
    """

    title = "Distance to the nearest real image"
    source = "own; after Theis et al. 2016, https://arxiv.org/abs/1511.01844"
    protocol = "grid"
    unit = "grey values"
    better = "lower"
    needs = ("samples", "grid_images", "grid_factors", "factor_names", "seed")
    representation = "prior"
    scores = {
        "nearest_real": Score("Distance to the nearest real image", "grey values", "lower"),
        "grid_coverage": Score("Coverage of the factor grid"),
    }

    def measure(
        self,
        *,
        samples: NDArray[np.float32],
        grid_images: NDArray[np.uint8],
        grid_factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
    ) -> dict[str, Result]:
        require_finite(samples=samples)
        most = max(1, int(MOST_PRODUCTS // grid_images.size))
        if len(samples) > most:
            order = numpy_generator(seed, "samples to search").permutation(len(samples))
            samples = samples[np.sort(order[:most])]
        found, distances = nearest(samples, grid_images)
        n = len(samples)
        reached = len(np.unique(found)) / distinct(len(grid_images), n)
        shares = {
            name: len(np.unique(column[found])) / len(np.unique(column))
            for name, column in zip(factor_names, np.asarray(grid_factors).T, strict=True)
        }
        return {
            "nearest_real": Result(float(distances.mean()), n=n),
            "grid_coverage": Result(reached, n=n, parts=shares),
        }
