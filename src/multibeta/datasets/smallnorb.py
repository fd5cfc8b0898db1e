"""SmallNORB: photographs of 50 toys of five categories, from 162 directions under six lights."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DataError, DatasetSource, Factor, File, grid_factors, random_held_out
from multibeta.datasets._resize import resize
from multibeta.datasets._storage import CHUNK

SERVER = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
PARTS = {"training": "5x46789x9x18x6x2x96x96-training", "testing": "5x01235x9x18x6x2x96x96-testing"}
MD5 = {
    ("training", "dat"): "66054832f9accfe74a0f4c36a75bc0a2",
    ("training", "cat"): "23c8b86101fbf0904a000b43d3ed2fd9",
    ("training", "info"): "51dee1210a742582ff607dfd94e332e3",
    ("testing", "dat"): "e4ad715691ed5a3a5f138751a4ceb071",
    ("testing", "cat"): "5aa791cd7e6016cf957ce9bdb93b8603",
    ("testing", "info"): "a9454f3864d7fd4bb3ea7fc3eb84924e",
}
#: The first four bytes of a matrix file, by what it holds.
MAGIC = {0x1E3D4C55: np.dtype("<u1"), 0x1E3D4C54: np.dtype("<i4")}
SIDE = 96


class SmallNORB(DatasetSource):
    """The full grid of category, instance, elevation, azimuth and lighting, 48,600 grey images of one camera.

    The five toys of each category in the official training files and the five in the testing files are together its
    ten instances, as in disentanglement_lib, which however counts the instance as no factor. Instances of two
    categories have nothing in common but the number, so that a model has no reason to give it a latent.

    References:
        LeCun, Huang & Bottou 2004, doi:10.1109/CVPR.2004.1315150
    """

    class Options(registry.Options):
        size: Literal[64, 96] = Field(
            64, description="side in pixels, made smaller by Lanczos' filter; 96: as they are"
        )
        camera: Literal["left", "right"] = Field("left", description="which of the two")
        held_out: Literal["random", "testing"] = Field(
            "random", description="a random tenth of all, or the official testing files, whose toys are then never seen"
        )

    title = "SmallNORB"
    licence = "for research; must not be sold"
    source = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
    citation = (
        "@inproceedings{lecun04, author = {Yann LeCun and Fu Jie Huang and L{\\'e}on Bottou}, "
        "title = {Learning Methods for Generic Object Recognition with Invariance to Pose and Lighting}, "
        "booktitle = {IEEE Conference on Computer Vision and Pattern Recognition}, year = {2004}, "
        "doi = {10.1109/CVPR.2004.1315150}}"
    )
    factors = (
        Factor("category", 5, "categorical"),
        Factor("instance", 10, "categorical"),
        Factor("elevation", 9, "ordinal"),
        Factor("azimuth", 18, "periodic"),
        Factor("lighting", 6, "categorical"),
    )
    files = tuple(
        File(name, f"{SERVER}/{name}", md5=md5)
        for (part, kind), md5 in MD5.items()
        for name in [f"smallnorb-{PARTS[part]}-{kind}.mat.gz"]
    )
    grid = True

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.options.size, self.options.size

    def build(self, files: dict[str, Path]) -> Arrays:
        size, camera = self.options.size, ("left", "right").index(self.options.camera)
        factors = grid_factors(self.factors)
        images = np.zeros((len(factors), size, size, 1), np.uint8)
        seen, of_testing = np.zeros((2, len(factors)), bool)
        for part, name in PARTS.items():
            path = {kind: files[f"smallnorb-{name}-{kind}.mat.gz"] for kind in ("dat", "cat", "info")}
            at = self._positions(path["cat"], path["info"])
            if len(np.unique(at)) < len(at) or seen[at].any():
                raise DataError(f"{path['info']}: two images have the same category, instance, view and light")
            seen[at], of_testing[at] = True, part == "testing"
            start = 0
            for pairs in matrix_rows(path["dat"], (len(at), 2, SIDE, SIDE), np.dtype("<u1")):
                images[at[start : start + len(pairs)], ..., 0] = resize(pairs[:, camera], size)
                start += len(pairs)
        if not seen.all():
            raise DataError(f"{path['dat']}: {len(factors) - seen.sum()} of {len(factors)} combinations have no image")
        held_out = of_testing if self.options.held_out == "testing" else random_held_out(len(factors))
        return Arrays(images, held_out, factors)

    def _positions(self, cat: Path, info: Path) -> NDArray[np.int64]:
        """Where in the grid the images of a part belong."""
        category = np.concatenate(list(matrix_rows(cat, (None,), np.dtype("<i4"))))
        found = np.concatenate(list(matrix_rows(info, (len(category), 4), np.dtype("<i4"))))
        written = np.column_stack([category, found]).astype(np.int64)
        # Azimuths count in tens of degrees, of which every second was photographed.
        values, left_over = np.divmod(written, [1, 1, 1, 2, 1])
        sizes = [factor.size for factor in self.factors]
        wrong = ((left_over != 0) | (values < 0) | (values >= sizes)).any(axis=1)
        if wrong.any():
            where = f"{info}: image {wrong.argmax()} has category, instance, elevation, azimuth and lighting"
            raise DataError(f"{where} {written[wrong][0].tolist()}, of which one is none of its factor's values")
        return np.ravel_multi_index(tuple(values.T), sizes)


def matrix_rows(path: Path, shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The rows of a gzipped matrix, thousands at a time.

    A magic number, how many dimensions there are, the size of each, of three at least, in 4 bytes each, and the data,
    all little-endian (https://cs.nyu.edu/~ylclab/data/norb-v1.0-small).

    Args:
        shape: that it must have; None for any size.

    Raises:
        DataError: the file is no such matrix, is of another kind or shape, or ends too early; one line.
    """
    with _opened(path) as file:
        magic, dimensions = _integers(file, 2)
        if MAGIC.get(magic) != dtype:
            raise DataError(f"{path} starts with {magic:#010x}, which is no matrix of {dtype.name}")
        sizes = tuple(_integers(file, max(3, dimensions)))[:dimensions] if 0 < dimensions < 9 else ()
        if len(sizes) != len(shape) or any(want not in (None, size) for want, size in zip(shape, sizes, strict=True)):
            raise DataError(f"{path} is a matrix {sizes}, must be ({', '.join(str(each or 'any') for each in shape)})")
        row = math.prod(sizes[1:]) * dtype.itemsize
        for start in range(0, sizes[0], CHUNK):
            count = min(CHUNK, sizes[0] - start)
            yield np.frombuffer(_exactly(file, count * row), dtype).reshape(count, *sizes[1:])
        if file.read(1):
            raise DataError(f"{path} goes on after its {sizes[0]} rows")


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile]:
    try:
        with gzip.open(path) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole gzipped matrix: {error}") from None


def _integers(file: gzip.GzipFile, count: int) -> list[int]:
    found: list[int] = np.frombuffer(_exactly(file, 4 * count), "<u4").tolist()
    return found


def _exactly(file: gzip.GzipFile, count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise EOFError(f"{count} bytes expected, {len(content)} found")
    return content
