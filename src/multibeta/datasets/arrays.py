"""Arrays of your own: an npz or HDF5 file of images with factors or labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta.datasets import Arrays, DataError, Factor, _columns, grid_factors, random_held_out
from multibeta.datasets._array_file import ArrayFile
from multibeta.datasets._own import Known, OwnData, OwnOptions
from multibeta.registry import nearest

#: Where arrays are looked for, in this order, unless an option names them.
NAMES = {
    "images": ("images", "imgs", "x", "X", "arr_0"),
    "factors": ("factors", "latents_classes", "latents_values"),
    "labels": ("labels", "label", "y"),
    "held_out": ("held_out",),
    "factor_names": ("factor_names",),
}
LARGEST_SIDE = 1024


class ArraysOfOnesOwn(OwnData):
    """The images of a file, uint8 (N, H, W) or (N, H, W, C), in its order; nothing is resized.

    Factors (N, K) are numbers or words; each column's different values are ranked. Where they are every combination
    once, the last factor fastest, the dataset is a grid.
    """

    class Options(OwnOptions):
        images: str | None = Field(None, description=f"the array of images; null: {', '.join(NAMES['images'])}")
        factors: str | None = Field(
            None, description=f"the array (N, K) of factors; null: {', '.join(NAMES['factors'])}, if there is one"
        )
        factor_names: list[str] | None = Field(
            None, description="of the K factors; null: the array factor_names, else factor_1, factor_2, …"
        )
        labels: str | None = Field(
            None, description=f"the array (N,) of labels; null: {', '.join(NAMES['labels'])}, if there is one"
        )
        classes: list[str] | None = Field(None, description="names of the classes, in the order of the labels")
        held_out: str | None = Field(
            None, description="the array (N,) of 0 and 1, 1 where held out; null: held_out, else a random tenth"
        )
        columns: list[str] | None = Field(None, description="the factors that are kept, by name; null: all")
        kinds: dict[str, _columns.Kind] = Field(
            {}, description="categorical, ordinal or periodic, by factor, where it is not what its values suggest"
        )
        bins: int = Field(10, ge=2, le=_columns.MOST_VALUES, description="for numbers of more than 64 values")
        binary: bool = Field(False, description="images of 0 and 1, or 0 and 255: kept as bits")

    title = "An npz or HDF5 file"

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.binary = self.options.binary

    @property
    def shape(self) -> tuple[int, int, int]:
        assert self.known.shape is not None
        return self.known.shape

    def parts(self) -> list[tuple[str, Path]]:
        return [("", self.path)]

    def describing(self) -> list[Path]:
        return [self.path]

    def know(self) -> Known:
        file = ArrayFile(self.path)
        images = self._name(file, "images")
        if images is None:
            raise DataError(
                f"{self.path} holds no array named {', '.join(NAMES['images'])}; "
                f"it holds {', '.join(file.names) or 'none'}: say which are the images with the option images"
            )
        stored, _ = file.images(images)
        shape, count = self._fitting(images, stored), stored[0]
        held_out = self._held_out(file, count)
        factors = self._name(file, "factors")
        made = [] if factors is None else self._factors(file, factors, held_out)
        labels = self._name(file, "labels", factors)
        classes, of_each = ((), None) if labels is None else self._labels(file, labels, count)
        values = np.column_stack([each for _, each in made]) if made else None
        specs = tuple(factor for factor, _ in made)
        grid = values is not None and _is_grid(specs, values)
        return Known(specs, classes, values, of_each, held_out, grid=grid, shape=shape)

    def build(self, files: dict[str, Path]) -> Arrays:
        if self.options.content is not None:
            self.pinned()
        file, known = ArrayFile(self.path), self.known
        name = self._name(file, "images")
        assert name is not None
        assert known.held_out is not None
        return Arrays(self._images(file, name), known.held_out, known.values, known.labels)

    def _images(self, file: ArrayFile, name: str) -> Iterator[NDArray[np.uint8]]:
        channels, height, width = self.shape
        brightest = 0
        for piece in file.images(name)[1]:
            brightest = max(brightest, int(piece.max()))
            if self.options.binary:
                if not ((piece <= 1) | (piece == 255)).all():
                    raise DataError(f"{self.path}: array {name!r} has greys between 1 and 255, so it is not binary")
                piece = np.where(piece > 0, np.uint8(255), np.uint8(0))  # noqa: PLW2901
            yield piece.reshape(-1, height, width, channels)
        if brightest <= 1 and not self.options.binary:
            raise DataError(
                f"{self.path}: array {name!r} holds nothing above {brightest}, while white is 255; "
                "set binary: true for images of 0 and 1"
            )

    def _name(self, file: ArrayFile, role: str, taken: str | None = None) -> str | None:
        given: str | None = getattr(self.options, role)
        if given is not None:
            if given not in file.names:
                raise DataError(f"{self.path} has no array {given!r}{nearest(given, file.names)}")
            return given
        return next((name for name in NAMES[role] if name in file.names and name != taken), None)

    def _fitting(self, name: str, stored: tuple[int, ...]) -> tuple[int, int, int]:
        found = f"{self.path}: array {name!r} is {stored}"
        if len(stored) not in (3, 4) or 0 in stored:
            raise DataError(f"{found}, must be (N, H, W) or (N, H, W, C)")
        _, height, width, channels = (*stored, 1)[:4]
        if channels not in (1, 3):
            first = " (channels seem to stand first: move them last)" if height in (1, 3) else ""
            raise DataError(f"{found}: must have 1 or 3 channels, found {channels}{first}")
        if max(height, width) > LARGEST_SIDE:
            raise DataError(f"{found}: sides must be ≤ {LARGEST_SIDE}; make the images smaller first")
        return channels, height, width

    def _held_out(self, file: ArrayFile, count: int) -> NDArray[np.bool_]:
        name = self._name(file, "held_out")
        if name is None:
            return random_held_out(count)
        flags = self._rows(file, name, (count,), "iufb")
        if not np.isin(flags, (0, 1)).all():
            raise DataError(f"{self.path}: array {name!r} must hold 0 and 1 only")
        _columns.require_both(str(self.path), name, flags.astype(bool))
        return flags.astype(bool)

    def _factors(
        self, file: ArrayFile, name: str, held_out: NDArray[np.bool_]
    ) -> list[tuple[Factor, NDArray[np.int64]]]:
        array = file.read(name)
        columns = self._rows(file, name, (len(held_out), *array.shape[1:2]), "iufbU").reshape(len(held_out), -1)
        names = self._factor_names(file, columns.shape[1])
        for wanted in (*(self.options.columns or ()), *self.options.kinds):
            if wanted not in names:
                raise DataError(f"{self.path} has no factor {wanted!r}{nearest(wanted, list(names))}")
        made = []
        for factor, column in zip(names, columns.T, strict=True):
            if self.options.columns is None or factor in self.options.columns:
                distinct, codes = _distinct(column)
                kind, bins = self.options.kinds.get(factor), self.options.bins
                made.append(_columns.factor(str(self.path), factor, distinct, codes, held_out, kind, bins))
        return made

    def _factor_names(self, file: ArrayFile, count: int) -> tuple[str, ...]:
        if self.options.factor_names is not None:
            names = tuple(self.options.factor_names)
        elif "factor_names" in file.names:
            names = tuple(map(str, self._rows(file, "factor_names", (count,), "U")))
        else:
            names = tuple(f"factor_{number}" for number in range(1, count + 1))
        if len(names) != count or len(set(names)) < count or "label" in names:
            raise DataError(
                f"{self.path}: {count} factors need as many different names, none of them label, "
                f"found {', '.join(names)}"
            )
        return names

    def _labels(self, file: ArrayFile, name: str, count: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        if file.read(name).ndim == 2:
            raise DataError(f"{self.path}: array {name!r} has columns; if they are factors, set factors: {name}")
        distinct, codes = _distinct(self._rows(file, name, (count,), "iubU"))
        texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in distinct]
        classes, labels = _columns.words(str(self.path), name, texts, codes)
        if self.options.classes is None:
            return classes, labels
        if len(self.options.classes) != len(classes):
            raise DataError(
                f"{self.path}: array {name!r} has {len(classes)} classes, the option classes names another number"
            )
        return tuple(self.options.classes), labels

    def _rows(self, file: ArrayFile, name: str, shape: tuple[int, ...], kinds: str) -> NDArray[Any]:
        array = file.read(name)
        if array.shape != shape or array.dtype.kind not in kinds:
            allowed = {"U": "text", "iufb": "numbers", "iubU": "whole numbers or text"}.get(kinds, "numbers or text")
            raise DataError(f"{self.path}: array {name!r} is {array.dtype} {array.shape}, must be {allowed} {shape}")
        return array


def _distinct(column: NDArray[Any]) -> tuple[Sequence[str] | NDArray[np.float64], NDArray[np.int64]]:
    """The different values of a column (N,), and for each row which of them it has."""
    values, codes = np.unique(column, return_inverse=True)
    found = [str(value) for value in values] if values.dtype.kind == "U" else values.astype(np.float64)
    return found, codes.reshape(-1).astype(np.int64)


def _is_grid(factors: tuple[Factor, ...], values: NDArray[np.int64]) -> bool:
    combinations = math.prod(factor.size for factor in factors)
    return combinations == len(values) and np.array_equal(values, grid_factors(factors))
