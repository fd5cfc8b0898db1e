"""What each latent does to each factor: effects as a heat map, and how well each latent works as a knob."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from multibeta.figures._style import COLOURS, COLUMN, DPI, INK, MUTED, styled

BLUES = LinearSegmentedColormap.from_list("effect", ["white", COLOURS[0]])
#: Effects above this are written in white, to be read on their blue.
DARK = 0.6
#: How many letters fit side by side above the cells.
LETTERS = 34


@styled
def control(
    effect: NDArray[np.floating], score: NDArray[np.floating], factor_names: Sequence[str], title: str = ""
) -> Figure:
    """Effect and score (D, K) of D latents on K factors, both in [0, 1], as the metric ``controllability`` keeps them.

    The latents that are the factors' knobs come first, in the order of the factors, so that an aligned code shows a
    diagonal; the others follow by the largest effect. A knob's cell is framed, and its bar says its score.
    """
    if effect.shape != score.shape or effect.shape[1] != len(factor_names):
        raise ValueError(f"effect {effect.shape}, score {score.shape} and {len(factor_names)} factors do not fit")
    latents, factors = effect.shape
    knobs = _knobs(score)
    rest = [j for j in np.argsort(-effect.max(1), kind="stable").tolist() if j not in knobs.values()]
    rows = [*knobs.values(), *rest]

    figure = Figure(figsize=(COLUMN, 0.75 + 0.17 * latents), dpi=DPI, layout="constrained")
    cells, bars = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    cells.imshow(effect[rows], cmap=BLUES, vmin=0, vmax=1, aspect="auto")
    for row, j in enumerate(rows):
        for k in range(factors):
            colour = "white" if effect[j, k] > DARK else INK
            cells.text(k, row, f"{effect[j, k]:.2f}", color=colour, ha="center", va="center")
    for row, k in enumerate(knobs):
        cells.add_patch(Rectangle((k - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.2, zorder=3))
    crowded = max(map(len, factor_names)) * factors > LETTERS
    cells.set_xticks(range(factors), factor_names, **({"rotation": 30, "ha": "left"} if crowded else {}))
    cells.set_yticks(range(latents), [f"z{j}" for j in rows])
    cells.xaxis.tick_top()
    cells.tick_params(length=0)
    cells.grid(False)
    cells.spines[:].set_visible(False)
    cells.set_xlabel("effect on each factor")

    of_knobs = [score[j, k] for k, j in knobs.items()]
    bars.barh(range(len(knobs)), of_knobs, height=0.6, color=COLOURS[1])
    for row, value in enumerate(of_knobs):
        bars.annotate(f"{value:.2f}", (value, row), (2, 0), textcoords="offset points", va="center", color=MUTED)
    mean = sum(of_knobs) / factors
    bars.set(xlim=(0, 1.3), xticks=(0, 0.5, 1), xlabel=f"score (mean {mean:.2f})")
    bars.tick_params(axis="y", length=0, labelleft=False)
    bars.grid(axis="y", visible=False)
    bars.spines["left"].set_visible(False)
    bars.spines["bottom"].set_bounds(0, 1)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure


def _knobs(score: NDArray[np.floating]) -> dict[int, int]:
    """The latent of each factor that has one, by factor: one each, so that the sum of scores is greatest."""
    latents, factors = linear_sum_assignment(score, maximize=True)
    pairs = sorted(zip(factors.tolist(), latents.tolist(), strict=True))
    return {k: j for k, j in pairs if score[j, k] > 0}
