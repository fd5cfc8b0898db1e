"""How much each latent is used: its KL and the variance of its posterior means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from multibeta.figures._style import COLUMN, DPI, INK, MUTED, styled, told_apart


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
    variance exceeds the threshold is active (Burda, Grosse & Salakhutdinov 2016). Codes that are points have no KL: it
    is then NaN, and they are ranked by variance.
    """
    import pandas as pd
    import seaborn as sns

    if kl.shape != variances.shape or len(kl) != len(seeds):
        raise ValueError(f"KL {kl.shape}, variances {variances.shape} and {len(seeds)} seeds do not fit")
    points = bool(np.isnan(kl).all())
    order = np.argsort(-(variances if points else kl), axis=1, kind="stable")
    names = [f"seed {seed}: {(own > threshold).sum()} active" for seed, own in zip(seeds, variances, strict=True)]
    ranked = pd.DataFrame(
        {
            "seed": np.repeat(names, kl.shape[1]),
            "rank": np.tile(np.arange(1, kl.shape[1] + 1), len(seeds)),
            "kl": np.take_along_axis(kl, order, 1).ravel(),
            "variance": np.maximum(np.take_along_axis(variances, order, 1), 1e-8).ravel(),
        }
    )
    figure = Figure(figsize=(COLUMN, 2.5), dpi=DPI, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    lines = {**told_apart("seed", names), "dashes": False}
    lines |= {"linewidth": 0.8, "markersize": 3.5, "markeredgewidth": 0, "alpha": 0.85}
    few = len(seeds) <= 6
    for axes, measure, legend in ((above, "kl", few and "full"), (below, "variance", False)):
        sns.lineplot(ranked, x="rank", y=measure, estimator=None, legend=legend, ax=axes, **lines)
    above.set(ylabel="KL (nats)", ylim=(0, None))
    if points:
        above.annotate("no KL: codes are points", (0.03, 0.5), xycoords="axes fraction", va="center", color=MUTED)
        above.set_yticks([])
    by = "variance" if points else "KL"
    below.set(ylabel="variance of\nmeans", yscale="log", xlabel=f"latents of each seed, ranked by {by}")
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
    if few:
        above.legend(loc="upper right", handlelength=1.6, borderaxespad=0.1)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure
