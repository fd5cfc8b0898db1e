"""Prepare: from a dataset's name to a folder of arrays that every later step maps into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from multibeta import registry, results
from multibeta.config_errors import ConfigError, first_line
from multibeta.datasets import Arrays, DataError, Dataset, DatasetSource, _storage, grid_factors
from multibeta.datasets._sources import locate
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell, read_data_spec


def prepare(
    name: str, options: dict[str, Any], folder: Path, mirror: Path | None = None, cache: Path | None = None
) -> Dataset:
    """Write the dataset into ``folder``, unless the same is there already.

    ``card.json`` is written last: a folder with a card is whole.

    Args:
        name: of the dataset plug-in.
        options: its options.
        folder: gets images.npy, or bits.npy for black and white images, held_out.npy, card.json and, if the dataset has
            them, factors.npy and labels.npy.
        mirror: where source files are looked for first.
        cache: where downloaded source files are kept; default: see `multibeta.datasets._sources.locate`.

    Raises:
        PlugInError: there is no such dataset.
        ConfigError: an option is not allowed.
        DataError: a source file is missing or altered, or the plug-in's arrays are not what it declares.
        OSError: ``folder`` cannot be written.
    """
    source = _make(name, options)
    declared = _declaration(source)
    if _is_prepared(folder, declared):
        return Dataset(folder)
    arrays = source.build(locate(source, mirror, cache))
    check(source, arrays)
    if _is_prepared(folder, declared):  # by another process meanwhile
        return Dataset(folder)
    images = folder / (_storage.BITS if source.binary else _storage.BYTES)
    with results.replacing(images) as temporary:
        hashes = {images.stem: _write_images(source, arrays, temporary)}
        # Without its card the folder counts as unfinished while arrays of another content are replaced.
        for stale in ("card.json", "factors.npy", "labels.npy", _storage.BITS, _storage.BYTES):
            (folder / stale).unlink(missing_ok=True)
    hashes |= {key: _save(folder / f"{key}.npy", array) for key, array in _named(arrays).items()}
    sizes = {"images": len(arrays.held_out), "held_out": int(arrays.held_out.sum()), "extras": list(arrays.extras)}
    results.write_json(folder / "card.json", {**declared, **sizes, "sha256": hashes})
    return Dataset(folder)


def prepare_folder(folder: Path) -> Dataset:
    """Prepare the dataset that ``spec.json`` of the folder asks for, into that folder.

    Raises:
        FileNotFoundError: there is no spec in the folder; and as `prepare`.
    """
    spec = read_data_spec(folder)
    mirror = Path(spec["mirror"]) if spec["mirror"] else None
    return prepare(spec["dataset"]["plug_in"], spec["dataset"]["options"], folder, mirror)


def prepare_of_cell(folder: results.CellFolder) -> Dataset:
    """Prepare the dataset of a cell, unless it lies there already, and open it with the cell's split."""
    cell = read_cell(folder)
    prepare_folder(results.data_folder(folder.root, cell.data_key))
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


def _is_prepared(folder: Path, declared: dict[str, Any]) -> bool:
    try:
        card = results.read_json(folder / "card.json")
        arrays = [folder / f"{key}.npy" for key in card["sha256"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all(card.get(key) == value for key, value in declared.items()) and all(map(Path.is_file, arrays))


def _named(arrays: Arrays) -> dict[str, NDArray[Any]]:
    named: dict[str, NDArray[Any] | None] = {
        "held_out": arrays.held_out,
        "factors": arrays.factors,
        "labels": arrays.labels,
        **{f"extra_{name}": array for name, array in arrays.extras.items()},
    }
    return {key: array for key, array in named.items() if array is not None}


def _save(path: Path, array: NDArray[Any]) -> str:
    """Write the array and return the sha256 of its bytes in C order."""
    array = np.ascontiguousarray(array)
    with results.replacing(path) as temporary, temporary.open("wb") as file:
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
