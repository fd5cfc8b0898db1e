"""What codes and decoders without a model score: ceilings and floors, to read the scores of models against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta import registry
from multibeta.cell import Cell, fingerprint
from multibeta.datasets import Dataset
from multibeta.files import write_json
from multibeta.randomness import numpy_generator
from multibeta.records import ReferencesRecord, read, read_study
from multibeta.results import StudyFolder, data_folder
from multibeta.stages.shared.codes import Codes, EvaluationImages, float_images
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import metric_rows
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import cell_of

#: Value by metric, protocol and representation.
Scores = dict[tuple[str, str, str], float]


def write_references(folder: StudyFolder, dataset: str) -> Path:
    """Measure the references of a dataset of the study, as its cells are measured, and write them.

    Raises:
        FileNotFoundError: there is no study in the folder, or the dataset is not prepared.
        ValueError: the study has no such dataset.
    """
    cells = _cells_by_dataset(folder).get(dataset)
    if cells is None:
        raise ValueError(f"study {folder.path.name} has no dataset {dataset!r}")
    _measured(folder, cells)
    return folder.references(dataset)


def known_references(folder: StudyFolder) -> dict[str, dict[str, Scores]]:
    """The references of every prepared dataset of a study, by dataset and title; measured now where none are written.

    Raises:
        FileNotFoundError: there is no study in the folder.
    """
    prepared = {
        dataset: cells
        for dataset, cells in _cells_by_dataset(folder).items()
        if (data_folder(folder.root, cells[0].data_key) / "card.json").is_file()
    }
    return {dataset: _known(folder, cells) for dataset, cells in prepared.items()}


def _cells_by_dataset(folder: StudyFolder) -> dict[str, list[Cell]]:
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing)")
    found: dict[str, list[Cell]] = {}
    for spec in read_study(folder.study)["cells"]:
        cell = cell_of(folder, spec)
        found.setdefault(cell.dataset.name, []).append(cell)
    return found


def _known(folder: StudyFolder, cells: Sequence[Cell]) -> dict[str, Scores]:
    path = folder.references(cells[0].dataset.name)
    if path.is_file():
        found = read(path, ReferencesRecord)
        if found["fingerprint"] == _identity(folder, cells):
            return {
                title: {(row["metric"], row["protocol"], row["representation"]): row["value"] for row in rows}
                for title, rows in found["scores"].items()
            }
    return _measured(folder, cells)


def _measured(folder: StudyFolder, cells: Sequence[Cell]) -> dict[str, Scores]:
    """By title; with the number of latents in it where the cells differ in that, for scores depend on it."""
    dataset = open_dataset(cells[0], folder.root)
    by_latents = {cell.training.latents: cell for cell in reversed(cells)}
    scores: dict[str, Scores] = {}
    for latents, cell in sorted(by_latents.items(), reverse=True):
        suffix = f", {latents} latents" if len(by_latents) > 1 else ""
        scores |= {title + suffix: found for title, found in reference_scores(cell, dataset).items()}
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


@dataclass(frozen=True)
class Reference:
    """A model without parameters, which decodes to the dataset's own images.

    Attributes:
        codes: of the chosen images; an empty code table if there is nothing to tell about it.
        position: which image (B,) of the dataset codes (B, D) are decoded to.
    """

    dataset: Dataset
    codes: Codes
    position: Callable[[NDArray[Any]], NDArray[np.int64]]

    def decode(self, z: NDArray[Any], condition: None = None) -> NDArray[np.float32]:
        return float_images(self.dataset, self.position(z))


def reference_scores(cell: Cell, dataset: Dataset) -> dict[str, Scores]:
    """What the `references` of a dataset score by every metric of codes, and of traversals, that the cell measures.

    Traversals are decoded only if every combination of factors has an image and the dataset's features are learnt.
    """
    features = dataset.folder / "features.safetensors"
    decodes = dataset.card["grid"] and features.is_file()
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    real = Real(dataset, chosen, features)
    found: dict[str, Scores] = {}
    for title, reference in references(dataset, chosen, cell.training.latents, cell.evaluation.seed).items():
        given = {"codes"} if len(reference.codes.mean) else set()
        given |= {"traversals", "moved"} if decodes else set()
        names = [name for name in cell.metric_names if given & set(registry.find("metric", name).needs)]
        # It does not encode: its codes are given.
        model: Any = reference
        material = Material(model, real, reference.codes, cell.evaluation)
        rows = [row for row in metric_rows(material, names)[0] if row["factor"] == "" and row["status"] == "done"]
        found[title] = {(row["metric"], row["protocol"], row["representation"]): row["value"] for row in rows}
    return {title: scores for title, scores in found.items() if scores}


def references(dataset: Dataset, chosen: EvaluationImages, latents: int, seed: int) -> dict[str, Reference]:
    """The references of a dataset by title; none without factors and labels.

    ``perfect codes`` are the K factors, standardised, one latent each, beside latents of noise; the true renderer
    decodes them. In ``rotated perfect codes`` a random rotation mixes the latents of two factors or more, and the
    renderer turns them back first. ``random codes`` are noise alone, each decoded to any image. The ``constant
    decoder`` gives one image for all.

    Args:
        latents: how many; one more than there are factors at least.
    """
    columns = dataset.factors if dataset.factors is not None else dataset.labels
    if columns is None:
        return {}
    factors = columns.reshape(len(columns), -1)
    k, sizes = factors.shape[1], tuple(factors.max(0) + 1)
    mean, spread = factors.mean(0), factors.std(0).clip(min=1e-9)
    noise = [
        numpy_generator(seed, purpose).standard_normal((len(rows), max(latents, k + 1)), dtype=np.float32)
        for rows, purpose in ((chosen.code_table, "reference codes"), (chosen.held_out, "reference codes, held out"))
    ]

    def rendered(rotation: NDArray[np.float64]) -> Reference:
        codes = [
            np.hstack([((factors[rows] - mean) / spread @ rotation).astype(np.float32), beside[:, k:]])
            for rows, beside in zip((chosen.code_table, chosen.held_out), noise, strict=True)
        ]

        def nearest(z: NDArray[Any]) -> NDArray[np.int64]:
            values = np.rint(z[:, :k].astype(np.float64) @ rotation.T * spread + mean).astype(np.int64)
            return np.asarray(np.ravel_multi_index(tuple(values.T), sizes, mode="clip"))

        return Reference(dataset, _certain(*codes), nearest)

    def anywhere(z: NDArray[Any]) -> NDArray[np.int64]:
        digests = (hashlib.blake2b(code.tobytes(), digest_size=6).digest() for code in z)
        return np.array([int.from_bytes(digest, "big") for digest in digests]) % len(factors)

    found = {"perfect codes": rendered(np.eye(k))}
    if k > 1:
        rotation = np.linalg.qr(numpy_generator(seed, "reference rotation").standard_normal((k, k)))[0]
        found["rotated perfect codes"] = rendered(rotation)
    return found | {
        "random codes": Reference(dataset, _certain(*noise), anywhere),
        "constant decoder": Reference(dataset, _certain(noise[0][:0], noise[1]), lambda z: np.zeros(len(z), np.int64)),
    }


def _certain(code_table: NDArray[np.float32], held_out: NDArray[np.float32]) -> Codes:
    """Codes without variance: a sample of the posterior is its mean, so both representations score alike."""
    return Codes(code_table, np.full_like(code_table, -np.inf), held_out, np.full_like(held_out, -np.inf))
