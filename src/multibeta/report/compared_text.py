"""Two studies side by side, as one Markdown page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from multibeta.report.comparable import alone, common, obstacles
from multibeta.report.compared import Change, changes
from multibeta.report.differences import holds, shown, signed
from multibeta.report.equal_runs import CHOICES, ROUNDING, disagreements, equal_runs
from multibeta.report.findings import CORE, CellKey, Column, Findings
from multibeta.report.paired import ALPHA
from multibeta.report.text import DASH, code, decimals, fold, listed, number, plain, table

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
#: Rows of a table that stands open.
SHORT = 30


def compared(one: Findings, other: Findings, found: pd.DataFrame, of_siblings: Collection[str] = ()) -> str:
    """The whole page; studies are called by their names, which should differ.

    Args:
        found: as `multibeta.report.compared.differences_between` makes it.
        of_siblings: metrics that look at all seeds of a cell.
    """
    unequal = disagreements(one, other, of_siblings)
    changed = changes(one, other)
    parts = [
        f"# {plain(one.name)} and {plain(other.name)}, compared",
        _in_short(one, other, changed, found, unequal),
        _studies(one, other),
        _cells(one, other),
        _options(one, other, changed),
        _equal_runs(one, other, unequal),
        _differences(one, other, changed, found),
        _provenance(one, other),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_short(one: Findings, other: Findings, changed: list[Change], found: pd.DataFrame, unequal: pd.DataFrame) -> str:
    both, same = common(one, other), len(equal_runs(one, other))
    tested = int(found.p.notna().sum())
    hold = sum(map(holds, found.itertuples()))
    lines = [f"> **{hold} of {tested} differences hold**, in {counted(len(both), 'common cell')}."]
    if not both:
        lines = ["> **No cell is in both**, so no measure is compared."]
    elif not tested:
        lines = [f"> **No difference can be tested** in {counted(len(both), 'common cell')}."]
    lines.append(f"> {counted(len({change.key for change in changed}), 'option')} differ in them.")
    lines[-1] = (
        lines[-1].replace("1 option differ", "1 option differs").replace("0 options differ", "No option differs")
    )
    if same:
        agree = f"their numbers agree but for {len(unequal)}, see below" if len(unequal) else "their numbers agree"
        lines.append(f"> {counted(same, 'run')} {'is' if same == 1 else 'are'} the same in both; {agree}.")
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
    return table(["", plain(one.name), plain(other.name)], rows, 3)


def _cells(one: Findings, other: Findings) -> str:
    lines = [f"- in both: {_named(one, common(one, other))}"]
    lines += [f"- only in {plain(a.name)}: {_named(a, alone(a, b))}" for a, b in ((one, other), (other, one))]
    return "## Cells\n\n" + "\n".join(lines)


def _options(one: Findings, other: Findings, changed: list[Change]) -> str:
    parts = ["## Options", f"Of the cells that both have, by key path of a cell's spec; {DASH}: not set."]
    if not changed:
        return f"{parts[0]}\n\nThe cells that both have are of equal options."
    rows = [
        (
            code(change.key),
            ABOUT.get(change.key.partition(".")[0], "training"),
            *(code(value) if value is not None else DASH for value in (change.before, change.after)),
            _which(one, other, change.cells),
        )
        for change in changed
    ]
    return "\n\n".join([*parts, table(["option", "about", plain(one.name), plain(other.name), "cells"], rows, 5)])


def _equal_runs(one: Findings, other: Findings, unequal: pd.DataFrame) -> str:
    runs = equal_runs(one, other)
    if runs.empty:
        return "## The same runs\n\nNo run is in both: every training differs in its options, data or seed."
    renamed = runs[(runs.dataset != runs.dataset_there) | (runs.variant != runs.variant_there)]
    otherwise, ended = runs[~runs.alike], runs[runs.status != runs.status_there]
    sentences = [
        f"{counted(len(runs), 'run')} of equal fingerprint: the same training in both, so the same numbers, up to "
        "rounding, where they are measured alike."
    ]
    if len(renamed):
        sentences.append(f"{len(renamed)} of them stand under other names in {plain(other.name)}.")
    if len(otherwise):
        sentences.append(f"{len(otherwise)} are measured by other options, so their numbers need not agree.")
    parts = ["## The same runs", " ".join(sentences)]
    if len(ended):
        first: Any = next(ended.itertuples())
        parts.append(
            f"> **{counted(len(ended), 'run')} ended otherwise**, such as {_run(one, first)}: "
            f"{first.status} in {plain(one.name)}, {first.status_there} in {plain(other.name)}."
        )
    if unequal.empty:
        parts.append(f"No number of theirs differs by more than {ROUNDING:g} of itself.")
        return "\n\n".join(parts)
    parts.append(
        f"> **{counted(len(unequal), 'number')} of the same runs disagree** by more than {ROUNDING:g} of themselves. "
        "Another processor, GPU or version changes last bits, which a training enlarges; where both rest on the same "
        "(see Provenance), results were altered or made by other code under one fingerprint."
    )
    rows = []
    groups: Any = unequal.groupby(list(Column._fields), sort=False)
    for key, group in groups:
        worst = group.loc[group.relative.idxmax()]
        runs_of = len(group.drop_duplicates(["dataset", "variant", "beta", "seed"]))
        values = [f"{value:.6g}" for value in (worst.value, worst.value_there)]
        part = f", {worst.factor}" if worst.factor else ""
        rows.append(
            (
                plain(one.label(key[0])),
                *map(plain, key[1:]),
                _run(one, worst) + plain(part),
                runs_of,
                *values,
                f"{100 * worst.relative:.2g} %",
            )
        )
    headers = ["measure", "protocol", "of", "largest in", "runs", plain(one.name), plain(other.name), "differs by"]
    parts.append(_folded("What disagrees", table(headers, rows, 4), len(rows)))
    return "\n\n".join(parts)


def _differences(one: Findings, other: Findings, changed: list[Change], found: pd.DataFrame) -> str:
    parts = ["## Differences within seeds"]
    if len(found):
        parts.append(
            f"{plain(other.name)} − {plain(one.name)}: runs of equal seed are compared, the mean of the differences ± "
            "half its 95 % interval (Student's paired t), in brackets the number of pairs where it is not that of all "
            f"seeds. In **bold**: differences that hold at {100 * ALPHA:g} % after Holm's correction (1979) over all "
            f"cells of a dataset, for each measure. {DASH}: no pair, or one only, which has no interval; nor have "
            "differences that are all equal, as those of the same runs, which are 0."
        )
        parts.append(_otherwise_measured(one, other, changed))
        parts.append(_holding(one, other, found))
        parts += [
            fold(f"{dataset}: all differences", _table(one, found[found.dataset == dataset]), opened=True)
            for dataset in one.datasets
            if (found.dataset == dataset).any()
        ]
    else:
        parts.append("No measure is there for the same cell and seed in both.")
    barred = obstacles(one, other)
    if barred:
        rows = [
            (
                plain(each.reason),
                plain(", ".join(map(_label(one, other), each.metrics))) or "every measure",
                _which(one, other, each.cells),
            )
            for each in barred
        ]
        parts.append("Not compared:\n\n" + table(["why", "measures", "cells"], rows, 3))
    return "\n\n".join(part for part in parts if part)


def _otherwise_measured(one: Findings, other: Findings, changed: list[Change]) -> str:
    """A warning where numbers rest on other images or draws."""

    def measures(key: str) -> bool:
        section, _, name = key.partition(".")
        return section == "split" or (section == "evaluation" and name not in CHOICES)

    keys = list(dict.fromkeys(change.key for change in changed if measures(change.key)))
    if not keys:
        return ""
    cells = dict.fromkeys(cell for change in changed if change.key in keys for cell in change.cells)
    return (
        f"Measured by other options ({', '.join(map(code, keys))}): {_which(one, other, list(cells))}. "
        "A difference there may be one of the measuring."
    )


def _holding(one: Findings, other: Findings, found: pd.DataFrame) -> str:
    rows = []
    all_rows: Iterator[Any] = found.itertuples()
    for row in all_rows:
        if not holds(row):
            continue
        measure = one.measures.get(str(row.metric))
        sides = {"higher": row.mean > 0, "lower": row.mean < 0}
        better = sides.get(measure.better) if measure else None
        places = decimals([row.mean])
        name = DASH if better is None else plain((other if better else one).name)
        interval = f"{signed(row.mean, places)} ± {number(row.ci_high - row.mean, places)}"
        rows.append((_cell(one, row), plain(_label(one, other)(row.metric)), interval, f"{row.p_holm:.2g}", name))
    if not rows:
        return "None holds."
    headers = ["cell", "measure", f"{plain(other.name)} − {plain(one.name)}", "p, corrected", "better in"]
    return _folded("What holds", table(headers, rows, 2), len(rows))


def _table(one: Findings, rows: pd.DataFrame) -> str:
    each: Iterator[Any] = rows.itertuples()
    columns = {row.metric: Column(row.metric, row.protocol, row.representation) for row in each}
    columns = {metric: columns[metric] for metric in CORE if metric in columns}
    places = {metric: decimals([*rows[rows.metric == metric]["mean"].dropna()]) for metric in columns}
    most = rows.pairs.max()
    body = []
    groups: Any = rows.groupby(["dataset", "variant", "beta"], sort=False)
    for (_, variant, beta), group in groups:
        by_metric = {row.metric: row for row in group.itertuples()}
        runs = "the same" if (group.same_runs == group.pairs).all() and group.pairs.max() > 0 else "other"
        runs = "some the same" if runs == "other" and group.same_runs.any() else runs
        values = [shown(by_metric.get(metric), places[metric], most) for metric in columns]
        body.append((plain(one.variants[variant]), f"{one.symbols[variant]} = {beta}", runs, *values))
    return table(["variant", "strength", "runs", *(one.header(column) for column in columns.values())], body, 3)


def _provenance(one: Findings, other: Findings) -> str:
    before, after = (_facts(each) for each in (one, other))
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


def _facts(findings: Findings) -> dict[str, str]:
    """Commit, versions, hardware and the data's hashes; several values of one, from several machines, are all named."""
    facts = findings.provenance
    found: dict[str, dict[str, None]] = {}
    given: list[Mapping[str, Any]] = [*facts.get("versions", []), *facts.get("hardware", [])]
    if facts.get("git_commit"):
        given.insert(0, {"commit of the report": facts["git_commit"]})
    for dataset, card in findings.cards.items():
        given += [{f"{dataset}: {name}": f"sha256 {digest[:12]}…"} for name, digest in card.get("sha256", {}).items()]
    for each in given:
        for name, value in each.items():
            found.setdefault(name, {})[str(value)] = None
    return {name: " or ".join(values) for name, values in found.items()}


def _label(one: Findings, other: Findings) -> Any:
    """A measure's title, as whichever study has it says."""
    return lambda metric: (one if metric in one.measures else other).label(metric)


def _cell(findings: Findings, row: Any) -> str:
    return plain(f"{row.dataset} · {findings.variants[row.variant]} · {findings.symbols[row.variant]} = {row.beta}")


def _run(findings: Findings, row: Any) -> str:
    return f"{_cell(findings, row)}, seed {row.seed}"


def _which(one: Findings, other: Findings, cells: Sequence[CellKey]) -> str:
    both = common(one, other)
    return f"all {len(both)}" if len(cells) == len(both) > 1 else _named(one, cells)


def _named(findings: Findings, cells: Sequence[CellKey]) -> str:
    """``sprites · β-VAE · β = 1, 4; …``"""
    return plain(listed(list(_sweeps(findings, cells)))) if cells else "none"


def _sweeps(findings: Findings, cells: Sequence[CellKey]) -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        found.setdefault((cell.dataset, cell.variant), []).append(cell.beta)
    for (dataset, variant), strengths in found.items():
        yield f"{dataset} · {findings.variants[variant]} · {findings.symbols[variant]} = {', '.join(strengths)}"


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _folded(summary: str, body: str, rows: int) -> str:
    return body if rows <= SHORT else fold(f"{summary}: {rows} rows", body)
