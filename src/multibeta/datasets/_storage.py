"""Images on disk: written as they come, mapped into memory, eight pixels to a byte where they are black or white."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Images held in memory at once while they are written or looked through.
CHUNK = 4096
#: Bytes of them, for large images.
MOST_BYTES = 1 << 28
#: Images are read ahead if every so many-th of those that lie there is wanted, and as many of them at least.
DENSE = 8
#: File of bytes (N, H, W, C), and file of rows of bits (N, ⌈H·W·C / 8⌉).
BYTES, BITS = "images.npy", "bits.npy"

#: What makes the images that are seen, of stored images (n, H, W, C) and their positions (n,).
Derive = Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]


class Images:
    """Images uint8 (N, H, W, C) that are read, unpacked and derived when they are asked for; indexed as an array is.

    Random images are read alone: the system would read a hundred kilobytes around each, which a dataset larger than the
    memory has no use for. Images that lie side by side are read ahead.

    Args:
        stored: rows of bits, or images if not ``packed``; where they are mapped, the map is told how it is read.
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
        self._map = stored.base if isinstance(stored.base, mmap.mmap) else None
        if self._map is not None:
            self._map.madvise(mmap.MADV_RANDOM)
        # Without the class of mapped arrays, whose every slice costs more than it holds.
        self._stored, self._stored_shape = np.asarray(stored), stored_shape
        self._packed, self._derive = packed, derive
        self.shape = (len(stored), *shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __getitem__(self, index: Any) -> Any:
        """Images at positions, a slice or a mask; of them a part, where slices and numbers of further axes follow."""
        if isinstance(index, tuple):
            if not all(isinstance(each, int | np.integer | slice) for each in index[1:]):
                raise IndexError("beyond the first axis, images are indexed by numbers and slices only")
            one = isinstance(index[0], int | np.integer)
            return self[index[0]][index[1:] if one else (slice(None), *index[1:])]
        if isinstance(index, int | np.integer):
            return self[np.array([index])][0]
        return self._read(_positions(index, len(self)))

    def _read(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        self._read_ahead(positions)
        images = self._stored[positions]
        if self._packed:
            images = np.unpackbits(images, axis=1, count=int(np.prod(self._stored_shape)))
            np.negative(images, out=images)  # 1 becomes 255
        images = images.reshape(len(positions), *self._stored_shape)
        if self._derive is None:
            return images
        # A plug-in need not know what to make of no image.
        return self._derive(images, positions) if len(positions) else np.empty((0, *self.shape[1:]), np.uint8)

    def _read_ahead(self, positions: NDArray[np.int64]) -> None:
        """Ask for the part of the map in which these images lie, if they are a good part of it."""
        if self._map is None or len(positions) < DENSE:
            return
        first, last = int(positions.min()), int(positions.max())
        if last - first < DENSE * len(positions) and last < len(self):
            row, header = self._stored.strides[0], len(self._map) - self._stored.nbytes
            start = (header + first * row) // mmap.PAGESIZE * mmap.PAGESIZE
            self._map.madvise(mmap.MADV_WILLNEED, start, header + (last + 1) * row - start)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def tobytes(self) -> bytes:
        return self[:].tobytes()


def _positions(index: Any, count: int) -> NDArray[np.int64]:
    """The positions (n,) that an index of the first axis means, each from 0 on; small integers would overflow."""
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and (not len(index) or index.min() >= 0):
        return index.astype(np.int64, copy=False)
    return np.arange(count)[index]


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
