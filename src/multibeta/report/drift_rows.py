"""Whether metrics.csv has the rows that measuring a run writes: each of them once, none else, with its status and n."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from multibeta.report.drift import KEY, Score

if TYPE_CHECKING:
    import pandas as pd

NOT_COMPUTED = "not computed: "
#: Rows of one score: part, status, n.
Rows = list[tuple[str, str, Any]]


class Unlike(NamedTuple):
    """A score whose rows in the study are not those that measuring writes now.

    Attributes:
        score: protocol, representation and metric.
        told: how they differ.
        then, now: its status in the study and now; "" where there are no rows of it.
        agreed: have all models that were measured the rows of now?
    """

    score: Score
    told: str
    then: str
    now: str
    agreed: bool


def malformed(table: pd.DataFrame, place: Sequence[str]) -> str:
    """What measuring writes on no machine, of the rows of a run; "" if there is nothing of it.

    Args:
        place: dataset, variant and strength of the run.
    """
    if table.empty:
        return "has no row of it"
    if (strange := table[(table[["dataset", "variant", "beta"]] != list(place)).any(axis=1)]).size:
        return f"has a row of {' '.join(strange.iloc[0][['dataset', 'variant', 'beta']])}"
    if (twice := table[table.duplicated(list(KEY))]).size:
        return f"has {_name(twice.iloc[0])} twice"
    done = table.status == "done"
    bare = ~done & ~table.status.str.startswith(NOT_COMPUTED)
    if (unknown := table[bare]).size:
        return f"has {_name(unknown.iloc[0])} with the status {unknown.iloc[0].status!r}"
    valued = np.isfinite(table.value.astype(float))
    if (denied := table[done != valued]).size:
        return f"has {_name(denied.iloc[0])} {'without' if denied.iloc[0].status == 'done' else 'with'} a value"
    return ""


def unlike_rows(then: pd.DataFrame, measured: Sequence[pd.DataFrame]) -> list[Unlike]:
    """Scores that have other rows in the study than now: missing, of no metric, or of another status, n or parts.

    Args:
        then: rows of one run in metrics.csv.
        measured: those of the models measured anew, none empty; the first counts.
    """
    before, (after, *others) = rows_by_score(then), [rows_by_score(table) for table in measured]
    found = []
    for score in dict.fromkeys((*after, *before)):
        one, other = before.get(score, []), after.get(score, [])
        if one != other:
            agreed = all(each.get(score, []) == other for each in others)
            found.append(Unlike(score, _told(one, other), _status(one), _status(other), agreed))
    return found


def rows_by_score(table: pd.DataFrame) -> dict[Score, Rows]:
    """Part, status and n of every row, sorted, by the score."""
    found: dict[Score, Rows] = {}
    columns = [table[name].tolist() for name in (*KEY, "status", "n")]
    for protocol, representation, metric, *row in zip(*columns, strict=True):
        found.setdefault((protocol, representation, metric), []).append((row[0], row[1], row[2]))
    return {score: sorted(rows, key=str) for score, rows in found.items()}


def scores_of(tables: Iterable[pd.DataFrame]) -> set[Score]:
    return {score for table in tables for score in rows_by_score(table)}


def _told(then: Rows, now: Rows) -> str:
    if not then:
        return "is missing"
    if not now:
        return "is no score of this study"
    if _status(then) != _status(now):
        return f'is "{_status(then)}", measured anew "{_status(now)}"'
    if (parts := {row[0] for row in then} ^ {row[0] for row in now}) or len(then) != len(now):
        return f"has other parts ({', '.join(sorted(parts)) or 'one of them twice'})"
    part, n, other = next((a[0], a[2], b[2]) for a, b in zip(then, now, strict=True) if a != b)
    return f"{f'of {part} ' if part else ''}rests on n = {n}; measured anew on {other}"


def _status(rows: Rows) -> str:
    return rows[0][1] if rows else ""


def _name(row: pd.Series[Any]) -> str:
    return f"{row.metric} {row.factor}".rstrip() + f" ({row.protocol}, {row.representation})"
