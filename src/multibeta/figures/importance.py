"""Which latents tell each factor: DCI's importance matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._matrix import assigned, bars, heat_map, order
from multibeta.figures._style import COLUMN, DPI, styled


@styled
def importance(values: NDArray[np.floating], factor_names: Sequence[str], title: str = "") -> Figure:
    """Importance (D, K) of D latents for K factors, the columns of which sum to 1, as the metric ``dci`` keeps it.

    The latents that tell most of one factor come first, in the order of the factors, so that disentangled codes show a
    diagonal. Bars are each latent's weight, its share of all importance.
    """
    if values.shape[1] != len(factor_names):
        raise ValueError(f"importance {values.shape} and {len(factor_names)} factors do not fit")
    own = assigned(values)
    rows = order(values, own)
    figure = Figure(figsize=(COLUMN, 0.75 + 0.17 * len(values)), dpi=DPI, layout="constrained")
    cells, beside = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    heat_map(cells, values[rows], [f"z{j}" for j in rows], list(own), factor_names)
    cells.set_xlabel("importance for each factor")
    weight = values.sum(1) / max(values.sum(), 1e-12)
    bars(beside, weight[rows].tolist(), "share of all")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure
