"""What of two studies may be compared: cells of one name, in columns that both have, if they mean one thing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from multibeta.report.equal_runs import ROUNDING, RUN
from multibeta.report.findings import CORE, CellKey, Column, Findings

#: A measure by `CellKey.place`, then by seed.
Values = dict[tuple[str, str, str], dict[int, float]]


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


def comparable(one: Findings, other: Findings, dataset: str, metric: str) -> list[CellKey]:
    """The common cells of a dataset in which a measure means the same."""
    return [cell for cell in common(one, other) if cell.dataset == dataset and not _obstacle(one, other, cell, metric)]


def obstacles(one: Findings, other: Findings) -> list[Obstacle]:
    """What is not compared though both studies have the cell, by reason; ``metrics`` are empty if it is every one."""
    found: dict[str, tuple[dict[str, None], dict[CellKey, None]]] = {}

    def add(reason: str, metric: str, cells: list[CellKey]) -> None:
        if reason and cells:
            metrics, of_reason = found.setdefault(reason, ({}, {}))
            metrics |= {metric: None}
            of_reason |= dict.fromkeys(cells)

    values = (values_of(one), values_of(other))
    for metric in CORE:
        for cell in common(one, other):
            add(_obstacle(one, other, cell, metric), metric, [cell])
        for dataset in one.datasets:
            cells = comparable(one, other, dataset, metric)
            if column_of_both(one, dataset, metric, cells, *values) is None:
                add(_no_column(one, other, dataset, metric), metric, cells)
    return [
        Obstacle(reason, [] if len(metrics) == len(CORE) else list(metrics), list(cells))
        for reason, (metrics, cells) in found.items()
    ]


def values_of(findings: Findings) -> dict[Column, Values]:
    """Every finite number of the core measures."""
    table = findings.metrics
    table = table[(table.factor == "") & (table.status == "done") & table.metric.isin(CORE)]
    table = table[np.isfinite(table.value.astype(float))]
    found: dict[Column, Values] = {}
    for row in table[[*Column._fields, *RUN, "value"]].itertuples(index=False, name=None):
        found.setdefault(Column(*row[:3]), {}).setdefault(row[3:6], {})[row[6]] = row[7]
    return found


def column_of_both(
    findings: Findings,
    dataset: str,
    metric: str,
    cells: list[CellKey],
    first: dict[Column, Values],
    second: dict[Column, Values],
) -> Column | None:
    """The first of the report's columns of a metric in which two studies have a pair of runs; None without any."""

    def paired(column: Column, cell: CellKey) -> bool:
        one, other = (each.get(column, {}).get(cell.place, {}) for each in (first, second))
        return not one.keys().isdisjoint(other)

    columns = [column for column in findings.columns(dataset) if column.metric == metric]
    return next((column for column in columns if any(paired(column, cell) for cell in cells)), None)


def _obstacle(one: Findings, other: Findings, cell: CellKey, metric: str) -> str:
    """Why a measure of two cells of one name means two things; empty if it means one."""
    if not _same_images(one, other, cell):
        return "the dataset of that name is another one"
    symbols = [each.symbols[cell.variant] for each in (one, other)]
    if symbols[0] != symbols[1]:
        return f"the strength is {symbols[0]} in {one.name} and {symbols[1]} in {other.name}"
    likelihoods = [_likelihood(each.specs[cell.place]["training"]) for each in (one, other)]
    if metric == "reconstruction" and likelihoods[0] != likelihoods[1]:
        return "nats of different likelihoods"
    floors: list[Any] = [each.calibrations.get(cell.dataset, {}).get("floor") for each in (one, other)]
    if metric == "fd_domain" and None not in floors and not math.isclose(*floors, rel_tol=ROUNDING):
        return "the networks whose features it is measured in are not the same"
    return ""


def _same_images(one: Findings, other: Findings, cell: CellKey) -> bool:
    """By the hashes of what was prepared, where it was; by plug-in and options elsewhere."""
    cards = [each.cards.get(cell.dataset, {}) for each in (one, other)]
    choices = [each.specs[cell.place]["dataset"] for each in (one, other)]
    alike = all(choices[0][name] == choices[1][name] for name in ("plug_in", "options"))
    if not all(cards):
        return alike
    # Derived images are made of stored ones as the options say, so that equal hashes are not enough.
    return bool(cards[0]["sha256"] == cards[1]["sha256"]) and (alike or not any(card.get("derived") for card in cards))


def _likelihood(training: Mapping[str, Any]) -> tuple[Any, ...]:
    return training["likelihood"], training["noise_std"] if training["likelihood"] == "gaussian" else None


def _no_column(one: Findings, other: Findings, dataset: str, metric: str) -> str:
    """Why no pair of runs has a measure in one column; empty if neither study has it at all."""
    columns = [[column for column in each.columns(dataset) if column.metric == metric] for each in (one, other)]
    has = [", ".join(f"{column.protocol} of {column.representation}" for column in each) for each in columns]
    if not any(has):
        return ""
    if not all(has):
        return f"only {(one if has[0] else other).name} has numbers"
    if has[0] == has[1]:
        return "no cell has a number for one seed in both"
    return f"measured otherwise: {has[0]} in {one.name}, {has[1]} in {other.name}"
