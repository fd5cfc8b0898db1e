"""CIFAR-10: 60,000 small colour photographs of ten kinds of things."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import Arrays, DataError, DatasetSource, File
from multibeta.datasets._archives import members

NAME = "cifar-10-binary.tar.gz"
TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
CLASSES = "batches.meta.txt"
SIDE = 32


class CIFAR10(DatasetSource):
    """50,000 training and 10,000 test images of 32×32 RGB, with the kind of thing as label.

    Of the three official archives this is the binary one: the Python one holds pickles, which are never loaded.

    References:
        Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"
    """

    title = "CIFAR-10"
    licence = "not stated by its source"
    source = "https://www.cs.toronto.edu/~kriz/cifar.html"
    citation = (
        "@techreport{krizhevsky09, author = {Alex Krizhevsky}, title = {Learning Multiple Layers of Features from Tiny "
        "Images}, institution = {University of Toronto}, year = {2009}}"
    )
    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    files = (
        File(
            NAME,
            f"https://www.cs.toronto.edu/~kriz/{NAME}",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            mirrors=(f"https://cave.cs.toronto.edu/kriz/{NAME}",),
        ),
    )
    shape = (3, SIDE, SIDE)
    #: Images in each of the six batches.
    per_batch = 10_000

    def build(self, files: dict[str, Path]) -> Arrays:
        wanted = (*TRAINING, TEST, CLASSES)
        found = {
            PurePosixPath(name).name: content
            for name, content in members(files[NAME], lambda name: PurePosixPath(name).name in wanted)
        }
        absent = [name for name in wanted if name not in found]
        if absent:
            raise DataError(f"{files[NAME]} lacks {', '.join(absent)}")
        classes = tuple(found[CLASSES].decode("ascii", "replace").split())
        if classes != self.classes:
            raise DataError(f"{files[NAME]}: {CLASSES} names {', '.join(classes)}, not {', '.join(self.classes)}")
        batches = [self._read(files[NAME], name, found[name]) for name in (*TRAINING, TEST)]
        rows = np.concatenate(batches)
        # A byte for the class, then all reds, all greens and all blues.
        images = rows[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        held_out = np.arange(len(rows)) >= len(rows) - self.per_batch
        return Arrays(np.ascontiguousarray(images), held_out, labels=rows[:, 0].astype(np.int64))

    def _read(self, path: Path, name: str, content: bytes) -> NDArray[np.uint8]:
        row = 1 + 3 * SIDE * SIDE
        if len(content) != self.per_batch * row:
            raise DataError(f"{path}: {name} has {len(content)} bytes, must have {self.per_batch} rows of {row}")
        rows = np.frombuffer(content, np.uint8).reshape(-1, row)
        for image in np.flatnonzero(rows[:, 0] >= len(self.classes)):
            raise DataError(f"{path}: {name} gives image {image} the label {rows[image, 0]}, must be 0 … 9")
        return rows
