"""The scores of codes without a model, kept beside a study's cells: measured once, by a job of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multibeta.cell import Cell, fingerprint
from multibeta.results import StudyFolder, data_folder, read_json, write_json
from multibeta.stages.references import Scores, reference_scores


def write_references(folder: StudyFolder, dataset: str) -> Path:
    """Measure the references of a dataset of the study, as its cells are measured, and write them.

    Raises:
        FileNotFoundError: there is no study in the folder, or the dataset is not prepared.
        ValueError: the study has no such dataset.
    """
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing)")
    specs = [spec for spec in read_json(folder.study)["cells"] if spec["dataset"]["name"] == dataset]
    if not specs:
        raise ValueError(f"study {folder.path.name} has no dataset {dataset!r}")
    cells = [Cell.model_validate({name: value for name, value in spec.items() if name != "data_key"}) for spec in specs]
    cells[0].load_plugins()
    _measured(folder, cells)
    return folder.references(dataset)


def known_references(folder: StudyFolder, cells: Sequence[Cell]) -> dict[str, Scores]:
    """The references as written for these cells of one dataset; measured now if there are none."""
    path = folder.references(cells[0].dataset.name)
    if path.is_file():
        found = read_json(path)
        if found["fingerprint"] == _identity(folder, cells):
            return {
                title: {(row["metric"], row["protocol"], row["representation"]): row["value"] for row in rows}
                for title, rows in found["scores"].items()
            }
    return _measured(folder, cells)


def _measured(folder: StudyFolder, cells: Sequence[Cell]) -> dict[str, Scores]:
    """By title; with the number of latents in it where the cells differ in that, for scores depend on it."""
    data = data_folder(folder.root, cells[0].data_key)
    by_latents = {cell.training.latents: cell for cell in reversed(cells)}
    scores: dict[str, Scores] = {}
    for latents, cell in sorted(by_latents.items(), reverse=True):
        suffix = f", {latents} latents" if len(by_latents) > 1 else ""
        scores |= {title + suffix: found for title, found in reference_scores(cell, data).items()}
    written: dict[str, list[dict[str, Any]]] = {
        title: [
            {"metric": metric, "protocol": protocol, "representation": representation, "value": value}
            for (metric, protocol, representation), value in of_title.items()
        ]
        for title, of_title in scores.items()
    }
    path = folder.references(cells[0].dataset.name)
    write_json(path, {"fingerprint": _identity(folder, cells), "scores": written})
    return scores


def _identity(folder: StudyFolder, cells: Sequence[Cell]) -> str:
    learnt = (data_folder(folder.root, cells[0].data_key) / "features.safetensors").is_file()
    measured = sorted({(cell.evaluation_fingerprint, cell.training.latents) for cell in cells})
    return fingerprint([measured, cells[0].data_key, learnt])
