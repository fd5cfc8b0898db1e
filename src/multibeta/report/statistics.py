"""Means, deviations and intervals over the seeds of a cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from multibeta.report.uncertainty import bootstrap

if TYPE_CHECKING:
    import pandas as pd

    from multibeta.report.findings import CellKey


class Summary(NamedTuple):
    """A row of summary.csv: what the runs of a cell have in common in one measure, or in one part of it."""

    dataset: str
    variant: str
    beta: str
    protocol: str
    representation: str
    metric: str
    factor: str
    mean: float
    std: float
    ci_low: float
    ci_high: float
    bootstrap_low: float
    bootstrap_high: float
    seeds: int
    excluded: int
    reason: str


SUMMARY_COLUMNS = Summary._fields
#: Means that are resampled at once, so that a million need no more memory than these.
AT_ONCE = 200


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float, float]:
    """Mean, standard deviation (n − 1) and the interval of Student's t over n independent seeds.

    The interval is of the mean over seeds: mean ± t(n − 1) · s / √n. With one value, deviation and interval are NaN;
    with none, all are.
    """
    from scipy.special import stdtrit

    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan, math.nan
    mean = math.fsum(values) / n
    if n == 1:
        return mean, math.nan, math.nan, math.nan
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * deviation / math.sqrt(n)
    return mean, deviation, mean - half, mean + half


def summarise(metrics: pd.DataFrame, cells: Iterable[CellKey]) -> pd.DataFrame:
    """One row per cell, metric, protocol, representation and factor: `SUMMARY_COLUMNS`.

    Only finite values of status ``done`` count. ``excluded`` is how many of the study's seeds have none (missing,
    diverged, not computed), ``reason`` why, most frequent first; they are never averaged in. Next to Student's interval
    stands the one by resampling the seeds, see `multibeta.report.uncertainty.bootstrap`.
    """
    import pandas as pd

    wanted = {cell.place: cell for cell in cells}
    # By cell in the order of the study, then in that of the rows.
    found: dict[Any, dict[Any, tuple[list[float], list[str]]]] = {place: {} for place in wanted}
    # Latents have no order that two seeds share: a mean over the seeds of "z3" would mean nothing.
    metrics = metrics[~metrics.factor.str.fullmatch(r"z\d+")].astype({"value": float})
    columns = (*SUMMARY_COLUMNS[:7], "value", "status")
    for *place, protocol, representation, metric, factor, value, status in table_rows(metrics, columns):
        if (of_cell := found.get(tuple(place))) is not None:
            key = protocol, representation, metric, factor
            values, reasons = of_cell.setdefault(key, ([], []))
            if status == "done" and math.isfinite(value):
                values.append(value)
            else:
                reasons.append(status if status != "done" else "not computed: the value is not finite")
    groups = [
        (place, key, values, reasons)
        for place, of_cell in found.items()
        for key, (values, reasons) in of_cell.items()
        # A metric that fails for one seed has no parts there, and none of its parts' rows for the seeds that failed.
        if values or key[-1] == ""
    ]
    resampled = _resampled([values for _, _, values, _ in groups])
    rows = [
        (
            *place,
            *key,
            *interval(values),
            *ends,
            len(values),
            len(wanted[place].seeds) - len(values),
            "; ".join(reason for reason, _ in Counter(reasons).most_common()),
        )
        for (place, key, values, reasons), ends in zip(groups, resampled, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def table_rows(table: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of some columns as tuples, in which equal texts are one object: a study may have millions of rows."""
    return zip(*(_values(table[name]) for name in names), strict=True)


def _values(column: pd.Series) -> list[Any]:
    if column.dtype.kind in "iuf":
        return column.tolist()
    codes, distinct = column.factorize(use_na_sentinel=False)
    values: list[Any] = np.asarray(distinct, dtype=object)[codes].tolist()
    return values


def _resampled(values: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The interval of each mean by resampling, some hundreds of equal length at once."""
    by_length: dict[int, list[int]] = {}
    for position, each in enumerate(values):
        by_length.setdefault(len(each), []).append(position)
    found = [(math.nan, math.nan)] * len(values)
    for positions in by_length.values():
        for start in range(0, len(positions), AT_ONCE):
            some = positions[start : start + AT_ONCE]
            for position, (low, high) in zip(some, bootstrap([values[i] for i in some]).tolist(), strict=True):
                found[position] = low, high
    return found
