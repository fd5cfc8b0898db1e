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
        gone: what the number is of too, and the study no longer has; of a curve or a choice, without a strength.
    """

    what: str
    cells: dict[Place, list[int]]
    measure: Column | None = None
    factor: str = ""
    gone: tuple[Place, ...] = ()


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
    named = [place]
    found = _all(named, cells)
    if table == "runs.csv":
        what, found = f"{column} of {cell_in_words(place)}, seed {row['seed']}", {place: [int(row["seed"])]}
    elif table == "metrics.csv":
        what = f"{_measure(row)} of {cell_in_words(place)}, seed {row['seed']}"
        if row["metric"] in of_siblings:
            what += ", beside the other seeds of its cell"
        else:
            found = {place: [int(row["seed"])]}
    elif table == "summary.csv":
        what = f"{_measure(row)} of {cell_in_words(place)}, over its seeds"
    elif table == "comparisons.csv":
        what = f"{_measure(row)}: {_compared(row)}"
        alike = [row]
        if column == CORRECTED:
            alike = [each for each in rows() if all(each[name] == row[name] for name in ("dataset", "kind", "metric"))]
            what += f", corrected over the {len(alike)} comparisons of its kind"
        named = [place for each in alike for place in _sides(each)]
        found = _together([_of_comparison(each, cells) for each in alike], cells)
    elif table == "rate.csv":
        named = [place, (dataset, variant, row["next_beta"])]
        what = f"slope of reconstruction over kl of {dataset} {variant} from {beta} to {row['next_beta']}, within seeds"
        found = _in_common(named, cells)
    elif table == "recommended.csv":
        what = f"the strength of {dataset} {variant} by {row['metric']}, within seeds"
        found = _of_choice([each for each in cells if each[:2] == (dataset, variant)], cells)
    else:
        what = (
            f"the front of {row['measure']} and {row['other']} on {dataset}, {cell_in_words(place)} held against all, "
            "by seed"
        )
        others = (each for each in rows() if all(each[name] == row[name] for name in ("dataset", "measure", "other")))
        named = [(dataset, each["variant"], each["beta"]) for each in others]
        found = _all([each for each in cells if each[0] == dataset], cells)
    measure = Column(row["metric"], row["protocol"], row["representation"]) if "protocol" in row else None
    gone = tuple(dict.fromkeys(place for place in named if not _is_in(place, cells)))
    return Behind(what, found, measure, row.get("factor", ""), gone)


#: The tables of a report whose rows have runs behind them.
TABLES = ("metrics.csv", "runs.csv", "summary.csv", "comparisons.csv", "rate.csv", "recommended.csv", "pareto.csv")


def cell_in_words(place: Place) -> str:
    """``digits beta_vae at 4``, or a dataset and a variant where there is no strength."""
    return " ".join(place[:2]) + (f" at {place[2]}" if place[2] else "")


def _sides(row: Row) -> list[Place]:
    """What a comparison holds against what."""
    one = (row["dataset"], row["variant"], row["beta"])
    return [one, (row["dataset"], row["against_variant"], row["against_beta"])]


def _of_comparison(row: Row, cells: Cells) -> dict[Place, list[int]]:
    one, against = _sides(row)
    if row["kind"] not in (RATES, DISTORTIONS):
        return _in_common([one, against], cells)
    # Each seed is read off its own curve, which may lack strengths.
    curve = [each for each in cells if each[:2] == one[:2]]
    wanted = cells.get(against, ())
    found = {place: [seed for seed in cells[place] if seed in wanted] for place in curve}
    read_off = {seed for seeds in found.values() for seed in seeds}
    return {**found, **({against: [seed for seed in wanted if seed in read_off]} if against in cells else {})}


def _of_choice(places: Sequence[Place], cells: Cells) -> dict[Place, list[int]]:
    """The strengths that one is chosen of: those with two seeds or more, by the seeds that all of them have."""
    counted = [place for place in places if len(cells[place]) > 1]
    return _in_common(counted, cells) if len(counted) > 1 else _all(places, cells)


def _compared(row: Row) -> str:
    one = f"{row['dataset']} {row['variant']}" + (f" at {row['beta']}" if row["beta"] else ", read off its curve,")
    return f"{one} minus {row['against_variant']} at {row['against_beta']} within seeds ({row['kind']})"


def _all(places: Iterable[Place], cells: Cells) -> dict[Place, list[int]]:
    return {place: list(cells[place]) for place in places if place in cells}


def _in_common(places: Sequence[Place], cells: Cells) -> dict[Place, list[int]]:
    found = _all(places, cells)
    common = set.intersection(*map(set, found.values())) if found else set()
    return {place: [seed for seed in seeds if seed in common] for place, seeds in found.items()}


def _together(parts: Iterable[Mapping[Place, Sequence[int]]], cells: Cells) -> dict[Place, list[int]]:
    """The cells of all parts, each with the seeds that it has in any of them."""
    found: dict[Place, set[int]] = {}
    for part in parts:
        for place, seeds in part.items():
            found.setdefault(place, set()).update(seeds)
    return {place: [seed for seed in cells[place] if seed in seeds] for place, seeds in found.items()}


def _is_in(place: Place, cells: Cells) -> bool:
    return place in cells if place[2] else any(each[:2] == place[:2] for each in cells)


def _measure(row: Row) -> str:
    part = f", {row['factor']}" if row.get("factor") else ""
    return f"{row['metric']} ({row['protocol']}, {row['representation']}{part})"
