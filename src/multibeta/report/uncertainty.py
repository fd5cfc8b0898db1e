"""How far scores can be trusted: where their variance comes from, and which of them say the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
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
    names, cell = np.unique(cells, return_inverse=True)
    n, groups = len(values), len(names)
    if groups < 2 or n == groups or np.ptp(values) == 0:
        return None
    order = np.argsort(cell, kind="stable")
    values = values[order]
    sizes = np.bincount(cell)
    _, variant_of_run = np.unique(variants, return_inverse=True)
    variant = variant_of_run[order][np.cumsum(sizes) - sizes]
    means = np.add.reduceat(values, np.cumsum(sizes) - sizes) / sizes
    # Resampled residuals vary less than seeds do, by (s − 1)/s, so they are stretched before.
    residuals = (values - means.repeat(sizes)) * np.sqrt(sizes / np.maximum(sizes - 1, 1)).repeat(sizes)
    resampled = means.repeat(sizes) + residuals[_resamples(tuple(sizes.tolist()))]
    low, high = np.quantile(_split(resampled, sizes, variant)[:, 2], [0.025, 0.975])
    of_variant, of_strength, of_seed = _split(values[None], sizes, variant)[0].tolist()
    return Shares(of_variant, of_strength, of_seed, (groups - 1) / (n - 1), float(low), float(high), n)


@lru_cache(maxsize=1)
def _resamples(sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Positions (R, N) drawn with replacement within cells of these sizes; the same for every score of a dataset."""
    counts = np.array(sizes)
    starts = np.cumsum(counts) - counts
    draws = np.random.default_rng(0).random((RESAMPLES, counts.sum()))
    return starts.repeat(counts) + (draws * counts.repeat(counts)).astype(int)


def _split(values: NDArray[np.float64], sizes: NDArray[Any], variant: NDArray[Any]) -> NDArray[np.float64]:
    """Shares of variant, strength and seed for each row of values (R, N): (R, 3).

    Args:
        sizes: (C,), how many of the values each cell has, one cell after the other.
        variant: (C,), of each cell.
    """
    mean = values.mean(1, keepdims=True)
    total = np.square(values - mean).sum(1)
    sums, member = np.add.reduceat(values, np.cumsum(sizes) - sizes, axis=1), np.eye(variant.max() + 1)[variant]
    of_variant = sums @ member / (sizes @ member)
    between = np.square(of_variant - mean) @ (sizes @ member)
    within = np.square(sums / sizes - of_variant[:, variant]) @ sizes
    parts = np.stack([between, within, total - between - within], axis=1).clip(min=0)
    shares: NDArray[np.float64] = parts / np.where(total > 0, total, 1)[:, None]
    return shares


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
    ranked = np.sort(values[..., chosen].mean(-1), axis=-1)
    # As np.quantile, which takes twice as long: a report has hundreds of thousands of means.
    place = np.array([0.025, 0.975]) * (RESAMPLES - 1)
    below = place.astype(int)
    ends: NDArray[np.float64] = ranked[..., below] + (place - below) * (ranked[..., below + 1] - ranked[..., below])
    return ends


def rank_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's ρ between the columns of a table with one row for each run; NaN where fewer than five runs have both.

    A column without variance has no correlation.
    """
    varying = table.loc[:, table.nunique() > 1]
    return varying.corr(method="spearman", min_periods=5)
