"""Every metric asked of one model's material: the rows of metrics.csv and the matrices behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta import registry
from multibeta.files import ARRAY_DAMAGES, reading
from multibeta.metrics import Metric, NotComputed, Result
from multibeta.options import EvaluationOptions
from multibeta.results import CellFolder
from multibeta.stages.shared.material import Material

Rows = list[dict[str, Any]]
#: Matrices by ``<score>/<protocol>/<representation>/<name>``.
Matrices = dict[str, NDArray[Any]]


def metric_rows(material: Material, metric_names: Sequence[str]) -> tuple[Rows, Matrices]:
    """Every metric on the material: rows of metrics.csv from ``protocol`` on, and the matrices behind them."""
    rows: Rows = []
    matrices: Matrices = {}
    for name, protocol, representation in measurements(metric_names, material.options):
        metric: Metric = registry.find("metric", name)()
        settings = metric.recipes([protocol])[protocol]
        try:
            needs = {need: _need(material, need, representation) for need in metric.needs}
            measured = metric.measure(**needs, **settings)
        except NotComputed as reason:
            measured = dict.fromkeys(metric.all_scores(), reason)
        for score, result in _checked(metric, measured).items():
            rows += rows_of(protocol, representation, score, result)
            if isinstance(result, Result):
                place = f"{score}/{protocol}/{representation}"
                matrices |= {f"{place}/{array}": values for array, values in result.arrays.items()}
    return rows, matrices


def read_arrays(folder: CellFolder, seed: int) -> Matrices:
    """The matrices behind the scores of a run, by ``<score>/<protocol>/<representation>/<name>``; none if unmeasured.

    Raises:
        ValueError: the file is damaged.
    """
    if not folder.arrays.is_file():
        return {}
    prefix = f"seed{seed}/"
    with (
        reading(folder.arrays, ARRAY_DAMAGES),
        np.load(folder.arrays, allow_pickle=False) as stored,
    ):
        found = {name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)}
        for name, array in found.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
                raise ValueError(f"{prefix}{name} holds no numbers")
        return found


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


def measurements(metric_names: Sequence[str], options: EvaluationOptions) -> Iterator[tuple[str, str, str]]:
    """Metric, protocol and representation of everything that the options ask for."""
    for name in metric_names:
        metric: type[Metric] = registry.find("metric", name)
        for protocol, representation in product(metric.recipes(options.protocols), metric.representations()):
            yield name, protocol, representation


def rows_of(protocol: str, representation: str, score: str, result: Result | NotComputed) -> Rows:
    common: dict[str, Any] = {"protocol": protocol, "representation": representation, "metric": score}
    if isinstance(result, NotComputed):
        return [{**common, "n": 0, "status": f"not computed: {result}", "factor": "", "value": None}]
    common |= {"n": result.n, "status": "done"}
    return [{**common, "factor": part, "value": value} for part, value in {"": result.value, **result.parts}.items()]
