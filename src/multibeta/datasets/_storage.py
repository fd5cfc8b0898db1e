"""Images on disk: written as they come, mapped into memory, eight pixels to a byte where they are black or white."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Images held in memory at once while they are written or looked through.
CHUNK = 4096
#: Bytes of them, for large images.
MOST_BYTES = 1 << 28
#: File of bytes (N, H, W, C), and file of rows of bits (N, ⌈H·W·C / 8⌉).
BYTES, BITS = "images.npy", "bits.npy"

#: What makes the images that are seen, of stored images (n, H, W, C) and their positions (n,).
Derive = Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]


class Images:
    """Images uint8 (N, H, W, C) that are unpacked or derived when they are read; indexed as an array's first axis is.

    Args:
        stored: rows of bits, or of bytes if not ``packed``, mapped into memory.
        stored_shape: (H, W, C) of the stored images.
        shape: (H, W, C) of the images that are seen.
        derive: makes these of those; None if they are the same.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self,
        stored: NDArray[np.uint8],
        stored_shape: tuple[int, int, int],
        shape: tuple[int, int, int],
        packed: bool,
        derive: Derive | None = None,
    ) -> None:
        self._stored, self._stored_shape = np.asarray(stored), stored_shape
        self._packed, self._derive = packed, derive
        self.shape = (len(stored), *shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __getitem__(self, positions: Any) -> NDArray[np.uint8]:
        if isinstance(positions, int | np.integer):
            one: NDArray[np.uint8] = self[np.array([positions])][0]
            return one
        positions = np.arange(len(self))[positions]
        images = self._stored[positions]
        if self._packed:
            images = np.unpackbits(images, axis=1, count=int(np.prod(self._stored_shape)))
            np.negative(images, out=images)  # 1 becomes 255
        images = images.reshape(-1, *self._stored_shape)
        return images if self._derive is None else self._derive(images, positions)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def tobytes(self) -> bytes:
        return self[:].tobytes()


def at_once(row_bytes: int) -> int:
    """How many images of that many bytes are held in memory at once."""
    return max(1, min(CHUNK, MOST_BYTES // row_bytes))


def in_chunks(images: NDArray[np.uint8] | Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Arrays (n, H, W, C) one after the other, of images given whole or in such arrays."""
    if not isinstance(images, np.ndarray):
        yield from images
        return
    for start in range(0, len(images), CHUNK):
        yield images[start : start + CHUNK]


def write(path: Path, chunks: Iterable[NDArray[np.uint8]], count: int, row: tuple[int, ...], packed: bool) -> str:
    """Write ``count`` images that come in chunks as one npy file, and return the sha256 of its data.

    Args:
        row: shape of an image, (H, W, C).
        packed: as bits, for images of 0 and 255.

    Raises:
        ValueError: there are more images than ``count``, or fewer.
        OSError: the file cannot be written.
    """
    shape = (count, -(-int(np.prod(row)) // 8)) if packed else (count, *row)
    digest, found = hashlib.sha256(), 0
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            found += len(chunk)
            if found > count:
                break
            data = np.packbits(chunk.reshape(len(chunk), -1) > 0, axis=1) if packed else np.ascontiguousarray(chunk)
            digest.update(data.data)
            file.write(data.data)
    if found != count:
        raise ValueError(f"{'more than ' if found > count else ''}{min(found, count)} images of {count}")
    return digest.hexdigest()
