"""Which measures say the same: rank correlations as a heat map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import DPI, MUTED, PAGE, styled

#: Inches of a cell at most, and of the longest label.
CELL, LABEL = 0.26, 1.75


@styled
def correlations(values: NDArray[np.floating], labels: Sequence[str], title: str = "") -> Figure:
    """Spearman's ρ (K, K) between K measures, NaN where unknown; each pair once, numbers in hundredths.

    Blue and red differ in brightness from the middle outwards and stay apart for the colour-blind.
    """
    if values.shape != (len(labels), len(labels)):
        raise ValueError(f"correlations {values.shape} and {len(labels)} labels do not fit")
    side = min(CELL * len(labels), PAGE - LABEL)
    figure = Figure(figsize=(side + LABEL, side + LABEL), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    shown = np.ma.masked_invalid(np.where(np.tri(len(labels), k=-1, dtype=bool), values, np.nan))
    image = axes.imshow(shown, cmap="RdBu", vmin=-1, vmax=1, aspect="equal")
    for row, column in itertools.combinations(reversed(range(len(labels))), 2):
        value = values[row, column]
        known = bool(np.isfinite(value))
        ink = MUTED if not known else "white" if abs(value) > 0.6 else "black"
        text = f"{round(100 * value)}" if known else "–"
        axes.text(column, row, text.replace("-", "−"), ha="center", va="center", fontsize=5.5, color=ink)
    axes.set_xticks(range(len(labels) - 1), labels[:-1], rotation=90)
    axes.set_yticks(range(1, len(labels)), labels[1:])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(-0.5, len(labels) - 1.5)
    axes.set_ylim(len(labels) - 0.5, 0.5)
    # The empty half above the diagonal holds the legend.
    beside = axes.inset_axes((0.62, 0.86, 0.36, 0.022))
    bar = figure.colorbar(image, cax=beside, orientation="horizontal", ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label("Spearman's ρ")
    bar.outline.set_visible(False)
    axes.text(0.98, 0.9, title, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
    return figure
