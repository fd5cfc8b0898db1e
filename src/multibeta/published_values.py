"""Is a published value of something that the study measures? Only then can the report put it beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from multibeta import registry
from multibeta.cell import Cell
from multibeta.options import Published


class Problem(NamedTuple):
    """The first thing wrong with an entry: its key, the value found, and what is allowed."""

    key: str
    value: Any
    message: str


def problem(entry: Published, cells: Sequence[Cell]) -> Problem | None:
    """What keeps an entry from standing beside a number of these cells; None if nothing does."""
    for key, own in (("dataset", lambda cell: cell.dataset.name), ("variant", lambda cell: cell.variant.name)):
        value, known = getattr(entry, key), list(dict.fromkeys(map(own, cells)))
        if value not in known:
            return Problem(key, value, f"is not among the {key}s of the study{registry.nearest(value, known)}")
    strengths = {
        cell.strength: cell
        for cell in cells
        if (cell.dataset.name, cell.variant.name) == (entry.dataset, entry.variant)
    }
    if entry.strength is not None and entry.strength not in strengths:
        there = ", ".join(strengths) or "none"
        return Problem("strength", entry.strength, f"is not in the sweep; of {entry.variant} there are {there}")
    wanted = list(strengths.values()) if entry.strength is None else [strengths[entry.strength]]
    return _unlike(entry, wanted) or _unmeasured(entry, wanted)


def _unlike(entry: Published, cells: Sequence[Cell]) -> Problem | None:
    """Is there a number of this name, by this protocol, of this representation, and a best one where it is needed?"""
    found = _metrics(entry.metric)
    if not found:
        scores = sorted({score for each in _all().values() for score in each.all_scores()})
        hint = registry.nearest(entry.metric, scores)
        return Problem("metric", entry.metric, f"unknown metric {entry.metric!r}{hint}")
    by = {protocol: metric for metric in found.values() for protocol in metric.protocols or [metric.protocol]}
    if entry.protocol not in by:
        hint = registry.nearest(entry.protocol, list(by))
        return Problem("protocol", entry.protocol, f"is no protocol of {entry.metric}{hint}")
    known = by[entry.protocol].representations()
    if entry.representation not in known:
        there = " and ".join(known)
        return Problem("representation", entry.representation, f"{entry.metric} by {entry.protocol} is of {there}")
    if len(cells) > 1 and entry.strength is None and by[entry.protocol].all_scores()[entry.metric].better == "neither":
        return Problem("strength", None, f"must be given, for {entry.metric} has no best value")
    return None


def _unmeasured(entry: Published, cells: Sequence[Cell]) -> Problem | None:
    """Do the evaluation's own options leave the number out?"""
    for cell in cells:
        picked, found = cell.evaluation.metrics, _metrics(entry.metric)
        measured = {name: metric for name, metric in found.items() if picked == "all" or name in picked}
        if not measured:
            return Problem("metric", entry.metric, "is not measured, for evaluation.metrics leaves it out")
        if not any(entry.protocol in metric.recipes(cell.evaluation.protocols) for metric in measured.values()):
            return Problem("protocol", entry.protocol, "is not measured, for evaluation.protocols leaves it out")
    return None


def _all() -> Mapping[str, Any]:
    return {name: registry.find("metric", name) for name in registry.names("metric")}


def _metrics(score: str) -> Mapping[str, Any]:
    """The metrics that give a number of this name, by their own names."""
    return {name: metric for name, metric in _all().items() if score in metric.all_scores()}
