"""What came of two studies, side by side: the same runs, and which measures differ within seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from multibeta.report.comparable import obstacles
from multibeta.report.compared import Change
from multibeta.report.compared_words import cell_name, folded, label, run_name, which
from multibeta.report.differences import holds, shown, signed
from multibeta.report.equal_runs import CHOICES, ROUNDING, RUN, equal_runs
from multibeta.report.findings import CORE, Column, Findings
from multibeta.report.paired import ALPHA
from multibeta.report.text import DASH, code, counted, decimals, fold, number, plain, table

if TYPE_CHECKING:
    import pandas as pd


def equal_runs_section(one: Findings, other: Findings, numbers: pd.DataFrame) -> str:
    """Which runs are one training, and whether their numbers say so.

    Args:
        numbers: as `multibeta.report.equal_runs.numbers_of_equal_runs` makes it.
    """
    runs = equal_runs(one, other)
    if runs.empty:
        return "## The same runs\n\nNo run is in both: every training differs in its options, data or seed."
    renamed = runs[(runs.dataset != runs.dataset_there) | (runs.variant != runs.variant_there)]
    otherwise, ended = runs[~runs.alike], runs[runs.status != runs.status_there]
    sentences = [
        f"{counted(len(runs), 'run')} of equal fingerprint: the same training in both, whose numbers must agree up to "
        "rounding where they are measured alike."
    ]
    if len(renamed):
        sentences.append(f"{len(renamed)} of them stand under other names in {plain(other.name)}.")
    if len(otherwise):
        sentences.append(f"{len(otherwise)} are measured by other options, and their numbers not held together.")
    if len(numbers):
        sentences.append(f"{counted(int(numbers.agrees.sum()), 'number')} of {len(numbers):,} agree.")
    parts = ["## The same runs", " ".join(sentences)]
    if len(ended):
        first: Any = next(ended.itertuples())
        parts.append(
            f"> **{counted(len(ended), 'run')} ended otherwise**, such as {run_name(one, first)}: "
            f"{plain(first.status)} in {plain(one.name)}, {plain(first.status_there)} in {plain(other.name)}."
        )
    if not numbers.agrees.all():
        parts.append(_disagreement(one, other, numbers[~numbers.agrees]))
    return "\n\n".join(parts)


def _disagreement(one: Findings, other: Findings, unequal: pd.DataFrame) -> str:
    text = (
        f"> **{counted(len(unequal), 'number')} of the same runs disagree**, by more than {100 * ROUNDING:g} % of the "
        "larger one. Another processor, GPU or version changes last bits, which a training enlarges; where both rest "
        "on the same (see Provenance), results were altered, or measured by other code."
    )
    rows = []
    groups: Any = unequal.groupby(list(Column._fields), sort=False)
    for (metric, *recipe), group in groups:
        worst = group.sort_values("relative", kind="stable").iloc[-1]
        where = run_name(one, worst) + (f", {plain(worst.factor)}" if worst.factor else "")
        values = [f"{value:.6g}" for value in (worst.value, worst.value_there)]
        rows.append((label(one, other, metric), *map(plain, recipe), where, *values, len(group.drop_duplicates(RUN))))
    headers = ["measure", "protocol", "of", "differs most in", plain(one.name), plain(other.name), "runs"]
    return f"{text}\n\n{folded('What disagrees', table(headers, rows, 4), len(rows))}"


def differences_section(one: Findings, other: Findings, changed: list[Change], found: pd.DataFrame) -> str:
    """Those that hold, all of them by dataset, and what is not compared.

    Args:
        changed, found: as `multibeta.report.compared` makes them.
    """
    parts = ["## Differences within seeds"]
    if len(found):
        parts.append(
            f"{plain(other.name)} − {plain(one.name)}: runs of equal seed are compared, the mean of the differences ± "
            "half its 95 % interval (Student's paired t), in brackets the number of pairs where it is not that of all "
            f"seeds. In **bold**: differences that hold at {100 * ALPHA:g} % after Holm's correction (1979) over all "
            f"cells of a dataset, for each measure. {DASH}: no pair, or one only, which has no interval; nor have "
            "differences that are all equal, nor those of runs that are the same in both, which test nothing."
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
                ", ".join(label(one, other, metric) for metric in each.metrics) or "every measure",
                which(one, other, each.cells),
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
        f"Measured by other options ({', '.join(map(code, keys))}): {which(one, other, list(cells))}. "
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
        rows.append((cell_name(one, row), label(one, other, row.metric), interval, f"{row.p_holm:.2g}", name))
    if not rows:
        return "None holds."
    headers = ["cell", "measure", f"{plain(other.name)} − {plain(one.name)}", "p, corrected", "better in"]
    return folded("What holds", table(headers, rows, 2), len(rows))


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
        again, paired = group.same_runs.max(), group.pairs.max()
        runs = (
            DASH
            if paired == 0
            else "other"
            if again == 0
            else "the same"
            if again == paired
            else f"{again} of {paired} the same"
        )
        values = [_shown(by_metric.get(metric), places[metric], most) for metric in columns]
        body.append((plain(one.variants[variant]), f"{one.symbols[variant]} = {beta}", runs, *values))
    return table(["variant", "strength", "runs", *(one.header(column) for column in columns.values())], body, 3)


def _shown(row: Any, places: int, most: int) -> str:
    """As in the report; what is 0 because nothing differs has no places."""
    itself = row is not None and row.pairs > 0 and row.same_runs == row.pairs and row.mean == 0
    return "0" if itself else shown(row, places, most)
