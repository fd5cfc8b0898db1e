"""The settings of a study's cells as a table in LaTeX: what holds for all once, what differs by what it differs by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from multibeta.options import SplitOptions, TrainingOptions
from multibeta.report.findings import CellKey, Findings
from multibeta.report.latex import PACKAGES, TableColumn, escape, table

#: Training options that are always given; of the others, those that are not at their default somewhere.
ALWAYS = ("architecture", "latents", "likelihood", "budget", "batch_size", "learning_rate", "strength_schedule")
OF_EVALUATION = ("protocols", "codes", "held_out", "samples")
NONE = "none"
OWN_SPLIT = SplitOptions().model_dump(mode="json")

#: A value by dataset and variant.
Values = dict[tuple[str, str], str]


def settings(findings: Findings) -> str:
    """One row for a setting that is the same everywhere, else one for each of its values and where it holds."""
    cells: dict[tuple[str, str], list[CellKey]] = {}
    for cell in findings.cells:
        cells.setdefault((cell.dataset, cell.variant), []).append(cell)
    default = TrainingOptions().model_dump(mode="json")
    trained = [spec["training"] for spec in findings.specs.values()]
    shown = [*ALWAYS, *(name for name in default if any(each[name] != default[name] for each in trained))]
    by_place = {place: _of(findings, own, list(dict.fromkeys(shown))) for place, own in cells.items()}
    body = []
    for name in dict.fromkeys(name for own in by_place.values() for name in own):
        values = {place: own.get(name, NONE) for place, own in by_place.items()}
        if set(values.values()) != {NONE}:
            told = _told(findings, values)
            body += [
                [escape(name if position == 0 else ""), escape(where), escape(value)]
                for position, (where, value) in enumerate(told)
            ]
    about = (
        f"Settings of the {len(findings.cells)} cells of the study {findings.name}, trained by Adam. Options that are "
        f"not named are at their defaults. {PACKAGES}"
    )
    return table(about, [TableColumn("setting"), TableColumn("where"), TableColumn("value")], body)


def _of(findings: Findings, cells: Sequence[CellKey], shown: Sequence[str]) -> dict[str, str]:
    """The settings of the cells of one dataset and variant, which differ in strength and seeds alone, as text."""
    spec = findings.specs[cells[0].place]
    training, evaluation, variant = spec["training"], spec["evaluation"], spec["variant"]
    split = {} if spec["split"] == OWN_SPLIT else {name: value for name, value in spec["split"].items() if value}
    return {
        findings.symbols[cells[0].variant]: ", ".join(cell.beta for cell in cells),
        "seeds": " or ".join(dict.fromkeys(_text(cell.seeds) for cell in cells)),
        "split": _text(split),
        "condition": _text(spec["condition"]),
        **{name.replace("_", " "): _text(training[name]) for name in shown},
        **{f"{name} of the variant": _text(value) for name, value in variant["options"].items()},
        **{f"evaluation: {name.replace('_', ' ')}": _text(evaluation[name]) for name in OF_EVALUATION},
    }


def _told(findings: Findings, values: Values) -> list[tuple[str, str]]:
    """Where a value holds, and the value: everywhere, by dataset, by variant, or by both."""
    titles = {place: (place[0], findings.variants[place[1]]) for place in values}
    for parts in ((), (0,), (1,), (0, 1)):
        found: dict[tuple[str, ...], set[str]] = {}
        for place, value in values.items():
            found.setdefault(tuple(titles[place][part] for part in parts), set()).add(value)
        if all(len(own) == 1 for own in found.values()):
            break
    where: dict[str, list[str]] = {}
    for names, (value,) in found.items():
        where.setdefault(value, []).append(", ".join(names))
    return [("; ".join(places) or "all", value) for value, places in where.items()]


def _text(value: Any) -> str:
    """An option as a reader would write it."""
    if value is None or value in ({}, []):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
