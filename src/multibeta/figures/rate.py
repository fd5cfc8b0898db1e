"""The rate axis: a score against what it costs and against the rate, and the strength that a model really has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from multibeta.figures._panels import bands, blocks, labelled, legend, rows_for, say
from multibeta.figures._style import DPI, INK, REPORT, Look, styled, told_apart

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Around numbers, so that lines do not strike them out.
HALO = [withStroke(linewidth=1.5, foreground="white")]
#: Inches that a panel takes at least.
PANEL = 1.5
#: Of an axis of strengths, as far as they lie on it.
TICKS = (0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 512, 2048, 10_000)


@styled
def rate_axis(
    means: pd.DataFrame,
    slopes: pd.DataFrame,
    score: str,
    variants: Mapping[str, str],
    datasets: Sequence[str],
    symbols: Mapping[str, str] | None = None,
    look: Look = REPORT,
) -> Figure:
    """Three panels for each dataset: the score against reconstruction, against the rate, and effective against own β.

    Many variants are drawn in bands below each other, by the letter of their strength. Where a row is too narrow for
    the panels, a dataset has several.

    Args:
        means: one row per cell: dataset, variant, beta, kl, reconstruction (both in nats per image), score, and
            ``front``: is the cell on the Pareto front of score and reconstruction?
        slopes: one row per neighbouring pair of strengths: dataset, variant, beta, next_beta, slope, low, high.
        score: title of the score.
        variants: title by name, in order.
        datasets: names, in order.
        symbols: letter of the strength by name of variant; β where there is none.
        look: where it is printed.
    """
    parted = bands(variants, symbols or {})
    rows = rows_for(3, look.width, PANEL)
    height = (1.75 * len(datasets) * rows + 0.45) * len(parted)
    figure = Figure(figsize=(look.width, height), dpi=DPI, layout="constrained")
    parts: list[Any] = [figure] if len(parted) == 1 else list(figure.subfigures(len(parted), 1, squeeze=False)[:, 0])
    note = "rings: no cell is shown to be better in both; bars: 95 % interval"
    for part, own in zip(parts, parted, strict=True):
        grid = blocks(part, len(datasets), 3, rows)
        letters = ", ".join(dict.fromkeys((symbols or {}).get(variant, "β") for variant in own))
        for row, dataset in zip(grid, datasets, strict=True):
            cells = means[(means.dataset == dataset) & means.variant.isin(list(own))]
            lines = slopes[(slopes.dataset == dataset) & slopes.variant.isin(list(own))].dropna(subset=["slope"])
            for axes, x, label in (
                (row[0], "reconstruction", "reconstruction (nats per image)"),
                (row[1], "kl", "rate: KL (nats per image)"),
            ):
                if cells.empty:
                    say(axes, "not measured")
                    continue
                _paths(axes, cells, x, list(own))
                axes.set(xlabel=label, ylabel=score)
            row[0].set_title(dataset, fontweight="bold", loc="left")
            if lines.empty:
                say(row[2], "fewer than two strengths or seeds with rates told apart")
            else:
                _effective(row[2], lines, list(own))
                row[2].set(xlabel=f"{letters} of the objective", ylabel="effective β: −ΔD / ΔR")
        legend(part, own, note if part is parts[-1] else "", look.width)
    return figure


def _paths(axes: Axes, cells: pd.DataFrame, x: str, variants: list[str]) -> None:
    """The cells of each variant joined in the order of the strength, which stands beside them."""
    looks = told_apart("variant", variants)
    for position, variant in enumerate(variants):
        own = cells[cells.variant == variant].sort_values("beta", key=lambda beta: beta.astype(float))
        colour, marker = looks["palette"][position], looks["markers"][position]
        axes.plot(own[x], own.score, color=colour, marker=marker, markersize=3.5, markeredgewidth=0)
        ringed = own[own.front]
        axes.plot(
            ringed[x], ringed.score, "o", markersize=7, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.7
        )
        side, ha, va = ((1, "left", "bottom"), (-1, "right", "top"))[position % 2]
        for cell in labelled(own).itertuples():
            place: Any = {"textcoords": "offset points", "ha": ha, "va": va, "color": colour, "path_effects": HALO}
            axes.annotate(str(cell.beta), (getattr(cell, x), cell.score), (4 * side, 3 * side), **place)
    axes.margins(0.12)
    axes.locator_params(nbins=5)


def _effective(axes: Axes, lines: pd.DataFrame, variants: list[str]) -> None:
    """The slope between two strengths, over their geometric mean; on the diagonal the two agree."""
    looks = told_apart("variant", variants)
    seen = []
    for position, variant in enumerate(variants):
        own = lines[(lines.variant == variant) & (lines.slope > 0)]
        x = np.sqrt(own.beta.astype(float) * own.next_beta.astype(float)) * 1.06 ** (position - (len(variants) - 1) / 2)
        # A slope of no sign has no place on a log axis: its bar ends at the bottom.
        below = (own.slope - own.low.clip(lower=1e-9)).clip(lower=0)
        axes.errorbar(
            x,
            own.slope,
            [below, own.high - own.slope],
            color=looks["palette"][position],
            marker=looks["markers"][position],
            markersize=3.5,
            markeredgewidth=0,
            capsize=1.5,
            elinewidth=0.8,
        )
        seen += [*x, *own.slope]
    axes.set_xscale("log")
    axes.set_yscale("log")
    if seen:
        low, high = 0.7 * min(seen), 1.5 * max(seen)
        axes.plot([low, high], [low, high], color=INK, linewidth=0.6, linestyle=(0, (3, 3)), zorder=0)
        axes.set_ylim(low, high)
    for axis, (bottom, top) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        ticks = [tick for tick in TICKS if bottom <= tick <= top]
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
