"""The figures of a study: what the findings hold for each panel, drawn for the page they are printed on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures.correlations import correlations
from multibeta.figures.rate import rate_axis
from multibeta.figures.tradeoff import tradeoff
from multibeta.report.comparisons import STRENGTHS, pairs
from multibeta.report.differences import figure_panels
from multibeta.report.overview import against_strength, has_rate_distortion
from multibeta.report.pareto import fronts
from multibeta.report.rate import SCORE, has_figure, on_front, slopes_table
from multibeta.report.reliability import agreement, correlations_name
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
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from multibeta.figures._style import Look
    from multibeta.report.findings import Findings

KINDS = ("png", "svg", "pdf")


def draw_study(findings: Findings, folder: Path, look: Look) -> None:
    """Write the figures of a study that have something to show.

    Where a page has two columns, also those of each dataset for one, as PDF.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
    for name in against_strength(findings):
        yield name, draw_tradeoff(findings, Panels.of(findings, name, datasets), datasets=datasets, look=look)
    if has_rate_distortion(findings):
        panels = Panels.of(findings, "tradeoff", datasets)
        yield "rate_distortion", draw_rate_distortion(findings, panels, datasets=datasets, look=look)
    for name, drawn in (("differences", _differences), ("rate", _rate)):
        made = drawn(findings, datasets, variants_of(findings, datasets), look)
        if made:
            yield name, made


def _rate(findings: Findings, datasets: list[str], variants: dict[str, str], look: Look) -> Figure | None:
    """A score against cost and rate, where there is one."""
    column = findings.column(SCORE)
    if column is None or not has_figure(findings):
        return None
    costs = [findings.column(metric) for metric in ("kl", "reconstruction")]
    means = wide(stack([means_of(findings, each.metric, each) for each in costs if each]), PLACE, "mean")
    scores = means_of(findings, SCORE, column).rename(columns={"mean": "score"})[[*PLACE, "score"]]
    ringed = on_front(fronts(findings))
    cells = means.merge(scores, on=PLACE)
    cells["front"] = [place in ringed for place in cells[PLACE].itertuples(index=False, name=None)]
    slopes, symbols = slopes_table(findings), findings.symbols
    return rate_axis(cells, slopes, findings.label(SCORE), variants, datasets, symbols, look=look)


def _differences(findings: Findings, datasets: list[str], variants: dict[str, str], look: Look) -> Figure | None:
    """Differences to the reference strength, where there is another one."""
    found = findings.comparisons[findings.comparisons.kind == STRENGTHS]
    found = found[found.dataset.isin(datasets)]
    shown = figure_panels(findings)
    if found.empty or not shown:
        return None
    points = stack([pairs(findings, metric).assign(panel=metric) for metric in shown])
    # The reference differs from itself by nothing; the line of a variant goes through it.
    itself = found.drop_duplicates(["dataset", "variant", "metric"]).assign(mean=0.0, ci_low=None, ci_high=None)
    found = pd.concat([found, itself.assign(beta=itself.against_beta)])
    means = stack([found[found.metric == metric].assign(panel=metric) for metric in shown])
    # Variants of a single strength have none.
    variants = {name: title for name, title in variants.items() if name in set(found.variant)}
    titles = {metric: title_of(findings, metric) for metric in shown}
    reasons = {(dataset, metric): reason_of(findings, dataset, metric) for dataset in datasets for metric in shown}
    return tradeoff(points, means, titles, variants, reasons, findings.symbols, level=0, look=look)
