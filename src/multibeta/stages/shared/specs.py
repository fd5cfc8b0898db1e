"""The specs that jobs start from: written once for a whole study, read by every stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from multibeta import registry
from multibeta.cell import Cell
from multibeta.files import read_json, write_text
from multibeta.records import DataSpecRecord, read
from multibeta.results import CellFolder, StudyFolder, data_folder
from multibeta.study import FOLLOWS, Study


def write_specs(study: Study, root: Path) -> None:
    """Write ``study.json`` and the spec of every cell and dataset, leaving those alone that say the same already."""
    _write_if_changed(study.folder(root).study, study.resolved())
    for cell in study.cells:
        _write_if_changed(cell.folder(root).spec, cell.model_dump(mode="json"))
        write_data_spec(cell, root)


def write_data_spec(cell: Cell, root: Path) -> Path:
    """Write what the cell's dataset is made from into the folder it is prepared in, and return the folder."""
    folder = data_folder(root, cell.data_key)
    spec = {"dataset": cell.dataset.model_dump(exclude={"name"}), "plugins": cell.plugins, "mirror": cell.mirror}
    _write_if_changed(folder / "spec.json", spec)
    return folder


def read_data_spec(folder: Path) -> dict[str, Any]:
    """What a dataset is prepared from: its name and options, and the mirror; its plug-ins are loaded.

    Raises:
        FileNotFoundError: there is no spec in the folder.
        ValueError: it is damaged.
    """
    path = folder / "spec.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder}: no dataset there (spec.json is missing); use multibeta prepare --dataset NAME"
        )
    spec = read(path, DataSpecRecord)
    for plugin in spec["plugins"]:
        registry.load_file(plugin)
    return spec


def read_cell(folder: CellFolder) -> Cell:
    """The cell's spec, its plug-ins loaded.

    Raises:
        FileNotFoundError: there is no spec in the folder.
        ValueError: it is damaged, or asks for what is not here; the message names it.
    """
    if not folder.spec.is_file():
        raise FileNotFoundError(
            f"{folder.path}: no cell there (spec.json is missing); give results/<study>/cells/<…>/beta~<β>"
        )
    return Cell.of(read_json(folder.spec), folder.spec, folder)


def require_planned(place: Path, found: str, planned: str | None) -> None:
    """Refuse to work from a spec that is not the one a job was planned with, since it is written anew by every start.

    Args:
        place: where the spec lies.
        found: fingerprint of what it asks for.
        planned: what the job was given; None: it was started by hand.

    Raises:
        ValueError: they differ.
    """
    if planned not in (None, found):
        raise ValueError(f"{place}: another start has changed what it asks for since this job was planned; start again")


def cell_of(study: StudyFolder, spec: dict[str, Any]) -> Cell:
    """A cell of study.json, its plug-ins loaded.

    Raises:
        ValueError: as `read_cell`.
    """
    return Cell.of({name: value for name, value in spec.items() if name not in FOLLOWS}, study.study, study)


def _write_if_changed(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
