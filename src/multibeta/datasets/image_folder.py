"""Images of your own: a folder of image files and, if there is one, a CSV of what is known of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta.datasets import Arrays, DataError, _columns, _pictures, _table, random_held_out
from multibeta.datasets._own import Known, OwnData, OwnOptions
from multibeta.datasets._sources import default_cache
from multibeta.datasets._storage import at_once

SPLITS = ("split", "held_out")
FOLDER = "folder"


class ImageFolder(OwnData):
    """Every image file in a folder and the folders in it, cut to squares of one size, sorted by relative path.

    With a table the images are those of its rows, sorted by file. A row without an image is an error; an image without
    a row is left out and counted. So is a file that cannot be read, as long as there are few.
    """

    class Options(OwnOptions):
        attributes: str | None = Field(
            None, min_length=1, description="a CSV: a column that names the image file, others for labels and factors"
        )
        size: int = Field(64, ge=4, le=1024, description="side in pixels: the centre square is resized to it")
        colour: _pictures.Colour = Field("rgb", description="rgb or grey, whatever the files are")
        label: str | None = Field(
            None,
            description="the column whose values are the classes, or folder: the first level of folders; "
            "null: the column label, if there is one",
        )
        file_column: str | None = Field(
            None, description=f"the column of files; null: the first of {', '.join(_table.FILE_COLUMNS)}"
        )
        columns: list[str] | None = Field(None, description="the columns that become factors; null: all others")
        kinds: dict[str, _columns.Kind] = Field(
            {}, description="categorical, ordinal or periodic, by column, where it is not what its values suggest"
        )
        bins: int = Field(10, ge=2, le=_columns.MOST_VALUES, description="for numbers of more than 64 values")
        most_corrupt: float = Field(
            0.01, ge=0, lt=1, description="share of the files that may be unreadable and are then left out"
        )

    title = "A folder of images"
    identity_exclude = OwnData.identity_exclude | {"attributes", "most_corrupt"}

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3 if self.options.colour == "rgb" else 1, self.options.size, self.options.size

    @property
    def _attributes(self) -> Path | None:
        return None if self.options.attributes is None else Path(self.options.attributes).expanduser()

    def parts(self) -> list[tuple[str, Path]]:
        images = [(name, self.path / name) for name in _pictures.listed(self.path)]
        return images if self._attributes is None else [*images, ("", self._attributes)]

    def describing(self) -> list[Path]:
        _pictures.require_folder(self.path)
        return [path for path in (self.path, self._attributes) if path is not None]

    def know(self) -> Known:
        if self._attributes is None:
            for option in ("columns", "kinds", "file_column"):
                if getattr(self.options, option):
                    raise DataError(f"{self.path}: the option {option} needs the option attributes, a CSV")
            if self.options.label not in (None, FOLDER):
                raise DataError(f"{self.path}: label = {self.options.label!r} needs the option attributes, a CSV")
            return Known(classes=self._folders() if self.options.label == FOLDER else ())
        return self._know_table(_table.read(self._attributes, self.options.file_column))

    def _know_table(self, table: _table.Table) -> Known:
        options, where = self.options, str(table.path)
        label = options.label or ("label" if "label" in table.columns else None)
        split = next((name for name in SPLITS if name in table.columns), None)
        held_out = random_held_out(len(table.files))
        if split is not None:
            column = table.column(split)
            held_out = _columns.flags(where, split, column.distinct, column.codes)
        classes: tuple[str, ...] = ()
        labels = None
        if label == FOLDER and FOLDER not in table.columns:
            classes = self._folders()
        elif label is not None:
            column = table.column(label)
            declared = options.kinds.get(label) == "categorical"
            classes, labels = _columns.words(where, label, column.distinct, column.codes, declared)
        names = [name for name in table.columns if name not in ("label", *SPLITS)]
        for name in options.kinds:
            table.column(name)
        made = []
        for name in names if options.columns is None else options.columns:
            column = table.column(name)
            kind, bins = options.kinds.get(name), options.bins
            made.append(_columns.factor(where, name, column.distinct, column.codes, held_out, kind, bins))
        values = np.column_stack([each for _, each in made]) if made else None
        return Known(tuple(factor for factor, _ in made), classes, values, labels, held_out, table.files)

    def _folders(self) -> tuple[str, ...]:
        found = sorted(path.name for path in self.path.iterdir() if path.is_dir() and not path.name.startswith("."))
        if len(found) < 2:
            raise DataError(f"{self.path}: label = 'folder' needs a folder for each class, found {len(found)}")
        return tuple(found)

    def build(self, files: dict[str, Path]) -> Arrays:
        if self.options.content is not None:
            self.pinned()
        known, listed = self.known, _pictures.listed(self.path)
        left_out: dict[str, str] = {}
        names = listed
        if known.held_out is not None:
            names = _matched(self._attributes, known.names, listed)
            left_out = dict.fromkeys(sorted({*listed} - {*names}), "has no row in the table")
        pixels, corrupt = self._read(names)
        kept = np.array([name not in corrupt for name in names])
        # The split is one of all images, so that it does not depend on which of them are whole.
        held_out = random_held_out(len(names)) if known.held_out is None else known.held_out
        labels = known.labels if known.labels is not None or not known.classes else self._by_folder(names)
        for factor, column in zip(known.factors, () if known.values is None else known.values.T, strict=True):
            self._require_values(factor.name, factor.size, column[kept], corrupt)
        if labels is not None:
            self._require_values(self.options.label or "label", len(known.classes), labels[kept], corrupt)
        return Arrays(
            _chunks(pixels, int(kept.sum()), self.shape),
            held_out[kept],
            None if known.values is None else known.values[kept],
            None if labels is None else labels[kept],
            left_out={**left_out, **corrupt},
        )

    def _require_values(self, name: str, size: int, column: NDArray[np.int64], corrupt: dict[str, str]) -> None:
        """Say why a factor or the label has lost a value, where it did so with the images that cannot be read."""
        if len(np.unique(column)) < size:
            first, reason = next(iter(corrupt.items()))
            raise DataError(
                f"{self.path}: only images that cannot be read have some value of {name}, such as {first}: "
                f"{reason}; replace them, or take them out"
            )

    def _by_folder(self, names: list[str]) -> NDArray[np.int64]:
        place = {name: position for position, name in enumerate(self.classes)}
        for name in names:
            if "/" not in name:
                raise DataError(f"{self.path / name} lies in no folder, so label = 'folder' gives it no class")
        labels = np.array([place[name.partition("/")[0]] for name in names], dtype=np.int64)
        for label, name in enumerate(self.classes):
            if label not in labels:
                raise DataError(
                    f"{self.path / name} gives no image a class: no image of the dataset lies in it, or it is a link, "
                    "which is not entered; take it away"
                )
        return labels

    def _read(self, names: list[str]) -> tuple[IO[bytes], dict[str, str]]:
        """A file of the images that are whole, which has no name and so never stays behind, and why others are not."""
        corrupt: dict[str, str] = {}
        paths = [self.path / name for name in names]
        images = _pictures.read_all(paths, self.options.size, self.options.colour)
        try:
            default_cache().mkdir(parents=True, exist_ok=True)
            pixels = tempfile.TemporaryFile(dir=default_cache())  # noqa: SIM115
            for name, image in zip(names, images, strict=True):
                if isinstance(image, str):
                    corrupt[name] = image
                else:
                    pixels.write(image.tobytes())
            pixels.flush()
        except OSError as error:
            raise DataError(
                f"{default_cache()} cannot be written: {error.strerror or error}; "
                "set MULTIBETA_CACHE to a folder with space that can be written"
            ) from None
        if len(corrupt) > self.options.most_corrupt * len(names):
            first, reason = next(iter(corrupt.items()))
            pixels.close()
            raise DataError(
                f"{self.path}: {len(corrupt):,} of {len(names):,} images cannot be read, more than "
                f"most_corrupt = {self.options.most_corrupt:g}; the first is {first}: {reason}"
            )
        return pixels, corrupt


def _matched(table: Any, rows: tuple[str, ...], listed: list[str]) -> list[str]:
    """The image of each row, which names its file with its ending or without."""
    known = set(listed)
    without: dict[str, list[str]] = {}
    for name in listed:
        without.setdefault(str(PurePosixPath(name).with_suffix("")), []).append(name)
    found = [[row] if row in known else without.get(row, []) for row in rows]
    absent = [row for row, names in zip(rows, found, strict=True) if not names]
    if absent:
        raise DataError(
            f"{table}: {len(absent):,} of {len(rows):,} rows have no image, the first is {absent[0]}; "
            "take them out, or put the images there"
        )
    names = [names[0] for names in found]
    for row, several in zip(rows, found, strict=True):
        if len(several) > 1:
            raise DataError(f"{table}: {row} may be {' or '.join(several)}; write the ending too")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{table} has two rows for {name}")
    return names


def _chunks(pixels: IO[bytes], count: int, shape: tuple[int, int, int]) -> Iterator[NDArray[np.uint8]]:
    channels, height, width = shape
    row = channels * height * width
    with pixels:
        pixels.seek(0)
        step = at_once(row)
        for start in range(0, count, step):
            n = min(step, count - start)
            yield np.frombuffer(pixels.read(n * row), np.uint8).reshape(n, height, width, channels)
