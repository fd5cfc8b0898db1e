"""Two studies side by side, as tables: cells, options, and the differences of what is measured within seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from multibeta.report.equal_runs import ROUNDING, RUN, equal_runs
from multibeta.report.findings import CORE, CellKey, Column, Findings
from multibeta.report.paired import difference, holm

if TYPE_CHECKING:
    import pandas as pd

COMPARED_COLUMNS = (
    *("dataset", "variant", "beta", "metric", "protocol", "representation"),
    *("mean", "ci_low", "ci_high", "std", "p", "p_holm", "pairs", "same_runs"),
)
#: In a spec, but no option: the study's name, and what follows from other options.
NO_OPTIONS = ("study", "condition")

#: A measure by `CellKey.place`, then by seed.
Values = dict[tuple[str, str, str], dict[int, float]]


class Change(NamedTuple):
    """An option that the same cells of both studies have otherwise; a value is JSON, None where it is not set."""

    key: str
    before: str | None
    after: str | None
    cells: list[CellKey]


class Obstacle(NamedTuple):
    """Why measures of cells that both studies have are not compared."""

    reason: str
    metrics: list[str]
    cells: list[CellKey]


def common(one: Findings, other: Findings) -> list[CellKey]:
    """The cells of ``one`` that ``other`` has by the same names, whatever their options."""
    places = {cell.place for cell in other.cells}
    return [cell for cell in one.cells if cell.place in places]


def alone(one: Findings, other: Findings) -> list[CellKey]:
    """The cells that only ``one`` has."""
    places = {cell.place for cell in other.cells}
    return [cell for cell in one.cells if cell.place not in places]


def changes(one: Findings, other: Findings) -> list[Change]:
    """The options of common cells that differ, by key path; an equal change of many cells is one row."""
    found: dict[tuple[str, str | None, str | None], list[CellKey]] = {}
    for cell in common(one, other):
        before, after = (_flat({**each.specs[cell.place]}) for each in (one, other))
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key) and key not in NO_OPTIONS:
                found.setdefault((key, before.get(key), after.get(key)), []).append(cell)
    return [Change(*change, cells) for change, cells in found.items()]


def obstacles(one: Findings, other: Findings) -> list[Obstacle]:
    """What is not compared although both studies have the cell, by reason; ``metrics`` are empty if it is all of them."""
    found: dict[str, tuple[dict[str, None], dict[CellKey, None]]] = {}

    def add(reason: str, metric: str, cells: list[CellKey]) -> None:
        if reason and cells:
            metrics, of_reason = found.setdefault(reason, ({}, {}))
            metrics |= {metric: None}
            of_reason |= dict.fromkeys(cells)

    values = (_values(one), _values(other))
    for dataset in one.datasets:
        cells = [cell for cell in common(one, other) if cell.dataset == dataset]
        for metric in CORE:
            free = []
            for cell in cells:
                reason = _obstacle(one, other, cell, metric)
                add(reason, metric, [cell])
                free += [] if reason else [cell]
            if _column(one, dataset, metric, free, *values) is None:
                add(_no_column(one, other, dataset, metric), metric, free)
    return [
        Obstacle(reason, [] if len(metrics) == len(CORE) else list(metrics), list(cells))
        for reason, (metrics, cells) in found.items()
    ]


def differences_between(one: Findings, other: Findings) -> pd.DataFrame:
    """`COMPARED_COLUMNS`: each core measure of each common cell, ``other`` minus ``one``, paired by seed.

    A measure is compared by the first of the report's columns in which both studies have a pair of runs; numbers of
    different protocols or representations never meet. ``p_holm`` is corrected over the cells of one dataset and measure.
    ``same_runs`` is how many of the pairs are one run twice, whose difference is 0 unless its numbers disagree.
    """
    import pandas as pd

    values = [_values(each) for each in (one, other)]
    equal = equal_runs(one, other)
    named = equal[(equal.dataset == equal.dataset_there) & (equal.variant == equal.variant_there)]
    same = set(named[RUN].itertuples(index=False, name=None))
    rows: list[tuple[Any, ...]] = []
    for dataset in one.datasets:
        cells = [cell for cell in common(one, other) if cell.dataset == dataset]
        for metric in CORE:
            compared = [cell for cell in cells if not _obstacle(one, other, cell, metric)]
            column = _column(one, dataset, metric, compared, *values)
            if column is None:
                continue
            found = []
            for cell in compared:
                first, second = (each[column].get(cell.place, {}) for each in values)
                seeds = [seed for seed in first if seed in second]
                each = difference([second[seed] - first[seed] for seed in seeds])
                found.append((cell, each, sum((*cell.place, seed) in same for seed in seeds)))
            corrected = holm([each.p for _, each, _ in found])
            rows += [
                (*cell.place, *column, *each[:5], p_holm, each.pairs, again)
                for (cell, each, again), p_holm in zip(found, corrected, strict=True)
            ]
    return pd.DataFrame(rows, columns=list(COMPARED_COLUMNS))


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The leaves of nested mappings as JSON, by key path."""
    found: dict[str, str] = {}
    for key, held in value.items():
        if isinstance(held, Mapping):
            found |= _flat(held, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = json.dumps(held, ensure_ascii=False)
    return found


def _obstacle(one: Findings, other: Findings, cell: CellKey, metric: str) -> str:
    """Why a measure of two cells of one name means two things; empty if it means one."""
    first, second = (each.specs[cell.place] for each in (one, other))
    dataset = cell.dataset
    cards = [each.cards.get(dataset, {}) for each in (one, other)]
    alike = [(each["dataset"]["plug_in"], each["dataset"]["options"]) for each in (first, second)]
    by_hash = all(cards) and cards[0]["sha256"] == cards[1]["sha256"]
    derived = any(card.get("derived") for card in cards)
    # Derived images are made of stored ones as the options say, so that equal hashes are not enough.
    if (all(cards) and not by_hash) or (alike[0] != alike[1] and (derived or not by_hash)):
        return "the dataset of that name is another one"
    symbols = [each.symbols[cell.variant] for each in (one, other)]
    if symbols[0] != symbols[1]:
        return f"the strength is {symbols[0]} in one and {symbols[1]} in the other"
    if metric == "reconstruction" and _likelihood(first) != _likelihood(second):
        return "nats of different likelihoods"
    floors = [each.calibrations.get(dataset, {}).get("floor") for each in (one, other)]
    if metric == "fd_domain" and None not in floors and not math.isclose(*floors, rel_tol=ROUNDING):
        return "the networks whose features it is measured in are not the same"
    return ""


def _likelihood(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    training = spec["training"]
    return training["likelihood"], training["noise_std"] if training["likelihood"] == "gaussian" else None


def _values(findings: Findings) -> dict[Column, Values]:
    """Every finite number without parts."""
    table = findings.metrics
    table = table[(table.factor == "") & (table.status == "done") & np.isfinite(table.value)]
    found: dict[Column, Values] = {}
    for row in table[[*Column._fields, *RUN, "value"]].itertuples(index=False, name=None):
        found.setdefault(Column(*row[:3]), {}).setdefault(row[3:6], {})[row[6]] = row[7]
    return found


def _column(
    findings: Findings,
    dataset: str,
    metric: str,
    cells: list[CellKey],
    first: dict[Column, Values],
    second: dict[Column, Values],
) -> Column | None:
    def paired(column: Column, cell: CellKey) -> bool:
        one, other = (each.get(column, {}).get(cell.place, {}) for each in (first, second))
        return not one.keys().isdisjoint(other)

    columns = [column for column in findings.columns(dataset) if column.metric == metric]
    return next((column for column in columns if any(paired(column, cell) for cell in cells)), None)


def _no_column(one: Findings, other: Findings, dataset: str, metric: str) -> str:
    """Why no pair of runs has a measure in one column; empty if neither study has it at all."""
    has = [
        ", ".join(
            f"{column.protocol}, {column.representation}" for column in each.columns(dataset) if column.metric == metric
        )
        for each in (one, other)
    ]
    if not any(has):
        return ""
    if not all(has):
        return f"only {(one if has[0] else other).name} has numbers"
    if has[0] == has[1]:
        return "no cell has a number for one seed in both"
    return f"measured by other protocols: {has[0]} in {one.name}, {has[1]} in {other.name}"
