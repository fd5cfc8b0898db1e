"""Stage report: the results of a study's cells, as far as they exist, become tables, figures and two pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures.correlations import correlations
from multibeta.figures.rate import rate_axis
from multibeta.figures.tradeoff import tradeoff
from multibeta.report.comparisons import STRENGTHS, pairs
from multibeta.report.findings import DIFFERENCES, PANELS
from multibeta.report.html import page
from multibeta.report.markdown import markdown
from multibeta.report.methods import methods_latex, references
from multibeta.report.pareto import fronts
from multibeta.report.rate import SCORE, has_figure, on_front, pareto_table, recommended_table, slopes_table
from multibeta.report.reliability import agreement, correlations_name
from multibeta.results import RUNS_COLUMNS, StudyFolder, write_json, write_table, write_text
from multibeta.stages.references import known_references
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.panels import (
    PLACE,
    Panels,
    draw_rate_distortion,
    draw_tradeoff,
    means_of,
    reason_of,
    stack,
    title_of,
    variants_of,
    wide,
)
from multibeta.stages.shared.saving import save

if TYPE_CHECKING:
    from multibeta.report.findings import Findings

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
    text = markdown(findings)
    write_text(folder.report_markdown, text)
    write_text(folder.report_html, page(text, lambda path: (folder.path / path).read_bytes()))
    return folder.report_html


def _draw(findings: Findings, folder: Path) -> None:
    for name in PANELS:
        panels = Panels.of(findings, name)
        save(draw_tradeoff(findings, panels), folder, name, KINDS)
        if name == "tradeoff":
            save(draw_rate_distortion(findings, panels), folder, "rate_distortion", KINDS)
    _draw_differences(findings, folder, variants_of(findings))
    _draw_rate(findings, folder, variants_of(findings))
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
    means = wide(stack([means_of(findings, each.metric, each) for each in costs if each]), PLACE, "mean")
    scores = means_of(findings, SCORE, column).rename(columns={"mean": "score"})[[*PLACE, "score"]]
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
    points = stack([pairs(findings, metric).assign(panel=metric) for metric in DIFFERENCES])
    # The reference differs from itself by nothing; the line of a variant goes through it.
    itself = found.drop_duplicates(["dataset", "variant", "metric"]).assign(mean=0.0, ci_low=None, ci_high=None)
    found = pd.concat([found, itself.assign(beta=itself.against_beta)])
    means = stack([found[found.metric == metric].assign(panel=metric) for metric in DIFFERENCES])
    # Variants of a single strength have none.
    variants = {name: title for name, title in variants.items() if name in set(found.variant)}
    titles = {metric: title_of(findings, metric, findings.column(metric)) for metric in DIFFERENCES}
    reasons = {
        (dataset, metric): reason_of(findings, dataset, metric)
        for dataset in findings.datasets
        for metric in DIFFERENCES
    }
    figure = tradeoff(points, means, titles, variants, reasons, findings.symbols, level=0)
    save(figure, folder, "differences", KINDS)
