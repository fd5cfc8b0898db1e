"""How much each latent is used: its KL and the variance of its posterior means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from multibeta.figures._style import COLOURS, COLUMN, DPI, INK, MARKERS, MUTED, styled


@styled
def latents(
    kl: NDArray[np.floating],
    variances: NDArray[np.floating],
    seeds: Sequence[int],
    threshold: float = 0.01,
    title: str = "",
) -> Figure:
    """KL (S, D) in nats per image and variance of the posterior means (S, D), of S seeds and D latents.

    The order of latents is arbitrary in every run, so each seed's are ranked by KL, largest first. A latent whose
    variance exceeds the threshold is active (Burda, Grosse & Salakhutdinov 2016).
    """
    if kl.shape != variances.shape or len(kl) != len(seeds):
        raise ValueError(f"KL {kl.shape}, variances {variances.shape} and {len(seeds)} seeds do not fit")
    figure = Figure(figsize=(COLUMN, 2.5), dpi=DPI, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    ranks = np.arange(1, kl.shape[1] + 1)
    for position, seed in enumerate(seeds):
        order = np.argsort(-kl[position], kind="stable")
        active = int((variances[position] > threshold).sum())
        look = {
            "color": COLOURS[position % len(COLOURS)],
            "marker": MARKERS[position % len(MARKERS)],
            "linewidth": 0.8,
            "markersize": 3.5,
            "alpha": 0.85,
        }
        above.plot(ranks, kl[position][order], label=f"seed {seed}: {active} active", **look)
        below.plot(ranks, np.maximum(variances[position][order], 1e-8), **look)
    above.set(ylabel="KL (nats)", ylim=(0, None))
    below.set(ylabel="variance of\nmeans", yscale="log", xlabel="latents of each seed, ranked by KL")
    low, high = below.get_ylim()
    below.set_ylim(min(low, threshold / 5), max(high, threshold * 5))
    below.axhline(threshold, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    below.annotate(
        f"active above {threshold:g}",
        (0, threshold),
        (3, -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left",
        va="top",
        color=MUTED,
    )
    below.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    below.minorticks_off()
    if len(seeds) <= 6:
        above.legend(loc="upper right", handlelength=1.6, borderaxespad=0.1)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure
