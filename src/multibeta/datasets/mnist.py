"""MNIST: 70,000 handwritten digits, with the official test images held out."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DataError, DatasetSource, File

SERVER = "https://ossci-datasets.s3.amazonaws.com/mnist"
SHA256 = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class MNIST(DatasetSource):
    """60,000 training and 10,000 test images of 28×28 grey pixels, with the digit as label and no factors.

    References:
        LeCun et al. 1998, "Gradient-based learning applied to document recognition", doi:10.1109/5.726791
    """

    class Options(registry.Options):
        size: Literal[28, 32] = Field(28, description="side in pixels; 32 adds a black border of 2, nothing is resized")

    title = "MNIST"
    licence = "CC BY-SA 3.0"
    source = "http://yann.lecun.com/exdb/mnist, as mirrored at " + SERVER
    classes = tuple("0123456789")
    files = tuple(File(name, f"{SERVER}/{name}", sha256, gzip=True) for name, sha256 in SHA256.items())

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.options.size, self.options.size

    def build(self, files: dict[str, Path]) -> Arrays:
        images = [read_idx(files[f"{part}-images-idx3-ubyte.gz"], dimensions=3) for part in ("train", "t10k")]
        labels = [read_idx(files[f"{part}-labels-idx1-ubyte.gz"], dimensions=1) for part in ("train", "t10k")]
        border = (self.options.size - 28) // 2
        padded = np.pad(np.concatenate(images), ((0, 0), (border, border), (border, border)))
        held_out = np.repeat([False, True], [len(part) for part in images])
        return Arrays(padded[..., None], held_out, labels=np.concatenate(labels).astype(np.int64))


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of bytes in a gzipped IDX file: two zeros, 8 for uint8, the number of dimensions, its big-endian sizes.

    Raises:
        DataError: the header or the length is another.
    """
    with gzip.open(path) as file:
        content = file.read()
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
