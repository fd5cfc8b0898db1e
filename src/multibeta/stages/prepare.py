"""Prepare: from a dataset's name to a folder of arrays that every later step maps into memory."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from multibeta import registry
from multibeta.cell import Choice
from multibeta.config_errors import ConfigError, first_line
from multibeta.datasets import Arrays, DataError, Dataset, DatasetSource, _storage, grid_factors
from multibeta.datasets._sources import Mirror, locate
from multibeta.files import read_json, reading, replacing, write_json, write_rows
from multibeta.results import CellFolder, data_folder
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell, read_data_spec
from multibeta.training.lock import run_lock

#: Names of what is left out that a card repeats.
MOST_NAMED = 20


def prepare(
    name: str, options: dict[str, Any], folder: Path, mirror: Mirror | None = None, cache: Path | None = None
) -> Dataset:
    """Write the dataset into ``folder``, unless the same is there already.

    ``card.json`` is written last: a folder with a card is whole.

    Args:
        name: of the dataset plug-in.
        options: its options.
        folder: gets images.npy, or bits.npy for black and white images, held_out.npy, card.json and, if the dataset has
            them, factors.npy, labels.npy and left_out.csv.
        mirror: where source files are looked for first: a folder, or the address of one.
        cache: where downloaded source files are kept; default: see `multibeta.datasets._sources.locate`.

    Raises:
        PlugInError: there is no such dataset.
        ConfigError: an option is not allowed.
        DataError: a source file is missing or altered, or the plug-in's arrays are not what it declares.
        OSError: ``folder`` cannot be written.
    """
    source = _make(name, options)
    declared = _declaration(source)
    if _is_prepared(folder, declared, source.identity_exclude):
        return Dataset(folder)
    files = locate(source, mirror, cache)
    arrays = source.build(files)
    check(source, arrays)
    with run_lock(folder):
        if not _is_prepared(folder, declared, source.identity_exclude):  # by another process meanwhile
            _write(folder, source, arrays, declared, files)
    return Dataset(folder)


def _write(
    folder: Path, source: DatasetSource, arrays: Arrays, declared: dict[str, Any], files: dict[str, Path]
) -> None:
    images = folder / (_storage.BITS if source.binary else _storage.BYTES)
    with replacing(images) as temporary:
        hashes = {images.stem: _write_images(source, arrays, temporary)}
        # Without its card the folder counts as unfinished while arrays of another content are replaced.
        for stale in ("card.json", "factors.npy", "labels.npy", _storage.BITS, _storage.BYTES):
            (folder / stale).unlink(missing_ok=True)
    hashes |= {key: _save(folder / f"{key}.npy", array) for key, array in _named(arrays).items()}
    _name_left_out(arrays.left_out, folder / "left_out.csv")
    used = {"source_files": {name: _sha256(path) for name, path in files.items()}}
    write_json(folder / "card.json", {**declared, **_found(source, arrays), **used, "sha256": hashes})


def examine(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Read a dataset of one's own as `prepare` does, but keep nothing of it: its card, without hashes of arrays.

    Raises:
        As `prepare`.
    """
    source = _make(name, options)
    declared = _declaration(source)
    arrays = source.build({})
    check(source, arrays)
    _write_images(source, arrays, Path(os.devnull))
    return {**declared, **_found(source, arrays)}


def prepare_folder(folder: Path) -> Dataset:
    """Prepare the dataset that ``spec.json`` of the folder asks for, into that folder.

    Raises:
        FileNotFoundError: there is no spec in the folder; and as `prepare`.
        ValueError: the spec gives options that the dataset does not take.
    """
    spec = read_data_spec(folder)
    choice = Choice(name=folder.name, plug_in=spec["dataset"]["plug_in"], options=spec["dataset"]["options"])
    with reading(folder / "spec.json"):
        choice.make("dataset")
    return prepare(choice.plug_in, choice.options, folder, spec["mirror"])


def prepare_of_cell(folder: CellFolder) -> Dataset:
    """Prepare the dataset of a cell, unless it lies there already, and open it with the cell's split."""
    cell = read_cell(folder)
    prepare_folder(data_folder(folder.root, cell.data_key))
    return open_dataset(cell, folder.root)


def check(source: DatasetSource, arrays: Arrays) -> None:
    """Compare what a plug-in built with what it declares; images that come in chunks are compared as they come.

    Raises:
        DataError: the first difference, in one line.
    """
    count = len(arrays.held_out)
    if isinstance(arrays.images, np.ndarray):
        count = len(arrays.images)
        _check_images(source, arrays.images)
    _expect(source, "held_out", arrays.held_out, np.bool_, (count,))
    if not 0 < arrays.held_out.sum() < count:
        _fail(source, f"holds out {arrays.held_out.sum()} of {count} images; some must be, and some must not")
    if (arrays.factors is None) != (not source.factors):
        _fail(source, f"declares {len(source.factors)} factors, but build returns {_presence(arrays.factors)}")
    if (arrays.labels is None) != (not source.classes):
        _fail(source, f"declares {len(source.classes)} classes, but build returns {_presence(arrays.labels)}")
    if arrays.factors is not None:
        _expect(source, "factors", arrays.factors, np.int64, (count, len(source.factors)))
        for factor, column in zip(source.factors, arrays.factors.T, strict=True):
            _expect_values(source, f"factor {factor.name}", column, factor.size)
    if arrays.labels is not None:
        _expect(source, "labels", arrays.labels, np.int64, (count,))
        _expect_values(source, "labels", arrays.labels, len(source.classes))
    if source.grid and (arrays.factors is None or not np.array_equal(arrays.factors, grid_factors(source.factors))):
        _fail(source, "declares grid, but its factors are not every combination once with the last factor fastest")


def _check_images(source: DatasetSource, images: NDArray[np.uint8]) -> None:
    channels, height, width = source.stored_shape
    _expect(source, "images", images, np.uint8, (len(images), height, width, channels))
    if source.binary and not ((images == 0) | (images == 255)).all():
        _fail(source, "declares binary, but build returns images with values other than 0 and 255")


def _write_images(source: DatasetSource, arrays: Arrays, path: Path) -> str:
    """Write the images, chunk by chunk, and return the sha256 of the array in the file."""

    def checked() -> Iterator[NDArray[np.uint8]]:
        for chunk in _storage.in_chunks(arrays.images):
            if not isinstance(arrays.images, np.ndarray):
                _check_images(source, chunk)
            yield chunk

    channels, height, width = source.stored_shape
    try:
        return _storage.write(path, checked(), len(arrays.held_out), (height, width, channels), source.binary)
    except ValueError as error:
        _fail(source, f"build returns {error}")


def _make(name: str, options: dict[str, Any]) -> DatasetSource:
    plug_in = registry.find("dataset", name)
    try:
        made: DatasetSource = plug_in(plug_in.Options.model_validate(options))
    except ValidationError as error:
        raise ConfigError(f"dataset {name}: {first_line(error, plug_in.Options)}") from None
    return made


def _declaration(source: DatasetSource) -> dict[str, Any]:
    """The part of the card that is known before anything is built."""
    return {
        "name": source.name,
        "title": source.title,
        "licence": source.licence,
        "source": source.source,
        "citation": source.citation,
        "plug_in": source.identity(),
        "options": source.options.model_dump(mode="json"),
        "shape": list(source.shape),
        "stored_shape": list(source.stored_shape),
        "binary": source.binary,
        "derived": source.derives(),
        "factors": [{"name": f.name, "size": f.size, "kind": f.kind} for f in source.factors],
        "classes": list(source.classes),
        "grid": source.grid,
        "files": [{"name": file.name, "url": file.url, "digest": file.digest} for file in source.files],
        "digests": source.digests(),
    }


def _is_prepared(folder: Path, declared: dict[str, Any], exclude: frozenset[str]) -> bool:
    """Does the folder hold what is declared, apart from options such as a title or where files lie?"""
    try:
        card = read_json(folder / "card.json")
        arrays = [folder / f"{key}.npy" for key in card["sha256"]]
        found, wanted = ({**facts, "options": _without(facts["options"], exclude)} for facts in (card, declared))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return all(found.get(key) == value for key, value in _without(wanted, exclude).items()) and all(
        map(Path.is_file, arrays)
    )


def _without(facts: dict[str, Any], exclude: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in exclude}


def _found(source: DatasetSource, arrays: Arrays) -> dict[str, Any]:
    """The part of the card that is known once all is read; what is left out is told on stderr too."""
    found: dict[str, Any] = {"images": len(arrays.held_out), "held_out": int(arrays.held_out.sum())}
    found["extras"] = list(arrays.extras)
    if arrays.left_out:
        count, total = len(arrays.left_out), len(arrays.left_out) + len(arrays.held_out)
        first = {_legible(name): reason for name, reason in itertools.islice(arrays.left_out.items(), MOST_NAMED)}
        some = "; ".join(f"{name}: {reason}" for name, reason in itertools.islice(first.items(), 3))
        more = "; all in left_out.csv of the prepared dataset" if count > 3 else ""
        print(f"{source.title}: {count:,} of {total:,} images left out: {some}{more}", file=sys.stderr)
        found["left_out"] = {"count": count, "first": first}
    return found


def _name_left_out(left_out: dict[str, str], path: Path) -> None:
    path.unlink(missing_ok=True)
    if left_out:
        rows = ({"name": _legible(name), "reason": reason} for name, reason in left_out.items())
        write_rows(path, ["name", "reason"], rows)


def _legible(name: str) -> str:
    """A file's name in one line of UTF-8: what it holds beside is written as its number."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def _named(arrays: Arrays) -> dict[str, NDArray[Any]]:
    named: dict[str, NDArray[Any] | None] = {
        "held_out": arrays.held_out,
        "factors": arrays.factors,
        "labels": arrays.labels,
        **{f"extra_{name}": array for name, array in arrays.extras.items()},
    }
    return {key: array for key, array in named.items() if array is not None}


def _sha256(path: Path) -> str:
    """Of the file as it is, whatever hash its source publishes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(path: Path, array: NDArray[Any]) -> str:
    """Write the array and return the sha256 of its bytes in C order."""
    array = np.ascontiguousarray(array)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return hashlib.sha256(array.data).hexdigest()


def _expect(source: DatasetSource, what: str, array: NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        found = f"{array.dtype} {array.shape}"
        _fail(source, f"{what} must be {np.dtype(dtype)} {shape}, build returns {found}")


def _expect_values(source: DatasetSource, what: str, values: NDArray[np.int64], size: int) -> None:
    found = np.unique(values)
    if not np.array_equal(found, np.arange(size)):
        _fail(
            source,
            f"{what} must take every value 0 … {size - 1}, build returns {len(found)} values "
            f"from {found.min()} to {found.max()}",
        )


def _presence(array: NDArray[Any] | None) -> str:
    return "none" if array is None else "some"


def _fail(source: DatasetSource, message: str) -> NoReturn:
    raise DataError(f"dataset {source.name}: {message}")
