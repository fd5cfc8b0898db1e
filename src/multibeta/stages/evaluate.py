"""Stage evaluate: every metric of every run of a cell."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from multibeta import registry
from multibeta.cell import Cell
from multibeta.files import replacing, write_json, write_rows
from multibeta.metrics import NotComputed
from multibeta.options import EvaluationOptions
from multibeta.records import CellRecord, read
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, CellFolder
from multibeta.stages.shared.codes import read_codes, require_all
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import Matrices, Rows, measurements, metric_rows, rows_of
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell
from multibeta.training.lock import unlocked


def evaluate(folder: CellFolder, require_ours: Callable[[], None] = unlocked) -> None:
    """Write ``metrics.csv``, ``repeats.csv``, ``arrays.npz`` and ``costs.json`` of an encoded cell.

    Args:
        require_ours: called before anything is written; what it raises prevents that.

    Raises:
        FileNotFoundError: the cell is not encoded, or its dataset's features are not learnt.
        ValueError: the codes are not of all finished runs of the cell.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    dataset = open_dataset(cell, folder.root)
    ended = read(folder.cell, CellRecord)["runs"]
    chosen, codes = read_codes(folder)
    real = Real(dataset, chosen, dataset.folder / "features.safetensors")
    rows: Rows = []
    repeats: Rows = []
    matrices: Matrices = {}
    costs = {}
    place = {"dataset": cell.dataset.name, "variant": cell.variant.name, "beta": cell.strength}
    with claim_device(cell.running.device) as device:
        runs = load_cell(folder, device)
        require_all(folder, codes, runs)

        def material(seed: int, options: EvaluationOptions) -> Material:
            siblings = [codes[other] for other in runs if other != seed]
            return Material(runs[seed], real, codes[seed], options, runs[seed].likelihood, siblings)

        for seed in cell.seeds:
            started = time.monotonic()
            if seed in runs:
                measured, found = metric_rows(material(seed, cell.evaluation), cell.metric_names)
                matrices |= {f"seed{seed}/{name}": matrix for name, matrix in found.items()}
                if seed == next(iter(runs)):
                    again = repeated_rows(measured, partial(material, seed), cell)
                    repeats = [{**place, "seed": seed, **row} for row in again]
            else:
                measured = rows_of_failed(cell, ended[str(seed)])
            rows += [{**place, "seed": seed, **row} for row in measured]
            costs[str(seed)] = time.monotonic() - started
    require_ours()
    with replacing(folder.arrays) as temporary:
        np.savez(temporary, allow_pickle=False, **matrices)
    write_rows(folder.repeats, REPEATS_COLUMNS, repeats)
    write_rows(folder.metrics, METRICS_COLUMNS, rows)
    runs_measured = {str(seed): ended[str(seed)]["fingerprint"] for seed in cell.seeds}
    write_json(folder.costs, {**costs, "evaluation": cell.evaluation_fingerprint, "runs": runs_measured})


def repeated_rows(measured: Rows, material: Callable[[EvaluationOptions], Material], cell: Cell) -> Rows:
    """The scores that rest on draws, by every seed of the metrics: those ``measured`` by the first, then by others."""
    drawn = [name for name in cell.metric_names if {"seed", "codes"} & set(registry.find("metric", name).needs)]
    seeds = range(cell.evaluation.seed, cell.evaluation.seed + cell.evaluation.metric_seeds)
    by_seed = {seeds[0]: measured}
    for seed in seeds[1:]:
        by_seed[seed] = metric_rows(material(cell.evaluation.model_copy(update={"seed": seed})), drawn)[0]
    scores = {score for name in drawn for score in registry.find("metric", name).all_scores()}
    columns = ("protocol", "representation", "metric", "value")
    return [
        {"metric_seed": seed, **{column: row[column] for column in columns}}
        for seed, rows in by_seed.items()
        for row in rows
        if row["metric"] in scores and row["factor"] == "" and row["status"] == "done"
    ]


def rows_of_failed(cell: Cell, run: dict[str, Any]) -> Rows:
    """The rows of a run that has no model: every metric says why."""
    reason = NotComputed(f"training {run['status']}: {run['reason']}")
    return [
        row
        for name, protocol, representation in measurements(cell.metric_names, cell.evaluation)
        for score in registry.find("metric", name).all_scores()
        for row in rows_of(protocol, representation, score, reason)
    ]
