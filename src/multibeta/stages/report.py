"""Stage report: the results of a study's cells, as far as they exist, become tables, figures and two pages."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures.correlations import correlations
from multibeta.figures.rate import rate_axis
from multibeta.figures.tradeoff import rate_distortion, tradeoff
from multibeta.report.comparisons import STRENGTHS, pairs
from multibeta.report.findings import DIFFERENCES, PANELS
from multibeta.report.gallery import embeds
from multibeta.report.html import page
from multibeta.report.markdown import markdown
from multibeta.report.methods import methods_latex, references
from multibeta.report.overview import panel_columns
from multibeta.report.pareto import fronts
from multibeta.report.rate import SCORE, has_figure, on_front, pareto_table, recommended_table, slopes_table
from multibeta.report.reliability import agreement, correlations_name
from multibeta.results import RUNS_COLUMNS, StudyFolder, write_json, write_table, write_text
from multibeta.stages.ladders import draw_ladders
from multibeta.stages.references import known_references
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.saving import save

if TYPE_CHECKING:
    from multibeta.report.findings import Column, Findings

PLACE = ["dataset", "variant", "beta"]
KINDS = ("png", "svg", "pdf")


def report(study_folder: Path) -> Path:
    """Write the tables, figures, report.md and report.html of a study, and return the path of report.html.

    A report never fails for want of results: what is missing, diverged or not computed is named in it.

    Args:
        study_folder: ``results/<study>``, with study.json.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: the folder cannot be written.
    """
    folder = StudyFolder(study_folder)
    findings = replace(gather(folder), references=known_references(folder))
    write_table(folder.metrics, findings.metrics)
    write_table(folder.runs, findings.runs[list(RUNS_COLUMNS)])
    write_table(folder.summary, findings.summary)
    write_table(folder.comparisons, findings.comparisons)
    write_table(folder.rate, slopes_table(findings))
    write_table(folder.recommended, recommended_table(findings))
    write_table(folder.pareto, pareto_table(findings))
    write_text(folder.methods, methods_latex(findings))
    write_text(folder.references_bib, references(findings))
    write_json(folder.provenance, dict(findings.provenance))
    _draw(findings, folder.figures)
    findings = replace(findings, ladders=draw_ladders(folder, findings))
    text = markdown(findings)
    write_text(folder.report_markdown, text)
    embedded = embeds(findings)

    def read(path: str) -> bytes | None:
        return (folder.path / path).read_bytes() if embedded or not path.startswith("cells/") else None

    write_text(folder.report_html, page(text, read))
    return folder.report_html


def _draw(findings: Findings, folder: Path) -> None:
    variants = {name: findings.variants[name] for name in dict.fromkeys(cell.variant for cell in findings.cells)}
    for name in PANELS:
        columns = panel_columns(findings, name)
        points = _stack([_points(findings, panel, column) for panel, column in columns.items() if column])
        means = _stack([_means(findings, panel, column) for panel, column in columns.items() if column])
        titles = {panel: _title(findings, panel, column) for panel, column in columns.items()}
        reasons = {
            (dataset, panel): _reason(findings, dataset, panel) for dataset in findings.datasets for panel in columns
        }
        save(tradeoff(points, means, titles, variants, reasons, findings.symbols), folder, name, KINDS)
        if name == "tradeoff":
            runs, cells = _wide(points, [*PLACE, "seed"], "value"), _wide(means, PLACE, "mean")
            figure = rate_distortion(runs, cells, variants, findings.datasets, findings.symbols)
            save(figure, folder, "rate_distortion", KINDS)
    _draw_differences(findings, folder, variants)
    _draw_rate(findings, folder, variants)
    for dataset in findings.datasets:
        found = agreement(findings, dataset)
        if found is not None:
            title = f"{dataset}, {len(findings.runs[findings.runs.dataset == dataset])} runs"
            figure = correlations(found.to_numpy(), list(found.columns), title)
            save(figure, folder, correlations_name(dataset), KINDS)


def _draw_rate(findings: Findings, folder: Path, variants: dict[str, str]) -> None:
    """A score against cost and rate, where there is one."""
    column = findings.column(SCORE)
    if column is None or not has_figure(findings):
        return
    costs = [findings.column(metric) for metric in ("kl", "reconstruction")]
    means = _wide(_stack([_means(findings, each.metric, each) for each in costs if each]), PLACE, "mean")
    scores = _means(findings, SCORE, column).rename(columns={"mean": "score"})[[*PLACE, "score"]]
    ringed = on_front(fronts(findings))
    cells = means.merge(scores, on=PLACE)
    cells["front"] = [place in ringed for place in cells[PLACE].itertuples(index=False, name=None)]
    figure = rate_axis(
        cells, slopes_table(findings), findings.label(SCORE), variants, findings.datasets, findings.symbols
    )
    save(figure, folder, "rate", KINDS)


def _draw_differences(findings: Findings, folder: Path, variants: dict[str, str]) -> None:
    """Differences to the reference strength, where there is another one."""
    found = findings.comparisons[findings.comparisons.kind == STRENGTHS]
    if found.empty:
        return
    points = _stack([pairs(findings, metric).assign(panel=metric) for metric in DIFFERENCES])
    # The reference differs from itself by nothing; the line of a variant goes through it.
    itself = found.drop_duplicates(["dataset", "variant", "metric"]).assign(mean=0.0, ci_low=None, ci_high=None)
    found = pd.concat([found, itself.assign(beta=itself.against_beta)])
    means = _stack([found[found.metric == metric].assign(panel=metric) for metric in DIFFERENCES])
    # Variants of a single strength have none.
    variants = {name: title for name, title in variants.items() if name in set(found.variant)}
    titles = {metric: _title(findings, metric, findings.column(metric)) for metric in DIFFERENCES}
    reasons = {
        (dataset, metric): _reason(findings, dataset, metric) for dataset in findings.datasets for metric in DIFFERENCES
    }
    figure = tradeoff(points, means, titles, variants, reasons, findings.symbols, level=0)
    save(figure, folder, "differences", KINDS)


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
