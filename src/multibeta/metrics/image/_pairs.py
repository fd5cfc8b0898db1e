"""What every comparison of images with their reconstructions begins with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import require_finite

#: Images handled at once; bounds memory, changes no result.
BATCH = 256


def check_pairs(images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> None:
    """Raise NotComputed if values are not finite, ValueError if the two (M, C, H, W) differ in shape."""
    if images.shape != reconstructions.shape:
        raise ValueError(f"images are {images.shape}, their reconstructions {reconstructions.shape}")
    require_finite(images=images, reconstructions=reconstructions)


def squared_error(images: NDArray[np.float32], reconstructions: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean over pixels and channels of (x − x̂)² of every image: (M,)."""
    check_pairs(images, reconstructions)
    return np.concatenate(
        [
            np.square(images[i : i + BATCH].astype(np.float64) - reconstructions[i : i + BATCH]).mean((1, 2, 3))
            for i in range(0, len(images), BATCH)
        ]
    )
