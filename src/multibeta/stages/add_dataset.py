"""Add and remove a user's own data by name: it is really read before it gets one."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multibeta import named_datasets, registry
from multibeta.config_errors import ConfigError
from multibeta.datasets import DataError
from multibeta.datasets._array_file import HDF5, NPZ
from multibeta.files import write_text
from multibeta.named_datasets import NamedDataset
from multibeta.option_values import NAME, NAMED
from multibeta.stages.prepare import examine
from multibeta.stages.shared.specs_by_hand import apply_settings

#: Facts of the card that the file of a name repeats.
FACTS = ("title", "licence", "images", "held_out", "shape", "factors", "classes", "left_out", "digests")


def add(path: Path, name: str | None = None, settings: Sequence[str] = ()) -> tuple[str, NamedDataset]:
    """Read the data at ``path`` and give it a name that studies and commands find it by.

    Adding the same place again reads it anew, with the options given now. Nothing is written unless all of it is read.

    Args:
        path: a folder of images, or an npz or HDF5 file.
        name: default: that of the folder or file.
        settings: options of the plug-in, such as ``size=32``.

    Raises:
        DataError: the data is missing or not usable; one line.
        ConfigError: an option or the name is not allowed, or the name is taken.
        OSError: the file of the name cannot be written.
    """
    plug_in = _plug_in(path)
    options: dict[str, Any] = {}
    apply_settings(options, settings)
    options = {"path": os.path.abspath(path.expanduser()), **options}
    if isinstance(options.get("attributes"), str):
        options["attributes"] = os.path.abspath(Path(options["attributes"]).expanduser())
    name = name or re.sub(r"[^A-Za-z0-9_-]+", "_", path.resolve().stem).strip("_-")
    _require_free(name, options["path"])
    card = examine(plug_in, options)
    named = NamedDataset(plug_in, options, {key: card[key] for key in FACTS if card.get(key)})
    write_text(named_datasets.file_of(name), named_datasets.text_of(named))
    return name, named


def remove(name: str) -> Path:
    """Forget a name; the data itself is left alone.

    Returns:
        The file that is gone.

    Raises:
        ConfigError: there is no such name.
    """
    path = named_datasets.file_of(name)
    if name not in named_datasets.names():
        known = named_datasets.names()
        hint = registry.nearest(name, known) if known else "; none was added"
        raise ConfigError(f"no data was added as {name!r}{hint}")
    path.unlink()
    return path


def describe(name: str, named: NamedDataset) -> str:
    """What was added, and how to use it."""
    facts = named.facts
    channels, height, width = facts["shape"]
    found = [f"{facts['images']:,} images of {height}×{width}×{channels}, {facts['held_out']:,} held out from training"]
    if "factors" in facts:
        found.append("factors " + ", ".join(f"{factor['name']} {factor['size']}" for factor in facts["factors"]))
    if "classes" in facts:
        found.append(f"{len(facts['classes'])} classes")
    if "left_out" in facts:
        found.append(f"{facts['left_out']['count']:,} left out")
    use = f"Use it as any other: `datasets: [{name}]` in a study, or multibeta train --dataset {name}."
    return f"{name}: {'; '.join(found)}.\n{use}\n{named_datasets.file_of(name)}"


def _plug_in(path: Path) -> str:
    path = path.expanduser()
    if path.is_dir():
        return "image_folder"
    if not path.exists():
        raise DataError(f"{path} does not exist; give a folder of images, or an npz or HDF5 file")
    if path.suffix.lower() in (*NPZ, *HDF5):
        return "arrays"
    endings = ", ".join((*NPZ, *HDF5))
    raise DataError(f"{path} is neither a folder of images nor a file of arrays, which ends in {endings}")


def _require_free(name: str, path: str) -> None:
    if not re.fullmatch(NAME, name):
        raise ConfigError(f"name {name!r}: must {NAMED}; give another with --name")
    if name in registry.names("dataset"):
        raise ConfigError(f"name {name!r}: is a dataset of this package already; give another with --name")
    taken = named_datasets.find(name)
    if taken is not None and taken.options.get("path") != path:
        there = taken.options.get("path")
        raise ConfigError(f"name {name!r}: is {there} already; give another with --name, or remove it first")
