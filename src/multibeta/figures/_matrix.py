"""A matrix of latents or edits, and factors, as a heat map with its numbers in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from multibeta.figures._style import COLOURS, INK, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Light enough for dark numbers everywhere.
BLUES = LinearSegmentedColormap.from_list("blues", ["white", COLOURS[4]])
#: How many letters fit side by side above the cells, and how many of one name beside them.
LETTERS, OF_NAME = 34, 16


def assigned(score: NDArray[np.floating]) -> dict[int, int]:
    """The latent of each factor that has one, by factor: one each, so that the sum of scores (D, K) is greatest."""
    latents, factors = linear_sum_assignment(score, maximize=True)
    pairs = sorted(zip(factors.tolist(), latents.tolist(), strict=True))
    return {k: j for k, j in pairs if score[j, k] > 0}


def order(values: NDArray[np.floating], own: dict[int, int]) -> list[int]:
    """Latents: those of the factors first, in the order of the factors, the others by their largest value (D, K)."""
    rest = [j for j in np.argsort(-values.max(1), kind="stable").tolist() if j not in own.values()]
    return [*own.values(), *rest]


def heat_map(
    axes: Axes,
    values: NDArray[np.floating],
    row_names: Sequence[str],
    framed: Sequence[int],
    column_names: Sequence[str],
) -> None:
    """Values (R, K) in [0, 1]; in each of the first rows one column is framed."""
    import seaborn as sns

    # Without one, seaborn has a picture of the whole figure made for each label it measures.
    figure: Any = axes.figure
    FigureCanvasAgg(figure)
    row_names, column_names = ([shortened(name, OF_NAME) for name in each] for each in (row_names, column_names))
    numbers = {"annot": True, "fmt": ".2f", "annot_kws": {"color": INK}}
    names = {"xticklabels": column_names, "yticklabels": row_names}
    sns.heatmap(values, vmin=0, vmax=1, cmap=BLUES, cbar=False, ax=axes, **numbers, **names)
    for row, column in enumerate(framed):
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=INK, linewidth=1.2, clip_on=False))
    crowded = max(map(len, column_names)) * len(column_names) > LETTERS
    axes.xaxis.tick_top()
    axes.tick_params(length=0, rotation=0)
    if crowded:
        axes.set_xticks(axes.get_xticks(), column_names, rotation=30, ha="left")


def bars(axes: Axes, values: Sequence[float], label: str) -> None:
    """A horizontal bar beside each of the first rows, 0 to 1, with its number."""
    # By hand: the axis is shared with seaborn's heat map, whose rows lie around halves; its bars lie on whole numbers.
    drawn = axes.barh([row + 0.5 for row in range(len(values))], values, height=0.6, color=COLOURS[1])
    axes.bar_label(drawn, fmt="%.2f", padding=2)
    axes.set(xlim=(0, 1.3), xticks=(0, 0.5, 1), xlabel=label)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(0, 1)
