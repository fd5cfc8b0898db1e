"""The figures of a study: what the findings hold for each panel, drawn for the page they are printed on."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures.correlations import correlations
from multibeta.figures.rate import rate_axis
from multibeta.figures.tradeoff import rate_distortion, tradeoff
from multibeta.report.comparisons import STRENGTHS, pairs
from multibeta.report.findings import DIFFERENCES, PANELS
from multibeta.report.overview import panel_columns
from multibeta.report.pareto import fronts
from multibeta.report.rate import SCORE, has_figure, on_front, slopes_table
from multibeta.report.reliability import agreement, correlations_name
from multibeta.stages.shared.saving import save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from multibeta.figures._style import Look
    from multibeta.report.findings import Column, Findings

PLACE = ["dataset", "variant", "beta"]
KINDS = ("png", "svg", "pdf")


def draw_study(findings: Findings, folder: Path, look: Look) -> None:
    """Write the figures of a study; where a page has two columns, also those of each dataset for one, as PDF."""
    for name, figure in _figures(findings, findings.datasets, look):
        save(figure, folder, name, KINDS)
    for dataset in findings.datasets:
        if narrow := look.narrow():
            for name, figure in _figures(findings, [dataset], narrow):
                save(figure, folder, f"{name}_{dataset}_column", ("pdf",))
        found = agreement(findings, dataset)
        if found is not None:
            title = f"{dataset}, {len(findings.runs[findings.runs.dataset == dataset])} runs"
            figure = correlations(found.to_numpy(), list(found.columns), title, look=look)
            save(figure, folder, correlations_name(dataset), KINDS)


def _figures(findings: Findings, datasets: list[str], look: Look) -> Iterator[tuple[str, Figure]]:
    cells = [cell for cell in findings.cells if cell.dataset in datasets]
    variants = {name: findings.variants[name] for name in dict.fromkeys(cell.variant for cell in cells)}
    for name in PANELS:
        columns = panel_columns(findings, name)
        points = _stack([_points(findings, panel, column) for panel, column in columns.items() if column])
        means = _stack([_means(findings, panel, column) for panel, column in columns.items() if column])
        titles = {panel: _title(findings, panel, column) for panel, column in columns.items()}
        reasons = {(dataset, panel): _reason(findings, dataset, panel) for dataset in datasets for panel in columns}
        yield name, tradeoff(points, means, titles, variants, reasons, findings.symbols, look=look)
        if name == "tradeoff":
            runs, means = _wide(points, [*PLACE, "seed"], "value"), _wide(means, PLACE, "mean")
            figure = rate_distortion(runs, means, variants, datasets, findings.symbols, look=look)
            yield "rate_distortion", figure
    for name, drawn in (("differences", _differences), ("rate", _rate)):
        made = drawn(findings, datasets, variants, look)
        if made:
            yield name, made


def _rate(findings: Findings, datasets: list[str], variants: dict[str, str], look: Look) -> Figure | None:
    """A score against cost and rate, where there is one."""
    column = findings.column(SCORE)
    if column is None or not has_figure(findings):
        return None
    costs = [findings.column(metric) for metric in ("kl", "reconstruction")]
    means = _wide(_stack([_means(findings, each.metric, each) for each in costs if each]), PLACE, "mean")
    scores = _means(findings, SCORE, column).rename(columns={"mean": "score"})[[*PLACE, "score"]]
    ringed = on_front(fronts(findings))
    cells = means.merge(scores, on=PLACE)
    cells["front"] = [place in ringed for place in cells[PLACE].itertuples(index=False, name=None)]
    slopes, symbols = slopes_table(findings), findings.symbols
    return rate_axis(cells, slopes, findings.label(SCORE), variants, datasets, symbols, look=look)


def _differences(findings: Findings, datasets: list[str], variants: dict[str, str], look: Look) -> Figure | None:
    """Differences to the reference strength, where there is another one."""
    found = findings.comparisons[findings.comparisons.kind == STRENGTHS]
    found = found[found.dataset.isin(datasets)]
    if found.empty:
        return None
    points = _stack([pairs(findings, metric).assign(panel=metric) for metric in DIFFERENCES])
    # The reference differs from itself by nothing; the line of a variant goes through it.
    itself = found.drop_duplicates(["dataset", "variant", "metric"]).assign(mean=0.0, ci_low=None, ci_high=None)
    found = pd.concat([found, itself.assign(beta=itself.against_beta)])
    means = _stack([found[found.metric == metric].assign(panel=metric) for metric in DIFFERENCES])
    # Variants of a single strength have none.
    variants = {name: title for name, title in variants.items() if name in set(found.variant)}
    titles = {metric: _title(findings, metric, findings.column(metric)) for metric in DIFFERENCES}
    reasons = {(dataset, metric): _reason(findings, dataset, metric) for dataset in datasets for metric in DIFFERENCES}
    return tradeoff(points, means, titles, variants, reasons, findings.symbols, level=0, look=look)


def _points(findings: Findings, panel: str, column: Column) -> pd.DataFrame:
    return findings.runs_of(column)[[*PLACE, "seed", "value"]].assign(panel=panel)


def _means(findings: Findings, panel: str, column: Column) -> pd.DataFrame:
    rows = findings.numbers(column).values()
    fields = [*PLACE, "mean", "ci_low", "ci_high"]
    table = pd.DataFrame([[getattr(row, field) for field in fields] for row in rows], columns=fields)
    return table.dropna(subset=["mean"]).assign(panel=panel)


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    columns = [*PLACE, "seed", "value", "mean", "ci_low", "ci_high", "panel"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _wide(table: pd.DataFrame, index: list[str], values: str) -> pd.DataFrame:
    """One row per run or cell with both of rate and distortion."""
    wide = table.pivot_table(index=index, columns="panel", values=values, sort=False).reset_index()
    return wide.reindex(columns=[*index, "kl", "reconstruction"]).dropna(subset=["kl", "reconstruction"])


def _title(findings: Findings, panel: str, column: Column | None) -> str:
    measure = findings.measures.get(panel)
    if measure is None:
        return panel
    detail = measure.unit or _recipe(column)
    name = "\n".join(textwrap.wrap(measure.title + measure.arrow, 21))
    return name + (f"\n({detail})" if detail else "")


def _recipe(column: Column | None) -> str:
    codes = column and column.representation in ("mean", "sampled")
    return f"{column.representation}, {column.protocol}" if column and codes else ""


def _reason(findings: Findings, dataset: str, panel: str) -> str:
    """Why a panel would be empty: the most frequent reason among the dataset's runs."""
    failures = findings.failures
    own = failures[(failures.dataset == dataset) & (failures.metric == panel)].status
    return str(own.mode().iloc[0]) if len(own) else "not measured"
