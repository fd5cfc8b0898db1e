"""What the strength buys and costs: measures against β, and distortion against rate."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from multibeta.figures._style import COLOURS, DPI, INK, MARKERS, MUTED, PAGE, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW = 1.45  # inches
#: Tick labels that fit below a panel; a longer grid labels every second, third … strength.
MOST_TICKS = 6


@styled
def tradeoff(
    points: pd.DataFrame,
    means: pd.DataFrame,
    panels: Mapping[str, str],
    variants: Mapping[str, str],
    reasons: Mapping[tuple[str, str], str],
    symbol: str = "β",
) -> Figure:
    """One row of panels per dataset, one panel per measure, against the strength on a log axis.

    Args:
        points: one row per run: dataset, variant, beta (text), panel, value.
        means: one row per cell: dataset, variant, beta, panel, mean, ci_low, ci_high (NaN below two seeds).
        panels: title by name of panel, in order.
        variants: title by name of variant, in order; colour and marker follow the order.
        reasons: why a panel is empty, by (dataset, panel); its keys also name every dataset and panel to draw.
        symbol: the letter of the strength.
    """
    datasets = list(dict.fromkeys(dataset for dataset, _ in reasons))
    figure = Figure(figsize=(PAGE, ROW * len(datasets) + 0.35), dpi=DPI, layout="constrained")
    grid = figure.subplots(len(datasets), len(panels), squeeze=False)
    for row, dataset in enumerate(datasets):
        for column, (panel, title) in enumerate(panels.items()):
            axes = grid[row, column]
            if row == 0:
                axes.set_title(title)
            seeds = _at(points, dataset, panel)
            if seeds.empty:
                _say(axes, reasons[dataset, panel])
            else:
                _against_strength(axes, seeds, _at(means, dataset, panel), list(variants))
                if row == len(datasets) - 1:
                    axes.set_xlabel(symbol)
        grid[row, 0].annotate(
            dataset,
            (0, 0.5),
            (-34, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="center",
            fontsize=8,
            fontweight="bold",
        )
    _legend(figure, variants, "line and bar: mean and 95 % interval; points: seeds")
    return figure


@styled
def rate_distortion(
    points: pd.DataFrame, means: pd.DataFrame, variants: Mapping[str, str], datasets: Sequence[str], symbol: str = "β"
) -> Figure:
    """Reconstruction against KL, a panel per dataset, up to three to a row.

    Args:
        points: one row per run: dataset, variant, beta, kl, reconstruction, both in nats per image.
        means: the same columns, one row per cell; labelled with β.
        variants: title by name, in order.
        datasets: names, in order.
        symbol: the letter of the strength.
    """
    columns = min(3, max(2, len(datasets)))
    rows = -(-len(datasets) // columns)
    figure = Figure(figsize=(PAGE, 2.35 * rows + 0.3), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes, dataset in zip(grid, datasets, strict=False):
        axes.set_title(dataset, fontweight="bold")
        if points[points.dataset == dataset].empty:
            _say(axes, "no finished run")
            continue
        for position, variant in enumerate(variants):
            look = _look(position)
            own = (points.dataset == dataset) & (points.variant == variant)
            axes.plot(points[own].kl, points[own].reconstruction, linestyle="", alpha=0.35, **_small(look))
            own = (means.dataset == dataset) & (means.variant == variant)
            path = means[own].iloc[np.argsort(means[own].beta.astype(float), kind="stable")]
            axes.plot(path.kl, path.reconstruction, **look)
            for cell in path.itertuples():
                axes.annotate(
                    str(cell.beta),
                    (cell.kl, cell.reconstruction),
                    (4, 3) if position % 2 == 0 else (-4, -3),
                    textcoords="offset points",
                    ha="left" if position % 2 == 0 else "right",
                    va="bottom" if position % 2 == 0 else "top",
                    color=look["color"],
                )
        axes.set(xlabel="rate: KL (nats per image)", ylabel="distortion: reconstruction (nats)")
        axes.margins(0.1)
    for axes in list(grid):
        axes.set_axis_off()
    _legend(figure, variants, f"numbers: {symbol}; line: mean over seeds; points: seeds")
    return figure


def _at(table: pd.DataFrame, dataset: str, panel: str) -> pd.DataFrame:
    return table[(table.dataset == dataset) & (table.panel == panel)]


def _look(position: int) -> dict[str, Any]:
    return {"color": COLOURS[position % len(COLOURS)], "marker": MARKERS[position % len(MARKERS)]}


def _small(look: Mapping[str, Any]) -> dict[str, Any]:
    return {**look, "markersize": 3, "markeredgewidth": 0}


def _against_strength(axes: Axes, points: pd.DataFrame, means: pd.DataFrame, variants: Sequence[str]) -> None:
    strengths = sorted({float(beta) for beta in points.beta})
    step = max(strengths[-1] / strengths[0], 2) ** 0.035
    for position, variant in enumerate(variants):
        # Variants stand beside each other rather than on top of each other: a small step along the log axis.
        dodge = step ** (position - (len(variants) - 1) / 2)
        look = _look(position)
        own = points[points.variant == variant]
        axes.plot(own.beta.astype(float) * dodge, own.value, linestyle="", alpha=0.4, **_small(look))
        own = means[means.variant == variant].dropna(subset=["mean"])
        own = own.iloc[np.argsort(own.beta.astype(float), kind="stable")]
        spread = np.abs(own[["ci_low", "ci_high"]].to_numpy(float).T - own["mean"].to_numpy(float))
        axes.errorbar(
            own.beta.astype(float) * dodge, own["mean"], spread, capsize=1.5, elinewidth=0.8, markersize=3.5, **look
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(strengths))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    every = -(-len(strengths) // MOST_TICKS)
    axes.set_xticks(strengths, [f"{beta:g}" if i % every == 0 else "" for i, beta in enumerate(strengths)])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    # With two seeds an interval is nine times the distance of the seeds; it may leave the panel, not shrink it.
    low, high = points.value.min(), points.value.max()
    room = 0.3 * (high - low) or 0.1 * max(abs(high), 1e-3)
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - room), min(top, high + room))


def _say(axes: Axes, reason: str) -> None:
    """An empty panel says why it is empty."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#d0d0d0", linestyle=(0, (3, 3)))
    text = "\n".join(textwrap.wrap(reason, 19))
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def _legend(figure: Figure, variants: Mapping[str, str], note: str) -> None:
    handles = [Line2D([], [], label=title, **_look(position)) for position, title in enumerate(variants.values())]
    handles.append(Line2D([], [], linestyle="", label=note, color=INK))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6), columnspacing=1.5)
