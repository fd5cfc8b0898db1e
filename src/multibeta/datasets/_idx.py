"""Reads the IDX files of MNIST and of the datasets that were made to replace it."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DataError, DatasetSource

#: The official training and test parts.
PARTS = ("train", "t10k")


class IDXDataset(DatasetSource):
    """Base of datasets in the files of MNIST: grey images of 28×28 pixels with ten classes, the test part held out."""

    class Options(registry.Options):
        size: Literal[28, 32] = Field(28, description="side in pixels; 32 adds a black border of 2, nothing is resized")

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.options.size, self.options.size

    def build(self, files: dict[str, Path]) -> Arrays:
        parts = [read_idx(files[f"{part}-images-idx3-ubyte.gz"], dimensions=3) for part in PARTS]
        classes = [read_idx(files[f"{part}-labels-idx1-ubyte.gz"], dimensions=1) for part in PARTS]
        for part, images, labels in zip(PARTS, parts, classes, strict=True):
            if images.shape[1:] != (28, 28) or len(images) != len(labels):
                raise DataError(
                    f"{files[f'{part}-images-idx3-ubyte.gz']} holds images {images.shape} for {len(labels)} labels, "
                    "must be as many of 28×28"
                )
        images, digits = np.concatenate(parts), np.concatenate(classes).astype(np.int64)
        held_out = np.repeat([False, True], [len(part) for part in parts])
        border = (self.options.size - 28) // 2
        padded = np.pad(images, ((0, 0), (border, border), (border, border)))
        return Arrays(padded[..., None], held_out, self.measure(images, digits, held_out), digits)

    def measure(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], held_out: NDArray[np.bool_]
    ) -> NDArray[np.int64] | None:
        """The factors (N, K) of images (N, 28, 28), or None."""
        return None


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of bytes in a gzipped IDX file: two zeros, 8 for uint8, the number of dimensions, its big-endian sizes.

    Raises:
        DataError: the header or the length is another.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole gzip file: {error}") from None
    expected = bytes([0, 0, 8, dimensions])
    if content[:4] != expected:
        raise DataError(f"{path} is no IDX file: it starts with {content[:4].hex()}, not {expected.hex()}")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path} ends within its header, after {len(content)} of {start} bytes")
    sizes = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) != start + math.prod(sizes):
        found = f"{len(content) - start} bytes follow"
        raise DataError(f"{path}: the header announces {'×'.join(map(str, sizes))} bytes, {found}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(sizes)
