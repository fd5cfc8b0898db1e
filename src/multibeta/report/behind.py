"""Which runs of a study are behind a number of its tables, and what the number is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from multibeta.report.comparisons import DISTORTIONS, RATES
from multibeta.report.findings import Column, Place

#: A row of a table as it is written.
Row = Mapping[str, str]
#: The seeds of every cell of the study.
Cells = Mapping[Place, Sequence[int]]
#: Columns that depend on every comparison of the dataset, kind and measure.
CORRECTED = "p_holm"


class Behind(NamedTuple):
    """What a number is, and the seeds of the cells that it is of.

    Attributes:
        measure: what of each run it is made of; None where that is more than one measure.
        factor: the part of the measure.
    """

    what: str
    cells: dict[Place, list[int]]
    measure: Column | None = None
    factor: str = ""


def behind(
    table: str, row: Row, column: str, rows: Callable[[], Iterable[Row]], cells: Cells, of_siblings: Collection[str]
) -> Behind:
    """What is behind a number.

    Args:
        table: one of `TABLES`.
        rows: all rows of the table.
        of_siblings: metrics that look at all seeds of a cell together.
    """
    dataset, variant, beta = (row.get(name, "") for name in ("dataset", "variant", "beta"))
    place = (dataset, variant, beta)
    found = _all([place], cells)
    if table == "runs.csv":
        what, found = f"{column} of {_cell(place)}, seed {row['seed']}", {place: [int(row["seed"])]}
    elif table == "metrics.csv":
        what = f"{_measure(row)} of {_cell(place)}, seed {row['seed']}"
        if row["metric"] in of_siblings:
            what += ", beside the other seeds of its cell"
        else:
            found = {place: [int(row["seed"])]}
    elif table == "summary.csv":
        what = f"{_measure(row)} of {_cell(place)}, over its seeds"
    elif table == "comparisons.csv":
        what = f"{_measure(row)}: {_compared(row)}"
        alike = [row]
        if column == CORRECTED:
            alike = [each for each in rows() if all(each[name] == row[name] for name in ("dataset", "kind", "metric"))]
            what += f", corrected over the {len(alike)} comparisons of its kind"
        found = {place: seeds for each in alike for place, seeds in _of_comparison(each, cells).items()}
    elif table == "rate.csv":
        ends = [place, (dataset, variant, row["next_beta"])]
        what = f"slope of reconstruction over kl of {dataset} {variant} from {beta} to {row['next_beta']}, within seeds"
        found = _in_common(ends, cells)
    elif table == "recommended.csv":
        what = f"the strength of {dataset} {variant} by {row['metric']}, within seeds"
        found = _all([each for each in cells if each[:2] == (dataset, variant)], cells)
    else:
        what = (
            f"the front of {row['measure']} and {row['other']} on {dataset}, {_cell(place)} held against all, by seed"
        )
        found = _all([each for each in cells if each[0] == dataset], cells)
    measure = Column(row["metric"], row["protocol"], row["representation"]) if "protocol" in row else None
    return Behind(what, found, measure, row.get("factor", ""))


#: The tables of a report whose rows have runs behind them.
TABLES = ("metrics.csv", "runs.csv", "summary.csv", "comparisons.csv", "rate.csv", "recommended.csv", "pareto.csv")


def _of_comparison(row: Row, cells: Cells) -> dict[Place, list[int]]:
    against = (row["dataset"], row["against_variant"], row["against_beta"])
    if row["kind"] in (RATES, DISTORTIONS):
        curve = [each for each in cells if each[:2] == (row["dataset"], row["variant"])]
        return _all([*curve, against], cells)
    return _in_common([(row["dataset"], row["variant"], row["beta"]), against], cells)


def _compared(row: Row) -> str:
    one = f"{row['dataset']} {row['variant']}" + (f" at {row['beta']}" if row["beta"] else ", read off its curve,")
    return f"{one} minus {row['against_variant']} at {row['against_beta']} within seeds ({row['kind']})"


def _all(places: Iterable[Place], cells: Cells) -> dict[Place, list[int]]:
    return {place: list(cells[place]) for place in places if place in cells}


def _in_common(places: Sequence[Place], cells: Cells) -> dict[Place, list[int]]:
    found = _all(places, cells)
    common = set.intersection(*map(set, found.values())) if found else set()
    return {place: [seed for seed in seeds if seed in common] for place, seeds in found.items()}


def _measure(row: Row) -> str:
    part = f", {row['factor']}" if row.get("factor") else ""
    return f"{row['metric']} ({row['protocol']}, {row['representation']}{part})"


def _cell(place: Place) -> str:
    return f"{place[0]} {place[1]} at {place[2]}"
