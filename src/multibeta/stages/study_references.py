"""The scores of codes without a model, kept beside a study's cells: measured once, by a job of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from multibeta.cell import Cell, fingerprint
from multibeta.results import StudyFolder, data_folder, read_json, write_json
from multibeta.stages.references import Scores, reference_scores


def write_references(folder: StudyFolder, dataset: str) -> Path:
    """Measure the references of a dataset of the study, as its first cell is measured, and write them.

    Raises:
        FileNotFoundError: there is no study in the folder, or the dataset is not prepared.
        ValueError: the study has no such dataset.
    """
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing)")
    specs = [spec for spec in read_json(folder.study)["cells"] if spec["dataset"]["name"] == dataset]
    if not specs:
        raise ValueError(f"study {folder.path.name} has no dataset {dataset!r}")
    cell = Cell.model_validate({name: value for name, value in specs[0].items() if name != "data_key"})
    cell.load_plugins()
    _measured(folder, cell)
    return folder.references(dataset)


def known_references(folder: StudyFolder, cell: Cell) -> dict[str, Scores]:
    """The references as written for a cell measured like this one; measured now if there are none."""
    path = folder.references(cell.dataset.name)
    if path.is_file():
        found = read_json(path)
        if found["fingerprint"] == _identity(folder, cell):
            return {
                title: {(row["metric"], row["protocol"], row["representation"]): row["value"] for row in rows}
                for title, rows in found["scores"].items()
            }
    return _measured(folder, cell)


def _measured(folder: StudyFolder, cell: Cell) -> dict[str, Scores]:
    scores = reference_scores(cell, data_folder(folder.root, cell.data_key))
    written: dict[str, list[dict[str, Any]]] = {
        title: [
            {"metric": metric, "protocol": protocol, "representation": representation, "value": value}
            for (metric, protocol, representation), value in of_title.items()
        ]
        for title, of_title in scores.items()
    }
    write_json(folder.references(cell.dataset.name), {"fingerprint": _identity(folder, cell), "scores": written})
    return scores


def _identity(folder: StudyFolder, cell: Cell) -> str:
    learnt = (data_folder(folder.root, cell.data_key) / "features.safetensors").is_file()
    return fingerprint([cell.evaluation_fingerprint, cell.data_key, cell.training.latents, learnt])
