"""Means, deviations and intervals over the seeds of a cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from multibeta.report.uncertainty import bootstrap

if TYPE_CHECKING:
    import pandas as pd

    from multibeta.report.findings import CellKey

SUMMARY_COLUMNS = (
    "dataset",
    "variant",
    "beta",
    "protocol",
    "representation",
    "metric",
    "factor",
    "mean",
    "std",
    "ci_low",
    "ci_high",
    "bootstrap_low",
    "bootstrap_high",
    "seeds",
    "excluded",
    "reason",
)


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

    # Latents have no order that two seeds share: a mean over the seeds of "z3" would mean nothing.
    metrics = metrics[~metrics.factor.str.fullmatch(r"z\d+")]
    keys = ["protocol", "representation", "metric", "factor"]
    rows: list[tuple[object, ...]] = []
    groups: dict[Any, pd.DataFrame] = dict(iter(metrics.groupby(["dataset", "variant", "beta"], sort=False)))
    for cell in cells:
        if cell.place not in groups:
            continue
        for key, group in groups[cell.place].groupby(keys, sort=False):
            usable = (group.status == "done") & group.value.notna() & (group.value.abs() < math.inf)
            values = group.value[usable].tolist()
            reasons = group.status[~usable].replace("done", "not computed: the value is not finite")
            reason = "; ".join(reasons.value_counts(sort=True).index)
            row = (
                *cell.place,
                *key,
                *interval(values),
                *bootstrap(values),
                len(values),
                len(cell.seeds) - len(values),
                reason,
            )
            rows.append(row)
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    # A metric that fails for one seed has no parts there, and none of its parts' rows for the seeds that failed.
    return table[(table.factor == "") | (table.seeds > 0)].reset_index(drop=True)
