"""Encode, evaluate and draw a trained cell in one process: three stages that are cheaper to start once.

Starting a process that imports PyTorch takes longer than measuring a small model. So the pipeline lets the process that
has trained a cell measure it at once and set the results aside, where `measure` finds them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from multibeta.cell import Cell
from multibeta.files import ARRAY_DAMAGES, reading
from multibeta.records import CellRecord, read
from multibeta.results import CellFolder, data_folder
from multibeta.stages.encode import encode
from multibeta.stages.shared.codes import MODELS, EvaluationImages, hash_of_models
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell
from multibeta.training.lock import run_lock, unlocked

STAGES = ("encode", "evaluate", "draw")


def measure(folder: CellFolder, stages: Sequence[str] = STAGES, require_ours: Callable[[], None] = unlocked) -> None:
    """Run the named ones of encode, evaluate and draw on a trained cell, in this order and in this process.

    ``encode`` is skipped when there are codes of just these models; by hand, missing features are learnt first. A study
    may do without figures; asked for by ``draw`` and not by all stages, they are drawn all the same.

    Args:
        require_ours: called before anything is written; what it raises prevents that.

    Raises:
        FileNotFoundError: the cell is not trained.
        ValueError: it holds other runs than its spec asks for, or codes of other models, which are not encoded anew.
    """
    from multibeta.stages.draw import draw
    from multibeta.stages.evaluate import evaluate
    from multibeta.stages.features import learn_features

    cell = read_cell(folder)
    for made in (folder.cell, folder.models):
        if not made.is_file():
            raise FileNotFoundError(f"{folder.path}: not trained yet ({made.name} is missing); run multibeta train")
    _require_asked(folder, cell)
    data = data_folder(folder.root, cell.data_key)
    features = data / "features.safetensors"
    if not _encoded(folder, cell):
        if "encode" in stages:
            encode(folder, require_ours)
        elif folder.codes.is_file():
            raise ValueError(f"{folder.codes}: of other models or images; run multibeta encode {folder.path} first")
    if "evaluate" in stages:
        if not features.is_file():
            learn_features(data, features)
        evaluate(folder, require_ours)
    if "draw" in stages:
        folder.figures.mkdir(exist_ok=True)
        if cell.evaluation.figures or tuple(stages) != STAGES:
            draw(folder, open_dataset(cell, folder.root), require_ours)


def _require_asked(folder: CellFolder, cell: Cell) -> None:
    runs = read(folder.cell, CellRecord)["runs"]
    for seed in cell.seeds:
        found = runs.get(str(seed))
        if found is None or found["fingerprint"] != cell.run_fingerprint(seed):
            what = "not trained yet" if found is None else "trained from another spec, as multibeta why tells"
            raise ValueError(f"{folder.path}: seed {seed} is {what}; run multibeta train {folder.path}")


def measure_ahead(folder: CellFolder, require_ours: Callable[[], None] = unlocked) -> None:
    """Measure a cell that was just trained and set the results aside, if its dataset's features are learnt already."""
    aside = _aside(folder)
    if aside is None or _is_measured(folder, aside):
        return
    measure(folder, STAGES, require_ours)
    if _aside(folder) != aside:
        return  # the spec was written anew meanwhile, and nobody knows which one they were measured by
    require_ours()
    shutil.rmtree(aside.parent, ignore_errors=True)
    aside.mkdir(parents=True)
    for made in folder.measures:
        made.rename(aside / made.name)


def take_measured(folder: CellFolder, require_ours: Callable[[], None] = unlocked) -> bool:
    """Put results that were set aside for this very cell in their place; False if there are none."""
    aside = _aside(folder)
    if aside is None or not _is_measured(folder, aside):
        return False
    require_ours()
    shutil.rmtree(folder.figures, ignore_errors=True)
    for made in folder.measures:
        (aside / made.name).rename(made)
    shutil.rmtree(aside.parent)
    return True


@contextmanager
def only_process(folder: CellFolder, on_wait: Callable[[], None] = lambda: None) -> Iterator[Callable[[], None]]:
    """Hold a cell against every other process, such as a trainer that has outlived its Snakemake.

    Args:
        on_wait: called every second while waiting; what it raises ends the wait.

    Yields:
        What raises `multibeta.training.lock.LockLost` once another process has taken the cell over.

    Raises:
        FileNotFoundError: there is no spec in the folder.
        OSError: the folder cannot be written.
    """
    read_cell(folder)
    with run_lock(folder.path, on_wait) as require_ours:
        yield require_ours


def _is_measured(folder: CellFolder, aside: Path) -> bool:
    return all((aside / made.name).exists() for made in folder.measures)


def _aside(folder: CellFolder) -> Path | None:
    """Where results are set aside: under all that they are made from, and no times; None while something is missing."""
    cell = read_cell(folder)
    features = data_folder(folder.root, cell.data_key) / "features.safetensors"
    if not all(path.is_file() for path in (features, folder.models, folder.cell)):
        return None
    runs = read(folder.cell, CellRecord)["runs"]
    ends = {seed: [run["fingerprint"], run["status"], run["reason"]] for seed, run in runs.items()}
    made_from = hashlib.sha256(json.dumps(ends, sort_keys=True).encode())
    for path in (features, folder.models):
        with path.open("rb") as file:
            made_from.update(hashlib.file_digest(file, "sha256").digest())
    name = f"{cell.training_fingerprint}-{cell.evaluation_fingerprint}-{made_from.hexdigest()[:16]}"
    return folder.path / ".measured" / name


def _encoded(folder: CellFolder, cell: Cell) -> bool:
    """Do the codes belong to these models and these evaluation images?"""
    if not folder.codes.is_file():
        return False
    wanted = EvaluationImages.choose(open_dataset(cell, folder.root), cell.evaluation)
    with reading(folder.codes, ARRAY_DAMAGES), np.load(folder.codes, allow_pickle=False) as found:
        if MODELS not in found or not np.array_equal(found[MODELS], hash_of_models(folder)):
            return False
        return all(name in found and np.array_equal(found[name], rows) for name, rows in vars(wanted).items())
