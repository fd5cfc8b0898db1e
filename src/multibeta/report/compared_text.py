"""Two studies side by side, as one Markdown page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from multibeta.report.comparable import alone, common, obstacles
from multibeta.report.compared import Change, changes
from multibeta.report.compared_results import differences_section, equal_runs_section
from multibeta.report.compared_words import named, which
from multibeta.report.differences import holds
from multibeta.report.equal_runs import equal_runs, numbers_of_equal_runs
from multibeta.report.findings import Findings
from multibeta.report.text import DASH, code, counted, plain, table

if TYPE_CHECKING:
    import pandas as pd

#: What an option is about, by the first part of its key path; all others are about the training.
ABOUT = {
    "seeds": "which runs",
    "evaluation": "measuring",
    "running": "how it runs",
    "plugins": "how it runs",
    "mirror": "how it runs",
}


def compared(one: Findings, other: Findings, found: pd.DataFrame, of_siblings: Collection[str] = ()) -> str:
    """The whole page; studies are called by their names, which should differ.

    Args:
        found: as `multibeta.report.compared.differences_between` makes it.
        of_siblings: metrics that look at all seeds of a cell.
    """
    numbers = numbers_of_equal_runs(one, other, of_siblings)
    changed = changes(one, other)
    parts = [
        f"# {plain(one.name)} and {plain(other.name)}, compared",
        _in_short(one, other, changed, found, numbers),
        _studies(one, other),
        _cells(one, other),
        _options(one, other, changed),
        equal_runs_section(one, other, numbers),
        differences_section(one, other, changed, found),
        _provenance(one, other),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_short(one: Findings, other: Findings, changed: list[Change], found: pd.DataFrame, numbers: pd.DataFrame) -> str:
    both, same, unequal = common(one, other), len(equal_runs(one, other)), int((~numbers.agrees).sum())
    if not both:
        lines = ["> **No cell is in both**, so no measure is compared."]
    else:
        tested, hold = int(found.p.notna().sum()), sum(map(holds, found.itertuples()))
        head = f"{hold} of {tested:,} differences hold" if tested else "No difference can be tested"
        keys = len({change.key for change in changed})
        options = f"{counted(keys, 'option')} {'differs' if keys == 1 else 'differ'}" if keys else "no option differs"
        lines = [f"> **{head}**, in {counted(len(both), 'common cell')}, between which {options}."]
    if same:
        agree = f"; {counted(len(numbers), 'number')} of theirs agree" if len(numbers) else ""
        agree = f"; **{unequal:,} of {counted(len(numbers), 'number')} disagree**" if unequal else agree
        lines.append(f"> {counted(same, 'run')} {'is' if same == 1 else 'are'} the same in both{agree}.")
    if obstacles(one, other):
        lines.append("> Not everything is compared; why stands with the differences.")
    return "\n".join(lines)


def _studies(one: Findings, other: Findings) -> str:
    def runs(findings: Findings) -> str:
        counts = findings.runs.status.value_counts().to_dict()
        return ", ".join(f"{count} {str(status).replace('_', ' ')}" for status, count in counts.items())

    def measured(findings: Findings) -> int:
        return int(findings.runs.evaluated.astype(bool).sum())

    rows = [
        (row[0], *map(plain, row[1:]))
        for row in (
            ("title", one.title, other.title),
            ("cells", len(one.cells), len(other.cells)),
            ("runs", runs(one), runs(other)),
            ("measured", measured(one), measured(other)),
        )
    ]
    return table(["study", plain(one.name), plain(other.name)], rows, 3)


def _cells(one: Findings, other: Findings) -> str:
    lines = [f"- in both: {named(one, common(one, other))}"]
    lines += [f"- only in {plain(a.name)}: {named(a, alone(a, b))}" for a, b in ((one, other), (other, one))]
    return "## Cells\n\n" + "\n".join(lines)


def _options(one: Findings, other: Findings, changed: list[Change]) -> str:
    parts = ["## Options", f"Of the cells that both have, by key path of a cell's spec; {DASH}: not set."]
    if not changed:
        return f"{parts[0]}\n\nThe cells that both have are of equal options."
    rows = [
        (
            plain(change.key),
            ABOUT.get(change.key.partition(".")[0], "training"),
            *(code(value) if value is not None else DASH for value in (change.before, change.after)),
            which(one, other, change.cells),
        )
        for change in changed
    ]
    return "\n\n".join([*parts, table(["option", "about", plain(one.name), plain(other.name), "cells"], rows, 5)])


def _provenance(one: Findings, other: Findings) -> str:
    datasets = {cell.dataset for cell in common(one, other)}
    before, after = (_facts(each, datasets) for each in (one, other))
    rows: list[tuple[str, ...]] = []
    equal: list[str] = []
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            equal.append(f"{name} {before[name]}")
        else:
            rows.append((plain(name), *(plain(each.get(name, "not known")) for each in (before, after))))
    differing = table(["what", plain(one.name), plain(other.name)], rows, 3) if rows else "Nothing differs."
    same = f"The same in both: {plain(', '.join(equal))}." if equal else ""
    return "\n\n".join(part for part in ("## Provenance", differing, same) if part)


def _facts(findings: Findings, datasets: Collection[str]) -> dict[str, str]:
    """Commit, versions, hardware and the data's hashes; several values of one, from several machines, are all named."""
    facts = findings.provenance
    found: dict[str, dict[str, None]] = {}
    given: list[Mapping[str, Any]] = [*facts.get("versions", []), *facts.get("hardware", [])]
    if facts.get("git_commit"):
        given.insert(0, {"commit of the report": facts["git_commit"]})
    given += [
        {f"{dataset}: {name}": f"sha256 {digest[:12]}…"}
        for dataset, card in findings.cards.items()
        if dataset in datasets
        for name, digest in card["sha256"].items()
    ]
    for each in given:
        for name, value in each.items():
            found.setdefault(name, {})[str(value)] = None
    return {name: " or ".join(values) for name, values in found.items()}
