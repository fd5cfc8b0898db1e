"""How far scores can be trusted: where their variance comes from, and which of them say the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000
#: Fewer seeds than this have no interval by resampling.
FEWEST = 3


class Shares(NamedTuple):
    """Of the variance of a score over the runs of a dataset, the shares of variant, strength and seed; they sum to 1.

    Attributes:
        variant: between the means of the variants.
        strength: between the means of the strengths of a variant.
        seed: within cells.
        by_chance: what ``variant`` and ``strength`` together would be given if all runs were equally distributed.
        seed_low, seed_high: 95 % interval of ``seed``, by resampling the residuals of every cell.
        runs: how many.
    """

    variant: float
    strength: float
    seed: float
    by_chance: float
    seed_low: float
    seed_high: float
    runs: int


def variance_shares(values: NDArray[np.float64], variants: Sequence[str], cells: Sequence[str]) -> Shares | None:
    """Split the sum of squares of ``values`` (N,) by their variant and their cell, a cell having one variant.

    SS = Σ_v n_v (ȳ_v − ȳ)² + Σ_c n_c (ȳ_c − ȳ_v)² + Σ_i (y_i − ȳ_c)², the nested analysis of variance (Scheffé 1959).
    None if there are no two seeds of any cell, no two cells, or no variance.
    """
    _, variant = np.unique(variants, return_inverse=True)
    _, cell = np.unique(cells, return_inverse=True)
    n, groups = len(values), cell.max(initial=-1) + 1
    if groups < 2 or n == groups or np.ptp(values) == 0:
        return None
    order = np.argsort(cell, kind="stable")
    values, variant, cell = values[order], variant[order], cell[order]
    sizes = np.bincount(cell)
    starts = np.cumsum(sizes) - sizes
    means = _means(values[None], cell)[0]
    # Resampled residuals vary less than seeds do, by (s − 1)/s, so they are stretched before.
    residuals = (values - means) * np.sqrt(sizes / np.maximum(sizes - 1, 1))[cell]
    draws = np.random.default_rng(0).random((RESAMPLES, n))
    resampled = means + residuals[starts[cell] + (draws * sizes[cell]).astype(int)]
    low, high = np.quantile(_split(resampled, variant, cell)[:, 2], [0.025, 0.975])
    of_variant, of_strength, of_seed = _split(values[None], variant, cell)[0].tolist()
    return Shares(of_variant, of_strength, of_seed, (groups - 1) / (n - 1), float(low), float(high), n)


def _split(values: NDArray[np.float64], variant: NDArray[Any], cell: NDArray[Any]) -> NDArray[np.float64]:
    """Shares of variant, strength and seed for each row of values (R, N): (R, 3)."""
    total = np.square(values - values.mean(1, keepdims=True)).sum(1)
    of_variant, of_cell = (_means(values, group) for group in (variant, cell))
    between = np.square(of_variant - values.mean(1, keepdims=True)).sum(1)
    within = np.square(of_cell - of_variant).sum(1)
    parts = np.stack([between, within, total - between - within], axis=1).clip(min=0)
    return parts / np.where(total > 0, total, 1)[:, None]


def _means(values: NDArray[np.float64], group: NDArray[Any]) -> NDArray[np.float64]:
    """Each value replaced by the mean of its group."""
    indicator = np.eye(group.max() + 1)[group]
    means: NDArray[np.float64] = (values @ indicator / indicator.sum(0))[:, group]
    return means


class Spread(NamedTuple):
    """Standard deviation of a score between training seeds of a cell and between metric seeds of a run, pooled."""

    training: float
    metric: float


def spread(runs: pd.DataFrame, repeats: pd.DataFrame) -> Spread:
    """Root of the mean variance (n − 1) within cells of ``runs`` and within runs of ``repeats``.

    Args:
        runs: ``cell``, ``value``: a row for each run.
        repeats: ``cell``, ``value``: a row for each metric seed of one run of the cell.

    NaN where no cell has two.
    """

    def pooled(table: pd.DataFrame) -> float:
        variances = table.groupby("cell").value.var(ddof=1).dropna()
        return math.sqrt(variances.mean()) if len(variances) else math.nan

    return Spread(pooled(runs), pooled(repeats))


def bootstrap(values: ArrayLike) -> NDArray[np.float64]:
    """The 2.5 and 97.5 percentiles (..., 2) of the mean of values (..., n) over 2,000 resamples; NaN if n < 3.

    With few values the interval is too narrow: five have 126 different resamples, and none leaves their range
    (Efron 1979).
    """
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[-1]
    if n < FEWEST:
        return np.full((*values.shape[:-1], 2), np.nan)
    chosen = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    return np.moveaxis(np.quantile(values[..., chosen].mean(-1), [0.025, 0.975], axis=-1), 0, -1)


def rank_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's ρ between the columns of a table with one row for each run; NaN where fewer than five runs have both.

    A column without variance has no correlation.
    """
    varying = table.loc[:, table.nunique() > 1]
    return varying.corr(method="spearman", min_periods=5)
