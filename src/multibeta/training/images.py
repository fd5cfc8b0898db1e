"""The images that a training reads its batches from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multibeta.datasets._storage import CHUNK


class Images:
    """N images for training, and their condition or None.

    On a GPU they lie whole in its memory, as uint8; on a CPU a batch is read from the mapped file, so that processes
    share what the system keeps of it and a dataset may be larger than the memory.

    Args:
        stored: uint8 (…, H, W, C), what a `Dataset` has.
        condition: (N,) int64, or None.
        positions: (N,) of these images in ``stored``; None: all of them.
        device: ``cpu`` or ``cuda:<i>``.
    """

    def __init__(
        self,
        stored: NDArray[np.uint8],
        condition: NDArray[np.int64] | None = None,
        positions: NDArray[np.int64] | None = None,
        device: str = "cpu",
    ) -> None:
        self._stored = stored
        self._positions = np.arange(len(stored)) if positions is None else positions
        self._pixels = None if device == "cpu" else _upload(stored, self._positions, device)
        self._condition = None if condition is None else torch.from_numpy(condition).to(device)

    def __len__(self) -> int:
        return len(self._positions)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Float images (B, C, H, W) in [0, 1] and their condition (B,).

        Their channels stay last in memory, and so do all activations, which is the fast layout on a CPU.
        """
        if self._pixels is None:
            pixels = torch.from_numpy(self._stored[self._positions[indices.numpy()]])
        else:
            pixels = self._pixels[indices]
        images = pixels.permute(0, 3, 1, 2).float().div_(255)
        return images, None if self._condition is None else self._condition[indices]


def _upload(stored: NDArray[np.uint8], positions: NDArray[np.int64], device: str) -> Tensor:
    """The images at ``positions`` in the device's memory, chunk by chunk."""
    pixels = torch.empty((len(positions), *stored.shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(positions), CHUNK):
        chosen = slice(start, start + CHUNK)
        pixels[chosen] = torch.from_numpy(stored[positions[chosen]]).to(device)
    return pixels
