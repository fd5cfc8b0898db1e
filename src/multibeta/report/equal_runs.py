"""Runs that two studies share, and whether their numbers agree, as those of one training must."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from multibeta.report.findings import Column, Findings

if TYPE_CHECKING:
    import pandas as pd

RUN = ["dataset", "variant", "beta", "seed"]
#: Options of the evaluation that choose what is measured, not how.
CHOICES = ("metrics", "protocols", "figures", "metric_seeds")
#: Relative difference up to which two numbers are one number, rounded otherwise: single precision, summed.
ROUNDING = 1e-5
#: A distance that is that of rounding whatever the numbers are.
NOTHING = 1e-9


def equal_runs(one: Findings, other: Findings) -> pd.DataFrame:
    """Runs of one fingerprint, strength and seed: the same training, under one name or under two.

    The strength counts because a variant of one training has one fingerprint for all of them.

    Returns:
        `RUN` and ``status`` of ``one``; the same of ``other`` with ``_there``; ``alike``: are they measured by the same
        options? ``together``: are the other finished seeds of their cells the same runs, too? Every run of ``one``
        stands there once at most, with its namesake if that is the same run.
    """
    columns = [*RUN, "status", "fingerprint"]
    ended = [each.runs[each.runs.status != "missing"][columns] for each in (one, other)]
    both = ended[0].merge(ended[1], on=["fingerprint", "beta", "seed"], suffixes=("", "_there"))
    named_otherwise = (both.dataset != both.dataset_there) | (both.variant != both.variant_there)
    order = named_otherwise.sort_values(kind="stable").index
    both = both.loc[order].drop_duplicates(RUN).sort_index()
    company = [_company(each) for each in (one, other)]
    alike, together = [], []
    for dataset, variant, beta, dataset_there, variant_there in both[
        ["dataset", "variant", "beta", "dataset_there", "variant_there"]
    ].itertuples(index=False, name=None):
        here, there = (dataset, variant, beta), (dataset_there, variant_there, beta)
        alike.append(measuring(one, here) == measuring(other, there))
        together.append(company[0].get(here) == company[1].get(there))
    return both.assign(alike=np.array(alike, dtype=bool), together=np.array(together, dtype=bool)).reset_index(
        drop=True
    )


def numbers_of_equal_runs(one: Findings, other: Findings, of_siblings: Collection[str] = ()) -> pd.DataFrame:
    """Every number that both studies have of equal runs, measured alike; one that does not agree ought not to be.

    Args:
        of_siblings: metrics that look at all seeds of a cell, and so must agree only where these are all the same.

    Returns:
        `RUN`, the fields of `Column`, ``factor``, ``value`` of ``one``, ``value_there`` of ``other``, ``agrees``: up to
        rounding; ``relative``: their distance as a share of the larger one.
    """
    runs = equal_runs(one, other)
    runs = runs[runs.alike]
    what = [*Column._fields, "factor"]
    there = {"dataset": "dataset_there", "variant": "variant_there"}
    first, second = (each.metrics[each.metrics.status == "done"] for each in (one, other))
    second = second[[*RUN, *what, "value"]].rename(columns=there)
    found = first[[*RUN, *what, "value"]].merge(runs[[*RUN, *there.values(), "together"]], on=RUN)
    found = found[found.together | ~found.metric.isin(list(of_siblings))]
    found = found.merge(second, on=[*there.values(), "beta", "seed", *what], suffixes=("", "_there"))
    a, b = (found[name].to_numpy(dtype=np.float64) for name in ("value", "value_there"))
    agrees = np.isclose(a, b, rtol=ROUNDING, atol=NOTHING, equal_nan=True)
    larger = np.maximum(np.maximum(np.abs(a), np.abs(b)), NOTHING)
    table = found[[*RUN, *what, "value", "value_there"]].reset_index(drop=True)
    with np.errstate(invalid="ignore"):
        return table.assign(agrees=agrees, relative=np.abs(a - b) / larger)


def measuring(findings: Findings, place: tuple[str, str, str]) -> dict[str, Any]:
    """The options that a cell's numbers depend on, given its models."""
    options: Mapping[str, Any] = findings.specs[place]["evaluation"]
    return {name: value for name, value in options.items() if name not in CHOICES}


def _company(findings: Findings) -> dict[tuple[str, str, str], frozenset[str]]:
    """The fingerprints of the finished runs of each cell."""
    done = findings.runs[findings.runs.status == "done"]
    found: dict[tuple[str, str, str], frozenset[str]] = {}
    for *place, fingerprint in done[[*RUN[:3], "fingerprint"]].itertuples(index=False, name=None):
        key = (place[0], place[1], place[2])
        found[key] = found.get(key, frozenset()) | {fingerprint}
    return found
