"""Grey images for networks that want colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rgb(images: NDArray[Any]) -> NDArray[Any]:
    """(M, 1 or 3, H, W) → (M, 3, H, W): grey is replicated."""
    return np.repeat(images, 3 // images.shape[1], axis=1)
