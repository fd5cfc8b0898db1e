"""MS-SSIM: structural similarity of reconstructions at several scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.image._pairs import BATCH, check_pairs
from multibeta.metrics.image.ssim import WINDOW, ssim_terms

#: Of the five published scales, the finest first.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def scales(height: int, width: int) -> int:
    """The number of scales, five at most, whose images are at least as large as the window."""
    side = min(height, width)
    return sum(side >> scale >= WINDOW for scale in range(len(WEIGHTS)))


def ms_ssim(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """MS-SSIM of every pair of images x and y (M, C, H, W), H and W ≥ 11, averaged over channels: (M,)."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    count = scales(*x.shape[2:])
    weights = np.array(WEIGHTS[:count]) / sum(WEIGHTS[:count])
    value = np.ones(x.shape[:2])
    for scale, weight in enumerate(weights):
        luminance, structure = ssim_terms(x, y)
        coarsest = scale == count - 1
        term = (luminance * structure if coarsest else structure).mean((2, 3))
        # A negative mean has no root; it counts as no similarity at all.
        value *= term.clip(min=0) ** weight
        x, y = _halved(x), _halved(y)
    average: NDArray[np.float64] = value.mean(1)
    return average


def _halved(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2×2 pixels (M, C, H, W) → (M, C, ⌊H/2⌋, ⌊W/2⌋); an odd last row or column is left out."""
    height, width = (size // 2 * 2 for size in images.shape[2:])
    rows = images[:, :, 0:height:2, :width] + images[:, :, 1:height:2, :width]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


class MSSSIM(Metric):
    """l_s^w_s ∏_{j ≤ s} c_j^w_j: SSIM's contrast and structure c_j at every scale j, its luminance l_s at the coarsest.

    The scales are the image halved by means of 2×2 pixels, as long as SSIM's window of 11×11 pixels fits: of the five
    published ones 3 for 64×64 pixels and 2 for 28×28 and 32×32. Their number is the part ``scales``. The weights
    w_j are the published ones of these scales, divided by their sum. c_j and l_s c_s are means over windows, of which
    negative ones count as 0; then averaged over channels and images. Values of other numbers of scales, so of images of
    another size, are other numbers. 0 to 1.

    Source: Wang, Simoncelli & Bovik 2003, https://doi.org/10.1109/ACSSC.2003.1292216
    """

    title = "MS-SSIM"
    source = "Wang, Simoncelli & Bovik 2003, https://doi.org/10.1109/ACSSC.2003.1292216"
    protocol = "wang03"
    better = "higher"
    needs = ("images", "reconstructions")
    representation = "reconstruction"

    def measure(self, *, images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> Result:
        check_pairs(images, reconstructions)
        height, width = images.shape[2:]
        count = scales(height, width)
        if count < 2:
            raise NotComputed(
                f"images of {height}×{width} have {count} of the scales at which a window of {WINDOW}×{WINDOW} fits, "
                "2 needed"
            )
        batches = range(0, len(images), BATCH)
        values = [ms_ssim(images[i : i + BATCH], reconstructions[i : i + BATCH]) for i in batches]
        return Result(float(np.concatenate(values).mean()), n=len(images), parts={"scales": float(count)})
