"""SSIM: structural similarity of reconstructions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.image._pairs import BATCH, check_pairs

WINDOW = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


def ssim(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """SSIM of every pair of images x and y (M, C, H, W), H and W ≥ 11, averaged over channels and windows: (M,)."""
    luminance, structure = ssim_terms(x.astype(np.float64), y.astype(np.float64))
    average: NDArray[np.float64] = (luminance * structure).mean((1, 2, 3))
    return average


def ssim_terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Luminance, and contrast times structure, of every window: (M, C, H − 10, W − 10) each.

    The Gaussian window is separable, so its means at all positions inside the image are A x Bᵀ, with one band matrix
    for the rows and one for the columns.
    """
    rows, columns = _window(x.shape[2]), _window(x.shape[3]).T
    mean_x, mean_y = rows @ x @ columns, rows @ y @ columns
    variance_x = rows @ (x * x) @ columns - mean_x**2
    variance_y = rows @ (y * y) @ columns - mean_y**2
    covariance = rows @ (x * y) @ columns - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    return luminance, structure


def _window(size: int) -> NDArray[np.float64]:
    """The Gaussian at every position inside ``size`` pixels: (size − 10, size), rows sum to 1."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    gaussian = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    band = np.zeros((size - WINDOW + 1, size))
    for position in range(len(band)):
        band[position, position : position + WINDOW] = gaussian / gaussian.sum()
    return band


class SSIM(Metric):
    """(2 μ_x μ_y + C1)(2 σ_xy + C2) / ((μ_x² + μ_y² + C1)(σ_x² + σ_y² + C2)), averaged over windows and images.

    Gaussian window of 11×11 pixels with σ = 1.5, placed only where it lies inside the image; population variances;
    C1 = 0.01², C2 = 0.03² for data range 1. Images smaller than the window have no SSIM: a smaller window would be
    another metric.

    Source: Wang, Bovik, Sheikh & Simoncelli 2004, https://doi.org/10.1109/TIP.2003.819861
    """

    title = "SSIM"
    source = "Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861"
    protocol = "wang04"
    better = "higher"
    needs = ("images", "reconstructions")
    representation = "reconstruction"

    def measure(self, *, images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> Result:
        check_pairs(images, reconstructions)
        height, width = images.shape[2:]
        if min(height, width) < WINDOW:
            raise NotComputed(f"images of {height}×{width} are smaller than SSIM's {WINDOW}×{WINDOW} window")
        batches = range(0, len(images), BATCH)
        values = [ssim(images[i : i + BATCH], reconstructions[i : i + BATCH]) for i in batches]
        return Result(float(np.concatenate(values).mean()), n=len(images))
