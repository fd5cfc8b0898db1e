"""Encode, evaluate and draw a trained cell in one process: three stages that are cheaper to start once."""

from __future__ import annotations

from collections.abc import Sequence

from multibeta.datasets import Dataset
from multibeta.results import CellFolder, data_folder
from multibeta.stages.draw import draw
from multibeta.stages.encode import EvaluationImages, encode, read_codes
from multibeta.stages.evaluate import evaluate
from multibeta.stages.features import learn_features
from multibeta.stages.specs import read_cell


def measure(folder: CellFolder, stages: Sequence[str]) -> None:
    """Run the named ones of encode, evaluate and draw on a trained cell, in this order and in this process.

    ``encode`` is skipped when its codes are newer than the models; by hand, missing features are learnt first.
    """
    cell = read_cell(folder)
    for made in (folder.cell, folder.models):
        if not made.is_file():
            raise FileNotFoundError(f"{folder.path}: not trained yet ({made.name} is missing); run multibeta train")
    data = data_folder(folder.root, cell.data_key)
    if "encode" in stages and not _encoded(folder):
        encode(folder)
    if "evaluate" in stages:
        if not (data / "features.safetensors").is_file():
            learn_features(data, data / "features.safetensors")
        evaluate(folder)
    if "draw" in stages:
        folder.figures.mkdir(exist_ok=True)
        if cell.evaluation.figures:
            draw(folder, Dataset(data))


def _encoded(folder: CellFolder) -> bool:
    """Do the codes belong to these models and these evaluation images?"""
    if not folder.codes.is_file() or folder.codes.stat().st_mtime < folder.models.stat().st_mtime:
        return False
    cell = read_cell(folder)
    wanted = EvaluationImages.choose(Dataset(data_folder(folder.root, cell.data_key)), cell.evaluation)
    found, _ = read_codes(folder)
    return bool(
        wanted.code_table.tolist() == found.code_table.tolist() and wanted.held_out.tolist() == found.held_out.tolist()
    )
