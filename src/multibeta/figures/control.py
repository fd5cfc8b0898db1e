"""What each latent does to each factor: effects as a heat map, and how well each latent works as a knob."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._matrix import assigned, bars, heat_map, order
from multibeta.figures._style import COLUMN, DPI, styled


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
    knobs = assigned(score)
    figure = Figure(figsize=(COLUMN, 0.75 + 0.17 * latents), dpi=DPI, layout="constrained")
    cells, beside = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    rows = order(effect, knobs)
    heat_map(cells, effect[rows], [f"z{j}" for j in rows], list(knobs), factor_names)
    cells.set_xlabel("effect on each factor")
    of_knobs = [score[j, k] for k, j in knobs.items()]
    bars(beside, of_knobs, f"score (mean {sum(of_knobs) / factors:.2f})")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure
