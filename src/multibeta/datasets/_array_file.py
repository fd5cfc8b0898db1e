"""Reads the named arrays of an npz or HDF5 file: small ones whole, images piece by piece, pickles never."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError, _npz
from multibeta.datasets._archives import DAMAGES
from multibeta.datasets._storage import at_once

NPZ, HDF5 = (".npz",), (".h5", ".hdf5", ".he5")


class ArrayFile:
    """The arrays of one file by name.

    Raises:
        DataError: there is no such file, it is damaged, or of another kind; one line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise DataError(f"{path} {'is a folder, not a file of arrays' if path.is_dir() else 'does not exist'}")
        if path.suffix.lower() not in (*NPZ, *HDF5):
            raise DataError(f"{path} is no file of arrays: its name must end in {', '.join((*NPZ, *HDF5))}")
        self._hdf5 = path.suffix.lower() in HDF5
        with self._opened() as file:
            self.names = _names(file) if self._hdf5 else list(file)

    def read(self, name: str) -> NDArray[Any]:
        """A whole array of numbers or text.

        Raises:
            DataError: it holds Python objects, which only a pickle keeps, or is damaged.
        """
        with self._opened() as file:
            if not self._hdf5:
                array: NDArray[Any] = file[name]
                if not isinstance(array, np.ndarray):
                    raise ValueError(f"{name!r} is no array")
                return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
            stored = self._within(file, name)
            array = stored.asstr("utf-8")[()].astype(str) if _is_text(stored) else stored[()]
        if array.dtype.kind == "O":
            raise DataError(f"{self.path}: array {name!r} holds objects, must hold numbers or text")
        return array

    def images(self, name: str) -> tuple[tuple[int, ...], Iterator[NDArray[np.uint8]]]:
        """The shape (N, …) of an array of bytes, and arrays (n, …) of it one after the other.

        Raises:
            DataError: it is no uint8.
        """
        if not self._hdf5:
            member = _npz.Member(self.path, name)
            return member.shape, iter(member)
        with self._opened() as file:
            stored = self._within(file, name)
            shape, dtype = tuple(stored.shape), stored.dtype
        if dtype != np.uint8 or not shape:
            raise DataError(
                f"{self.path}: array {name!r} is {dtype} {shape}, must be uint8, greys 0 … 255, "
                "with a row for each image"
            )
        return shape, self._pieces(name, shape)

    def _pieces(self, name: str, shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
        step = at_once(max(math.prod(shape[1:]), 1))
        for start in range(0, shape[0], step):
            with self._opened() as file:
                piece: NDArray[np.uint8] = file[name][start : start + step]
            yield piece

    def _within(self, file: Any, name: str) -> Any:
        """An array of an HDF5 file whose content is in the file: only that is part of the hash by which it is known."""
        stored = file[name]
        if stored.external or stored.is_virtual:
            raise DataError(f"{self.path}: the content of array {name!r} lies in another file; copy it into this one")
        return stored

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The file as a mapping of arrays; what goes wrong in the block is the file's fault."""
        try:
            if self._hdf5:
                import h5py

                with h5py.File(self.path, "r") as file:
                    yield file
            elif not zipfile.is_zipfile(self.path):
                raise zipfile.BadZipFile("it is no npz file, which is a zip archive")
            else:
                with np.load(self.path, allow_pickle=False) as file:
                    yield file
        except MemoryError:
            raise DataError(f"{self.path} cannot be read as arrays: one is larger than the memory") from None
        except DAMAGES as error:
            if isinstance(error, DataError):
                raise
            reason = " ".join(str(error).split())
            if "allow_pickle" in reason:
                reason = "it holds Python objects, a pickle, which could run code and is never loaded"
            raise DataError(f"{self.path} cannot be read as arrays: {reason}") from None


def _names(file: Any) -> list[str]:
    """The paths of all arrays of an HDF5 file, also of those in groups; links to other files are not followed."""
    found: list[str] = []

    def look(name: str | bytes, item: Any) -> None:
        if isinstance(name, str) and getattr(item, "shape", None) is not None:
            found.append(name)

    file.visititems(look)
    return found


def _is_text(stored: Any) -> bool:
    import h5py

    return h5py.check_string_dtype(stored.dtype) is not None
