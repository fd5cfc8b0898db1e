"""The tables of numbers that a paper carries, in LaTeX: core measures of the cells, and differences within seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from multibeta.report.comparisons import DISTORTIONS, RATES, STRENGTHS, VARIANTS
from multibeta.report.differences import NOTES, TITLES, holds
from multibeta.report.findings import CORE, Column, Findings
from multibeta.report.headline import differing
from multibeta.report.latex import NOTHING, PACKAGES, Measured, TableColumn, escape, table
from multibeta.report.paired import ALPHA
from multibeta.report.settings import settings
from multibeta.report.text import decimals

if TYPE_CHECKING:
    import pandas as pd

#: What stands after a number that differs.
STAR = "$^{*}$"
#: How tables of differences are called in the names of their files.
KINDS = {STRENGTHS: "strengths", VARIANTS: "variants", RATES: "equal_rate", DISTORTIONS: "equal_reconstruction"}
HOLM = f"at {100 * ALPHA:g} % after Holm's correction over all rows of its column"


def paper_tables(findings: Findings) -> dict[str, str]:
    """LaTeX by name of file, without its suffix: ``<dataset>_core``, ``<dataset>_differences_<kind>``, ``settings``."""
    found = {}
    for dataset in findings.datasets:
        found[f"{dataset}_core"] = _core(findings, dataset)
        own = findings.comparisons[findings.comparisons.dataset == dataset]
        for kind, name in KINDS.items():
            if (own.kind == kind).any():
                found[f"{dataset}_differences_{name}"] = _differences(findings, own[own.kind == kind], dataset, kind)
    return {**found, "settings": settings(findings)}


def _core(findings: Findings, dataset: str) -> str:
    columns = {metric: column for metric in CORE if (column := findings.column(metric, dataset))}
    numbers = {metric: findings.numbers(column) for metric, column in columns.items()}
    cells = findings.of_dataset(dataset)
    rows = [{metric: own.get(cell.place) for metric, own in numbers.items()} for cell in cells]
    most = [max((row.seeds for row in own.values() if row is not None), default=0) for own in rows]
    differ = differing(findings)
    body: list[list[str | Measured]] = []
    for cell, own, seeds in zip(cells, rows, most, strict=True):
        marks = {metric: STAR * ((*cell.place, metric) in differ) for metric in columns}
        values = [_measured(row, row and row.seeds, seeds, marks[metric]) for metric, row in own.items()]
        body.append([escape(findings.variants[cell.variant]), cell.beta, str(seeds), *values])
    means = {metric: [row.mean for own in rows if (row := own[metric]) is not None] for metric in columns}
    absent = [findings.label(metric) for metric in CORE if metric in findings.measures and metric not in columns]
    about = (
        f"Core measures on {dataset}: mean over n seeds ± half the 95 % interval of the mean (Student's t); in "
        f"brackets the n of a number that has fewer. *: differs from the reference strength within seeds, {HOLM} and "
        f"all variants. {_recipes(findings, columns)} {PACKAGES}"
    )
    about += f" Not computed for any cell: {', '.join(absent)}." if absent else ""
    return table(about, [*_names(findings, "n"), *_headings(findings, columns, means)], body, grouped=True)


def _differences(findings: Findings, rows: pd.DataFrame, dataset: str, kind: str) -> str:
    columns = {metric: column for metric in CORE if (column := findings.column(metric, dataset))}
    columns = {metric: column for metric, column in columns.items() if (rows.metric == metric).any()}
    most = int(rows.pairs.max())
    body: list[list[str | Measured]] = []
    for key, group in rows.groupby(["variant", "beta", "against_variant", "against_beta"], sort=False):
        variant, beta, against, reference = map(str, key)
        own: dict[str, Any] = {str(row.metric): row for row in group.itertuples()}
        found = [own.get(metric) for metric in columns]
        values = [_measured(row, row and row.pairs, most, STAR * bool(row and holds(row)), 2) for row in found]
        other = escape(findings.variants[against]) if kind != STRENGTHS else ""
        named = [escape(findings.variants[variant]), beta or "its curve", f"{other} {reference}".strip()]
        body.append([*named, *values])
    means = {metric: rows[rows.metric == metric]["mean"].dropna() for metric in columns}
    about = (
        f"Differences on {dataset}, {TITLES[kind]}: mean of the differences within seeds ± half their 95 % interval "
        f"(Student's paired t); {most} pairs of seeds, in brackets the pairs of a number that has fewer. *: differs, "
        f"{HOLM}. {NOTES.get(kind, '')} {_recipes(findings, columns)} {PACKAGES}"
    )
    return table(about, [*_names(findings, "minus"), *_headings(findings, columns, means)], body, grouped=True)


def _names(findings: Findings, last: str) -> list[TableColumn]:
    return [TableColumn("variant"), TableColumn(findings.symbol), TableColumn(last)]


def _headings(
    findings: Findings, columns: Mapping[str, Column], means: Mapping[str, Iterable[float]]
) -> list[TableColumn]:
    """Titles with their arrows; units where the title does not give them."""
    found = []
    for metric in columns:
        measure = findings.measures[metric]
        unit = f" ({measure.unit})" if measure.unit else ""
        found.append(TableColumn(f"{measure.title}{unit}{measure.arrow}", decimals(means[metric], most=3)))
    return found


def _measured(row: Any, n: int | None, most: int, mark: str, least: int = 1) -> Measured:
    """A row of the summary or of comparisons; nothing if it rests on less than ``least``."""
    if row is None or n is None or n < least:
        return NOTHING
    return Measured(row.mean, row.ci_high - row.mean, mark + (rf"\,({n})" if n < most else ""))


def _recipes(findings: Findings, columns: Mapping[str, Column]) -> str:
    """Protocols and codes, which are part of what a number is."""
    told = [f"{findings.label(name)} by {each.protocol}, {each.representation}" for name, each in columns.items()]
    return f"Protocols: {'; '.join(told)}." if told else ""
