"""Stage evaluate: every metric of every run of a cell; and the same for anybody's model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from multibeta import registry
from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.metrics import Metric, NotComputed, Result
from multibeta.options import EvaluationOptions
from multibeta.results import (
    METRICS_COLUMNS,
    REPEATS_COLUMNS,
    CellFolder,
    data_folder,
    read_json,
    reading,
    replacing,
    write_json,
    write_rows,
)
from multibeta.stages.encode import (
    read_codes,
)
from multibeta.stages.material import Material
from multibeta.stages.specs import read_cell

Rows = list[dict[str, Any]]
#: Matrices by ``<score>/<protocol>/<representation>/<name>``.
Matrices = dict[str, NDArray[Any]]


def measure(material: Material, metric_names: Sequence[str]) -> tuple[Rows, Matrices]:
    """Every metric on the material: rows of metrics.csv from ``protocol`` on, and the matrices behind them."""
    rows: Rows = []
    matrices: Matrices = {}
    for name, protocol, representation in _measurements(metric_names, material.options):
        metric: Metric = registry.find("metric", name)()
        settings = metric.recipes([protocol])[protocol]
        try:
            needs = {need: _need(material, need, representation) for need in metric.needs}
            measured = metric.measure(**needs, **settings)
        except NotComputed as reason:
            measured = dict.fromkeys(metric.all_scores(), reason)
        for score, result in _checked(metric, measured).items():
            rows += _rows(protocol, representation, score, result)
            if isinstance(result, Result):
                place = f"{score}/{protocol}/{representation}"
                matrices |= {f"{place}/{array}": values for array, values in result.arrays.items()}
    return rows, matrices


def evaluate(folder: CellFolder) -> None:
    """Write ``metrics.csv``, ``repeats.csv``, ``arrays.npz`` and ``costs.json`` of an encoded cell.

    Raises:
        FileNotFoundError: the cell is not encoded, or its dataset's features are not learnt.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    data = data_folder(folder.root, cell.data_key)
    dataset, ended = Dataset(data), read_json(folder.cell)["runs"]
    chosen, codes = read_codes(folder)
    rows: Rows = []
    repeats: Rows = []
    matrices: Matrices = {}
    costs = {}
    place = {"dataset": cell.dataset.name, "variant": cell.variant.name, "beta": cell.strength}
    with claim_device(cell.running.device) as device:
        runs = load_cell(folder, device)

        def material(seed: int, options: EvaluationOptions) -> Material:
            likelihood = (cell.training.likelihood, cell.training.noise_std)
            siblings = [codes[other] for other in runs if other != seed]
            features = data / "features.safetensors"
            return Material(runs[seed], dataset, chosen, codes[seed], options, features, likelihood, siblings)

        for seed in cell.seeds:
            started = time.monotonic()
            if seed in runs:
                measured, found = measure(material(seed, cell.evaluation), cell.metric_names)
                matrices |= {f"seed{seed}/{name}": matrix for name, matrix in found.items()}
                if seed == next(iter(runs)):
                    again = _repeated(measured, partial(material, seed), cell)
                    repeats = [{**place, "seed": seed, **row} for row in again]
            else:
                measured = _of_failed(cell, ended[str(seed)])
            rows += [{**place, "seed": seed, **row} for row in measured]
            costs[str(seed)] = time.monotonic() - started
    with replacing(folder.arrays) as temporary:
        np.savez(temporary, allow_pickle=False, **matrices)
    write_rows(folder.repeats, REPEATS_COLUMNS, repeats)
    write_rows(folder.metrics, METRICS_COLUMNS, rows)
    write_json(folder.costs, costs)


def read_arrays(folder: CellFolder, seed: int) -> Matrices:
    """The matrices behind the scores of a run, by ``<score>/<protocol>/<representation>/<name>``; none if unmeasured.

    Raises:
        ValueError: the file is damaged.
    """
    if not folder.arrays.is_file():
        return {}
    prefix = f"seed{seed}/"
    with (
        reading(folder.arrays, (BadZipFile, EOFError, ValueError)),
        np.load(folder.arrays, allow_pickle=False) as stored,
    ):
        return {name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)}


def _repeated(measured: Rows, material: Callable[[EvaluationOptions], Material], cell: Cell) -> Rows:
    """The scores that rest on draws, by every seed of the metrics: those ``measured`` by the first, then by others."""
    drawn = [name for name in cell.metric_names if {"seed", "codes"} & set(registry.find("metric", name).needs)]
    seeds = range(cell.evaluation.seed, cell.evaluation.seed + cell.evaluation.metric_seeds)
    by_seed = {seeds[0]: measured}
    for seed in seeds[1:]:
        by_seed[seed] = measure(material(cell.evaluation.model_copy(update={"seed": seed})), drawn)[0]
    scores = {score for name in drawn for score in registry.find("metric", name).all_scores()}
    columns = ("protocol", "representation", "metric", "value")
    return [
        {"metric_seed": seed, **{column: row[column] for column in columns}}
        for seed, rows in by_seed.items()
        for row in rows
        if row["metric"] in scores and row["factor"] == "" and row["status"] == "done"
    ]


def _need(material: Material, need: str, representation: str) -> Any:
    return material.codes(representation) if need == "codes" else getattr(material, need)


def _checked(metric: Metric, measured: Any) -> dict[str, Result | NotComputed]:
    """What a metric returned, by score; a number that is not finite becomes `NotComputed`.

    Raises:
        ValueError: it did not return a Result, or not one for each of its scores.
    """
    results = dict(measured) if isinstance(measured, Mapping) else {metric.name: measured}
    expected = metric.all_scores()
    if set(results) != set(expected) or not all(isinstance(each, Result | NotComputed) for each in results.values()):
        found = ", ".join(f"{name}: {type(each).__name__}" for name, each in results.items())
        raise ValueError(f"metric {metric.name} must return a Result for each of {', '.join(expected)}, found {found}")
    for name, result in results.items():
        if isinstance(result, Result) and not np.isfinite([result.value, *result.parts.values()]).all():
            results[name] = NotComputed(f"metric {metric.name} returned a number that is not finite")
    return results


def _measurements(metric_names: Sequence[str], options: EvaluationOptions) -> Iterator[tuple[str, str, str]]:
    """Metric, protocol and representation of everything that the options ask for."""
    for name in metric_names:
        metric: type[Metric] = registry.find("metric", name)
        for protocol, representation in product(metric.recipes(options.protocols), metric.representations()):
            yield name, protocol, representation


def _rows(protocol: str, representation: str, score: str, result: Result | NotComputed) -> Rows:
    common: dict[str, Any] = {"protocol": protocol, "representation": representation, "metric": score}
    if isinstance(result, NotComputed):
        return [{**common, "n": 0, "status": f"not computed: {result}", "factor": "", "value": None}]
    common |= {"n": result.n, "status": "done"}
    return [{**common, "factor": part, "value": value} for part, value in {"": result.value, **result.parts}.items()]


def _of_failed(cell: Cell, run: dict[str, Any]) -> Rows:
    """The rows of a run that has no model: every metric says why."""
    reason = NotComputed(f"training {run['status']}: {run['reason']}")
    return [
        row
        for name, protocol, representation in _measurements(cell.metric_names, cell.evaluation)
        for score in registry.find("metric", name).all_scores()
        for row in _rows(protocol, representation, score, reason)
    ]
