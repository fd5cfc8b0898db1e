"""Reads a CSV with one row for each image: the file's name, and columns of what is known of it."""

from __future__ import annotations

import csv
import itertools
from array import array
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError
from multibeta.registry import nearest

#: Where an image's file stands, if the option ``file_column`` does not say.
FILE_COLUMNS = ("file", "filename", "file_name", "image", "image_id", "path")


@dataclass(frozen=True)
class Column:
    """The different values of a column and, for each row (N,), which of them it has."""

    distinct: tuple[str, ...]
    codes: NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Rows sorted by file.

    Attributes:
        path: of the CSV.
        files: of the N rows: paths relative to the folder of images, with ``/``.
        columns: the others, by name.
    """

    path: Path
    files: tuple[str, ...]
    columns: dict[str, Column]

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            DataError: there is none.
        """
        if name not in self.columns:
            raise DataError(f"{self.path} has no column {name!r}{nearest(name, list(self.columns))}")
        return self.columns[name]


def read(path: Path, file_column: str | None = None) -> Table:
    """The table, its values kept once each, so that 200,000 rows of 40 columns take 64 MB.

    The delimiter is whichever of comma, semicolon and tab the first line holds most often.

    Raises:
        DataError: it cannot be read, has no column of files, an empty cell, a row of another length, or a file twice;
            one line with the number of the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            return _parse(path, csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True), file_column)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read as a table: save it as CSV in UTF-8 ({error})") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table: {getattr(error, 'strerror', None) or error}") from None


def _parse(path: Path, rows: Any, file_column: str | None) -> Table:
    header = [name.strip() for name in next(rows, [])]
    place = _file_place(path, header, file_column)
    files: list[str] = []
    values: list[dict[str, int]] = [{} for _ in header]
    codes = [array("q") for _ in header]
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise DataError(f"{path}, line {rows.line_num}: {len(row)} cells, but the first line names {len(header)}")
        for position, cell in enumerate(map(str.strip, row)):
            if not cell:
                raise DataError(f"{path}, line {rows.line_num}: column {header[position]} is empty; fill or drop it")
            if position == place:
                files.append(str(PurePosixPath(cell.replace("\\", "/"))))
            else:
                known = values[position]
                codes[position].append(known.setdefault(cell, len(known)))
    if not files:
        raise DataError(f"{path} has no rows below its first line")
    order = sorted(range(len(files)), key=files.__getitem__)
    for one, other in itertools.pairwise(order):
        if files[one] == files[other]:
            raise DataError(f"{path} has two rows for {files[one]}")
    columns = {
        name: Column(tuple(values[position]), np.frombuffer(codes[position], np.int64)[order])
        for position, name in enumerate(header)
        if position != place
    }
    return Table(path, tuple(files[position] for position in order), columns)


def _file_place(path: Path, header: list[str], file_column: str | None) -> int:
    if not header or "" in header or len(set(header)) < len(header):
        raise DataError(f"{path}: the first line must name every column, each once, found {header}")
    wanted = FILE_COLUMNS if file_column is None else (file_column,)
    for name in wanted:
        if name in header:
            return header.index(name)
    raise DataError(
        f"{path} has no column {' or '.join(wanted)} that names the image file; its columns are "
        f"{', '.join(header)}: say which with the option file_column"
    )
