"""The figures of a study against the strength, and of rate and distortion, made of its findings."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from multibeta.figures.tradeoff import rate_distortion, tradeoff
from multibeta.report.overview import panel_columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from multibeta.report.findings import Column, Findings

PLACE = ["dataset", "variant", "beta"]


@dataclass(frozen=True)
class Panels:
    """The arguments of `multibeta.figures.tradeoff.tradeoff`."""

    points: pd.DataFrame
    means: pd.DataFrame
    titles: dict[str, str]
    reasons: dict[tuple[str, str], str]

    @classmethod
    def of(cls, findings: Findings, name: str) -> Panels:
        """Those of a figure of `multibeta.report.findings.PANELS`."""
        columns = panel_columns(findings, name)
        return cls(
            stack([_points(findings, panel, column) for panel, column in columns.items() if column]),
            stack([means_of(findings, panel, column) for panel, column in columns.items() if column]),
            {panel: title_of(findings, panel, column) for panel, column in columns.items()},
            {
                (dataset, panel): reason_of(findings, dataset, panel)
                for dataset in findings.datasets
                for panel in columns
            },
        )


def variants_of(findings: Findings) -> dict[str, str]:
    """Title by name of the variants that have a cell, in their order."""
    return {name: findings.variants[name] for name in dict.fromkeys(cell.variant for cell in findings.cells)}


def draw_tradeoff(findings: Findings, panels: Panels, marked: tuple[str, str, str] | None = None) -> Figure:
    """A figure of `PANELS`; ``marked`` is the place of a cell to draw a ring around."""
    variants = variants_of(findings)
    return tradeoff(
        panels.points, panels.means, panels.titles, variants, panels.reasons, findings.symbols, marked=marked
    )


def draw_rate_distortion(findings: Findings, panels: Panels, marked: tuple[str, str, str] | None = None) -> Figure:
    """Distortion against rate, from panels that have both."""
    runs, cells = wide(panels.points, [*PLACE, "seed"], "value"), wide(panels.means, PLACE, "mean")
    return rate_distortion(runs, cells, variants_of(findings), findings.datasets, findings.symbols, marked)


def _points(findings: Findings, panel: str, column: Column) -> pd.DataFrame:
    table = findings.metrics[(findings.metrics.factor == "") & (findings.metrics.status == "done")]
    for name, value in column._asdict().items():
        table = table[table[name] == value]
    return table[[*PLACE, "seed", "value"]].dropna().assign(panel=panel)


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


def title_of(findings: Findings, panel: str, column: Column | None) -> str:
    measure = findings.measures.get(panel)
    if measure is None:
        return panel
    detail = measure.unit or _recipe(column)
    name = "\n".join(textwrap.wrap(measure.title + measure.arrow, 21))
    return name + (f"\n({detail})" if detail else "")


def _recipe(column: Column | None) -> str:
    codes = column and column.representation in ("mean", "sampled")
    return f"{column.representation}, {column.protocol}" if column and codes else ""


def reason_of(findings: Findings, dataset: str, panel: str) -> str:
    """Why a panel would be empty: the most frequent reason among the dataset's runs."""
    metrics = findings.metrics
    own = metrics[(metrics.dataset == dataset) & (metrics.metric == panel) & (metrics.factor == "")]
    failed = own[own.status != "done"].status
    return str(failed.mode().iloc[0]) if len(failed) else "not measured"
