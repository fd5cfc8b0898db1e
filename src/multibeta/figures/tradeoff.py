"""What the strength buys and costs: measures against β, and distortion against rate."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from multibeta.figures._panels import DENSE, LINE, TOGETHER, bands, blocks, labelled, legend, rows_for, say
from multibeta.figures._style import DPI, INK, REPORT, Look, styled, told_apart

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW = 1.45  # inches
#: Inches that a panel takes at least: against the strength, of rate and distortion, and of one variant of many.
PANEL, PLANE, SMALL = 1.3, 2.2, 1.6
#: And at most, against the strength.
WIDEST = 2.3
RATE, DISTORTION = "rate: KL (nats per image)", "distortion: reconstruction\n(nats per image)"
#: Letters of tick labels that fit below a panel, each label with one of space.
TICK_LETTERS = 20
#: A strength stands away from the ends of its axis by this factor at least, and by this power of the range of all.
ROOM, ROOM_POWER = 1.5, 0.1


@styled
def tradeoff(
    points: pd.DataFrame,
    means: pd.DataFrame,
    panels: Mapping[str, str],
    variants: Mapping[str, str],
    reasons: Mapping[tuple[str, str], str],
    symbols: Mapping[str, str] | None = None,
    level: float | None = None,
    look: Look = REPORT,
    marked: tuple[str, str, str] | None = None,
) -> Figure:
    """One row of panels per dataset, one panel per measure, against the strength on a log axis.

    Many variants are drawn in bands below each other, by the letter of their strength; the panels of a dataset
    have the same strengths below them, also those where they have no number. Where a row is too narrow for the panels,
    a dataset has several.

    Args:
        points: one row per run: dataset, variant, beta (text), panel, value.
        means: one row per cell: dataset, variant, beta, panel, mean, ci_low, ci_high (NaN below two seeds).
        panels: title by name of panel, in order.
        variants: title by name of variant, in order; colour and marker follow the order.
        reasons: why a panel is empty, by (dataset, panel); its keys also name every dataset and panel to draw.
        symbols: letter of the strength by name of variant; β where there is none.
        level: for differences to a reference strength, where to draw a line across every panel.
        look: where it is printed.
        marked: dataset, variant and beta of a cell to draw a ring around.
    """
    datasets = list(dict.fromkeys(dataset for dataset, _ in reasons))
    what = "" if level is None else "differences to the reference strength; "
    dense = points.beta.nunique() > DENSE
    note = f"{what}line and {'band' if dense else 'bar'}: mean and 95 % interval{'' if dense else '; points: seeds'}"
    parted = bands(variants, symbols or {})
    rows = rows_for(len(panels), look.width, PANEL)
    # Where a dataset has several rows, every panel has its title.
    height = (ROW + 0.15 * (rows > 1)) * len(datasets) * rows + 0.35 + (0.25 if len(parted) > 1 else 0)
    figure = Figure(figsize=(look.width, height * len(parted)), dpi=DPI, layout="constrained")
    parts: list[Any] = [figure] if len(parted) == 1 else list(figure.subfigures(len(parted), 1, squeeze=False)[:, 0])
    for part, own in zip(parts, parted, strict=True):
        grid = blocks(part, len(datasets), len(panels), rows, least=int(look.width / WIDEST))
        letters = ", ".join(dict.fromkeys((symbols or {}).get(variant, "β") for variant in own))
        of_points, of_means = (table[table.variant.isin(list(own))] for table in (points, means))
        strengths = {dataset: _strengths(dataset, of_points, of_means) for dataset in datasets}
        for column, (panel, title) in enumerate(panels.items()):
            lowest = None
            for axes, dataset in zip(grid[:, column], datasets, strict=True):
                if rows > 1 or (part is parts[0] and dataset == datasets[0]):
                    axes.set_title(title)
                seeds = _at(of_points, dataset, panel)
                if seeds.empty:
                    say(axes, reasons[dataset, panel] or "not measured")
                else:
                    if level is not None:
                        axes.axhline(level, color=INK, linewidth=0.6)
                    shown = seeds, _at(of_means, dataset, panel)
                    _against_strength(axes, strengths[dataset], *shown, list(own), marked, dense)
                    lowest = axes
            if lowest:
                lowest.set_xlabel(letters)
        # The first of every row.
        for own_panels, dataset in zip(grid, datasets, strict=True):
            for axes in own_panels[:: -(-len(panels) // rows)]:
                axes.set_ylabel(dataset, fontsize=8, fontweight="bold")
        part.align_ylabels(grid[:, :: -(-len(panels) // rows)].flat)
        legend(part, own, note if part is parts[-1] else "", look.width)
    return figure


@styled
def rate_distortion(
    points: pd.DataFrame,
    means: pd.DataFrame,
    variants: Mapping[str, str],
    datasets: Sequence[str],
    symbols: Mapping[str, str] | None = None,
    look: Look = REPORT,
    marked: tuple[str, str, str] | None = None,
) -> Figure:
    """Reconstruction against KL, a panel per dataset, up to three to a row.

    Of many variants each has a panel of its own, in which the others stand in grey.

    Args:
        points: one row per run: dataset, variant, beta, kl, reconstruction, both in nats per image.
        means: the same columns, one row per cell; labelled with β.
        variants: title by name, in order.
        datasets: names, in order.
        symbols: letter of the strength by name of variant; β where there is none.
        look: where it is printed.
        marked: dataset, variant and beta of a cell to draw a ring around.
    """
    letters = ", ".join(dict.fromkeys((symbols or {}).get(variant, "β") for variant in variants))
    note = f"numbers: {letters}; line: mean over seeds; points: seeds"
    if len(variants) > TOGETHER:
        note = f"{note}; grey: all other variants"
        return _rate_distortion_of_each(points, means, variants, datasets, note, look, marked)
    columns = min(int(look.width / PLANE), max(2, len(datasets)))
    rows = -(-len(datasets) // columns)
    figure = Figure(figsize=(look.width, 2.35 * rows + 0.3), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for dataset, axes in zip(datasets, grid, strict=False):  # in this order, or zip would swallow a panel
        axes.set_title(dataset, fontweight="bold")
        if points[points.dataset == dataset].empty:
            say(axes, "no finished run")
            continue
        _paths(axes, points[points.dataset == dataset], means[means.dataset == dataset], list(variants))
        _ring(axes, _cell(means[means.dataset == dataset], marked), "kl", "reconstruction")
        axes.set(xlabel=RATE, ylabel=DISTORTION)
        axes.margins(0.1)
        axes.locator_params(nbins=6)
    for axes in list(grid):
        axes.set_axis_off()
    legend(figure, variants, note, look.width)
    return figure


def _rate_distortion_of_each(
    points: pd.DataFrame,
    means: pd.DataFrame,
    variants: Mapping[str, str],
    datasets: Sequence[str],
    note: str,
    look: Look,
    marked: tuple[str, str, str] | None,
) -> Figure:
    """Panels of one variant each, up to four to a row, dataset by dataset; equal axes within a dataset."""
    columns = int(look.width / SMALL)
    places = [(dataset, [name for name in variants if _has(points, dataset, name)]) for dataset in datasets]
    rows = [max(1, -(-len(names) // columns)) for _, names in places]
    figure = Figure(figsize=(look.width, 1.55 * sum(rows) + 0.4), dpi=DPI, layout="constrained")
    parts = list(figure.subfigures(len(places), 1, squeeze=False, height_ratios=rows)[:, 0])
    for part, (dataset, names), count in zip(parts, places, rows, strict=True):
        part.suptitle(dataset, fontsize=8, fontweight="bold")
        grid = part.subplots(count, columns, squeeze=False, sharex=True, sharey=True)
        of_points, of_means = (table[table.dataset == dataset] for table in (points, means))
        for axes, name in zip(grid.flat, names, strict=False):
            axes.scatter(of_points.kl, of_points.reconstruction, s=2, color="#c8c8c8", linewidth=0)
            own, path = (table[table.variant == name] for table in (of_points, of_means))
            _paths(axes, own, path, [name])
            _ring(axes, _cell(path, marked), "kl", "reconstruction")
            axes.set_title(variants[name])
            axes.set(xlabel="", ylabel="")
            axes.margins(0.12)
            axes.locator_params(nbins=4)
        for axes in grid.flat[max(0, len(names) - columns) : len(names)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        for axes in grid.flat[len(names) :]:
            axes.set_axis_off()
        if not names:
            say(grid[0, 0], "no finished run")
        part.supxlabel(RATE, fontsize=7)
        part.supylabel(DISTORTION, fontsize=7)
    handles = [Line2D([], [], linestyle="", label=textwrap.fill(note, int(LINE * look.width)))]
    figure.legend(handles=handles, loc="outside lower center", handlelength=0, handletextpad=0)
    return figure


def _has(points: pd.DataFrame, dataset: str, variant: str) -> bool:
    return bool(((points.dataset == dataset) & (points.variant == variant)).any())


def _paths(axes: Axes, points: pd.DataFrame, means: pd.DataFrame, variants: list[str]) -> None:
    """Seeds, and the cells of each variant joined in the order of the strength, which stands beside them."""
    looks = told_apart("variant", variants)
    paths = means.sort_values("beta", key=lambda beta: beta.astype(float), kind="stable")
    _draw(axes, points, paths, "kl", "reconstruction", looks, sort=False, estimator=None)
    # By hand: seaborn writes nothing beside its points.
    for cell in (cell for name in variants for cell in labelled(paths[paths.variant == name]).itertuples()):
        position = variants.index(str(cell.variant))
        side, ha, va = ((1, "left", "bottom"), (-1, "right", "top"))[position % 2]
        place = {"textcoords": "offset points", "ha": ha, "va": va, "color": looks["palette"][position]}
        axes.annotate(str(cell.beta), (cell.kl, cell.reconstruction), (4 * side, 3 * side), **place)


def _cell(means: pd.DataFrame, place: tuple[str, str, str] | None) -> pd.DataFrame:
    dataset, variant, beta = place or ("", "", "")
    return means[(means.dataset == dataset) & (means.variant == variant) & (means.beta == beta)]


def _ring(axes: Axes, cell: pd.DataFrame, x: str, y: str) -> None:
    if len(cell):
        axes.scatter(cell[x], cell[y], s=90, facecolors="none", edgecolors=INK, linewidths=1.3, zorder=5)


def _at(table: pd.DataFrame, dataset: str, panel: str) -> pd.DataFrame:
    return table[(table.dataset == dataset) & (table.panel == panel)]


def _draw(axes: Axes, points: pd.DataFrame, means: pd.DataFrame, x: str, y: str, looks: Any, **line: Any) -> None:
    """Seeds as faint points, cells as a line with markers."""
    import seaborn as sns

    if len(points):
        sns.scatterplot(points, x=x, y=y, s=9, linewidth=0, alpha=0.4, legend=False, ax=axes, **looks)
    if len(means):
        sns.lineplot(means, x=x, y=y, dashes=False, markeredgewidth=0, legend=False, ax=axes, **looks, **line)


def _strengths(dataset: str, *tables: pd.DataFrame) -> list[float]:
    return sorted({float(beta) for table in tables for beta in table.beta[table.dataset == dataset]})


def _limits(strengths: Sequence[float]) -> tuple[float, float]:
    """The ends of a log axis on which even a single strength is seen to be one."""
    room = max(ROOM, (strengths[-1] / strengths[0]) ** ROOM_POWER)
    return strengths[0] / room, strengths[-1] * room


def _ticks(strengths: Sequence[float]) -> list[float]:
    """From left to right, each strength whose label does not touch the one before it on the log axis."""
    left, right = np.log(_limits(strengths))
    places = (np.log(strengths) - left) * TICK_LETTERS / (right - left)
    ticks, free = [], -np.inf
    for beta, place in zip(strengths, places, strict=True):
        half = (len(f"{beta:g}") + 1) / 2
        if place - half >= free:
            ticks.append(beta)
            free = place + half
    return ticks


def _against_strength(
    axes: Axes,
    strengths: Sequence[float],
    points: pd.DataFrame,
    means: pd.DataFrame,
    variants: Sequence[str],
    marked: tuple[str, str, str] | None,
    dense: bool,
) -> None:
    """The cells of each variant as a line with intervals, and their seeds; if dense with bands, and without seeds."""
    left, right = _limits(strengths)
    step = (right / left) ** 0.03
    # Variants stand beside each other rather than on top of each other: a small step along the log axis.
    steps = {variant: step ** (i - (len(variants) - 1) / 2) for i, variant in enumerate(variants)}
    points, means = (
        table.assign(x=table.beta.astype(float) * table.variant.map(steps).astype(float)) for table in (points, means)
    )
    looks = told_apart("variant", variants)
    seeds = points[:0] if dense else points
    _draw(axes, seeds, means.rename(columns={"mean": "value"}), "x", "value", looks, estimator=None, markersize=3.5)
    # By hand: seaborn computes its intervals itself, row by row, where the caller has them.
    for variant, colour in zip(variants, looks["palette"], strict=True):
        own = means[(means.variant == variant) & means.ci_low.notna()].sort_values("x")
        own = own.astype({"ci_low": float, "ci_high": float})
        if dense:
            axes.fill_between(own.x, own.ci_low, own.ci_high, color=colour, alpha=0.15, linewidth=0)
        else:
            bars = [own["mean"] - own.ci_low, own.ci_high - own["mean"]]
            axes.errorbar(own.x, own["mean"], bars, fmt="none", ecolor=colour, elinewidth=0.8, capsize=1.5)
    _ring(axes, _cell(means, marked), "x", "mean")
    axes.set(xlabel="", ylabel="")
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = _ticks(strengths)
    axes.set_xticks(ticks, [f"{beta:g}" for beta in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    # With two seeds an interval is nine times the distance of the seeds; it may leave the panel, not shrink it.
    drawn = np.concatenate([seeds.value, means["mean"]])
    low, high = drawn.min(), drawn.max()
    room = 0.3 * (high - low) or 0.1 * max(abs(high), 1e-3)
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - room), min(top, high + room))
