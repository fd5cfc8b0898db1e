"""The way from the code of one image to that of another, decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.explorer.opened import Opened


def between(
    opened: Opened, ends: NDArray[np.float32], told: tuple[int, int], steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Codes on the line between those of two images, in even steps.

    Args:
        ends: the two images (2, C, H, W).
        told: what a conditional model is told of each; the nearer end's is told on the way.

    Returns:
        Images (S, C, H, W), the first and last being reconstructions, and their weights (S,) of the second image.
    """
    weights = np.linspace(0, 1, steps, dtype=np.float32)
    one, other = opened.encode(ends, np.array(told))
    z = (1 - weights[:, None]) * one + weights[:, None] * other
    nearer = np.where(weights < 0.5, *told)
    return opened.decode(z, nearer), weights
