"""Which measures say the same: rank correlations as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import COLOURS, DPI, INK, MUTED, REPORT, Look, styled

#: Inches of a cell at most, and of the longest label.
CELL, LABEL = 0.26, 1.75
MAP = LinearSegmentedColormap.from_list("orange_blue", [COLOURS[5], "white", COLOURS[4]])


@styled
def correlations(values: NDArray[np.floating], labels: Sequence[str], title: str = "", look: Look = REPORT) -> Figure:
    """Spearman's ρ (K, K) between K measures, NaN where unknown; each pair once, numbers in hundredths.

    Blue and orange stay apart for the colour-blind, and dark numbers are read on both.
    """
    import seaborn as sns

    if values.shape != (len(labels), len(labels)):
        raise ValueError(f"correlations {values.shape} and {len(labels)} labels do not fit")
    side = min(CELL * len(labels), look.width - LABEL)
    figure = Figure(figsize=(side + LABEL, side + LABEL), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)  # without one, seaborn has a picture of the whole figure made for each label it measures
    axes = figure.subplots()
    # The first measure has no row and the last no column: they would hold nothing below the diagonal.
    values, pair = values[1:, :-1], np.tri(len(labels) - 1, dtype=bool)
    unknown = pair & ~np.isfinite(values)
    hundredths = np.nan_to_num(100 * values).round().astype(int).astype(str)
    numbers = {"annot": np.char.replace(hundredths, "-", "−"), "fmt": "", "annot_kws": {"size": 5.5, "color": INK}}
    names = {"xticklabels": labels[:-1], "yticklabels": labels[1:]}
    # The empty half above the diagonal holds the legend.
    beside = axes.inset_axes((0.62, 0.86, 0.36, 0.022))
    bar = {"orientation": "horizontal", "ticks": [-1, 0, 1], "label": "Spearman's ρ"}
    shown = {"vmin": -1, "vmax": 1, "cmap": MAP, "square": True, "cbar_ax": beside, "cbar_kws": bar}
    sns.heatmap(values, mask=~pair | unknown, ax=axes, **shown, **numbers, **names)
    for row, column in np.argwhere(unknown):
        axes.text(column + 0.5, row + 0.5, "–", ha="center", va="center", fontsize=5.5, color=MUTED)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    axes.grid(visible=False)
    axes.text(0.98, 0.9, title, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
    return figure
