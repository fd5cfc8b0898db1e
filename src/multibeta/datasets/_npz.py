"""Reads an array of an npz file piece by piece, for one that does not fit into memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError
from multibeta.datasets._archives import DAMAGES
from multibeta.datasets._storage import at_once


class Member:
    """An array of bytes (N, …) in an npz file; iterating gives arrays (n, …) of it, one after the other.

    Raises:
        DataError: there is no such array, or its file is damaged or of another kind; the message is one line.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        with self._opened() as file:
            self.shape = _header(file, path, key)
            begins = file.tell()
        if math.prod(self.shape) > self._size() - begins:
            raise DataError(self._too_short())

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        row = math.prod(self.shape[1:])
        with self._opened() as file:
            _header(file, self._path, self._key)
            step = at_once(max(row, 1))
            for start in range(0, len(self), step):
                count = min(step, len(self) - start)
                try:
                    content = file.read(count * row)
                except DAMAGES as error:
                    raise DataError(f"{self._path}: array {self._key!r} is damaged: {error}") from None
                if len(content) < count * row:
                    raise DataError(self._too_short())
                yield np.frombuffer(content, np.uint8).reshape(count, *self.shape[1:])

    def _opened(self) -> IO[bytes]:
        try:
            return zipfile.ZipFile(self._path).open(f"{self._key}.npy")
        except DAMAGES as error:
            raise DataError(f"{self._path} has no array {self._key!r}: {error}") from None

    def _size(self) -> int:
        """Bytes of the array and its header, as the archive has it."""
        with zipfile.ZipFile(self._path) as archive:
            return archive.getinfo(f"{self._key}.npy").file_size

    def _too_short(self) -> str:
        return f"{self._path}: array {self._key!r} ends after fewer than its {len(self)} rows"


def _header(file: IO[bytes], path: Path, key: str) -> tuple[int, ...]:
    """The shape that the file begins with; a pickled array is refused, as its content could run code."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(file)
    except DAMAGES as error:
        raise DataError(f"{path}: array {key!r} is no npy file: {error}") from None
    if dtype != np.uint8 or by_columns or not shape or min(shape) < 0:
        raise DataError(
            f"{path}: array {key!r} is {dtype} {shape}, must be uint8, greys 0 … 255, with rows one after the other"
        )
    found: tuple[int, ...] = shape
    return found
