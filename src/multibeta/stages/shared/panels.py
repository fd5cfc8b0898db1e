"""The figures of a study against the strength, and of rate and distortion, made of its findings."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures._style import REPORT, Look
from multibeta.figures.tradeoff import rate_distortion, tradeoff
from multibeta.report.overview import panel_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from multibeta.report.findings import Column, Findings, Place

PLACE = ["dataset", "variant", "beta"]
#: Letters of a title above one of five panels.
LETTERS = 17


@dataclass(frozen=True)
class Panels:
    """The arguments of `multibeta.figures.tradeoff.tradeoff`."""

    points: pd.DataFrame
    means: pd.DataFrame
    titles: dict[str, str]
    reasons: dict[tuple[str, str], str]

    @classmethod
    def of(cls, findings: Findings, name: str, datasets: Sequence[str] | None = None) -> Panels:
        """Those of a figure of `multibeta.report.findings.PANELS`, of all datasets or some."""
        columns = panel_columns(findings, name)
        return cls(
            stack([_points(findings, panel, column) for panel, column in columns.items() if column]),
            stack([means_of(findings, panel, column) for panel, column in columns.items() if column]),
            {panel: title_of(findings, panel) for panel in columns},
            {
                (dataset, panel): reason_of(findings, dataset, panel)
                for dataset in (findings.datasets if datasets is None else datasets)
                for panel in columns
            },
        )


def variants_of(findings: Findings, datasets: Sequence[str] | None = None) -> dict[str, str]:
    """Title by name of the variants that have a cell (on one of the datasets), in their order."""
    cells = [cell for cell in findings.cells if datasets is None or cell.dataset in datasets]
    return {name: findings.variants[name] for name in dict.fromkeys(cell.variant for cell in cells)}


def draw_tradeoff(
    findings: Findings,
    panels: Panels,
    marked: Place | None = None,
    datasets: Sequence[str] | None = None,
    look: Look = REPORT,
) -> Figure:
    """A figure of `PANELS`; ``marked`` is a cell to draw a ring around."""
    variants = variants_of(findings, datasets)
    return tradeoff(
        panels.points,
        panels.means,
        panels.titles,
        variants,
        panels.reasons,
        findings.symbols,
        marked=marked,
        look=look,
    )


def draw_rate_distortion(
    findings: Findings,
    panels: Panels,
    marked: Place | None = None,
    datasets: Sequence[str] | None = None,
    look: Look = REPORT,
) -> Figure:
    """Distortion against rate, from panels that have both."""
    runs, cells = wide(panels.points, [*PLACE, "seed"], "value"), wide(panels.means, PLACE, "mean")
    shown = findings.datasets if datasets is None else list(datasets)
    variants = variants_of(findings, datasets)
    return rate_distortion(runs, cells, variants, shown, findings.symbols, marked=marked, look=look)


def _points(findings: Findings, panel: str, column: Column) -> pd.DataFrame:
    return findings.runs_of(column)[[*PLACE, "seed", "value"]].assign(panel=panel)


def means_of(findings: Findings, panel: str, column: Column) -> pd.DataFrame:
    """A row per cell that has a number in the column: `PLACE`, mean, ci_low, ci_high, panel."""
    rows = findings.numbers(column).values()
    fields = [*PLACE, "mean", "ci_low", "ci_high"]
    table = pd.DataFrame([[getattr(row, field) for field in fields] for row in rows], columns=fields)
    return table.dropna(subset=["mean"]).assign(panel=panel)


def stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of points or of means as one; without any, an empty one with the columns of both."""
    columns = [*PLACE, "seed", "value", "mean", "ci_low", "ci_high", "panel"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def wide(table: pd.DataFrame, index: list[str], values: str) -> pd.DataFrame:
    """One row per run or cell with both of rate and distortion."""
    found = table.pivot_table(index=index, columns="panel", values=values, sort=False).reset_index()
    return found.reindex(columns=[*index, "kl", "reconstruction"]).dropna(subset=["kl", "reconstruction"])


def title_of(findings: Findings, panel: str) -> str:
    measure, detail = findings.measures[panel], findings.detail(panel)
    name = "\n".join(textwrap.wrap(measure.title + measure.arrow, LETTERS))
    return name + (f"\n({detail})" if detail else "")


def reason_of(findings: Findings, dataset: str, panel: str) -> str:
    """Why a panel would be empty: the most frequent reason among the dataset's runs."""
    failures = findings.failures
    own = failures[(failures.dataset == dataset) & (failures.metric == panel)].status
    return str(own.mode().iloc[0]) if len(own) else "not measured"
