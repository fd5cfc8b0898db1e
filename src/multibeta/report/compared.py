"""Two studies side by side, as tables: which options differ, and which measures do, within seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from multibeta.report.comparable import column_of_both, common, comparable, values_of
from multibeta.report.equal_runs import RUN, equal_runs
from multibeta.report.findings import CORE, CellKey, Findings
from multibeta.report.paired import Difference, difference, holm

if TYPE_CHECKING:
    import pandas as pd

COMPARED_COLUMNS = (
    *("dataset", "variant", "beta", "metric", "protocol", "representation"),
    *("mean", "ci_low", "ci_high", "std", "p", "p_holm", "pairs", "same_runs"),
)
#: In a spec, but no option: the study's name, and what follows from other options.
NO_OPTIONS = ("study", "condition")


class Change(NamedTuple):
    """An option that the same cells of both studies have otherwise; a value is JSON, None where it is not set."""

    key: str
    before: str | None
    after: str | None
    cells: list[CellKey]


def changes(one: Findings, other: Findings) -> list[Change]:
    """The options of common cells that differ, by key path; an equal change of many cells is one row."""
    found: dict[tuple[str, str | None, str | None], list[CellKey]] = {}
    for cell in common(one, other):
        before, after = (_flat(each.specs[cell.place]) for each in (one, other))
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key) and key not in NO_OPTIONS:
                found.setdefault((key, before.get(key), after.get(key)), []).append(cell)
    return [Change(*change, cells) for change, cells in found.items()]


def differences_between(one: Findings, other: Findings) -> pd.DataFrame:
    """`COMPARED_COLUMNS`: each core measure of each common cell, ``other`` minus ``one``, paired by seed.

    A measure is compared in the first of the report's columns in which both studies have a pair of runs; numbers of
    different protocols or representations never meet. ``p_holm`` is corrected over the cells of a dataset and measure.
    ``same_runs`` is how many of the pairs are one run twice; a cell of none but these has a mean, which is 0 unless its
    numbers disagree, and no test.
    """
    import pandas as pd

    values = [values_of(each) for each in (one, other)]
    equal = equal_runs(one, other)
    named = equal[(equal.dataset == equal.dataset_there) & (equal.variant == equal.variant_there)]
    same = set(named[RUN].itertuples(index=False, name=None))
    rows: list[tuple[Any, ...]] = []
    for dataset in one.datasets:
        for metric in CORE:
            cells = comparable(one, other, dataset, metric)
            column = column_of_both(one, dataset, metric, cells, *values)
            if column is None:
                continue
            found = []
            for cell in cells:
                first, second = (each.get(column, {}).get(cell.place, {}) for each in values)
                seeds = [seed for seed in first if seed in second]
                again = sum((*cell.place, seed) in same for seed in seeds)
                each = difference([second[seed] - first[seed] for seed in seeds])
                found.append((cell, each if again < len(seeds) else _untested(each), again))
            corrected = holm([each.p for _, each, _ in found])
            rows += [
                (*cell.place, *column, *each[:5], p_holm, each.pairs, again)
                for (cell, each, again), p_holm in zip(found, corrected, strict=True)
            ]
    return pd.DataFrame(rows, columns=list(COMPARED_COLUMNS))


def _untested(found: Difference) -> Difference:
    return Difference(found.mean, math.nan, math.nan, found.std, math.nan, found.pairs)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The leaves of nested mappings as JSON, by key path."""
    found: dict[str, str] = {}
    for key, held in value.items():
        if isinstance(held, Mapping):
            found |= _flat(held, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = json.dumps(held, ensure_ascii=False)
    return found
