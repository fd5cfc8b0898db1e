"""Statistics of differences within seeds: runs of equal seed share initial weights, batch order and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.report.statistics import interval

#: Two-sided, and the chance to see a difference that is there.
ALPHA, POWER = 0.05, 0.8
#: A spread below this, relative to the differences, is that of rounding.
ROUNDING = 1e-9
#: More seeds than this are not counted to.
MOST_SEEDS = 10_000


class Difference(NamedTuple):
    """The mean of paired differences, its 95 % interval and the p value of Student's paired test.

    With one pair ``low``, ``high``, ``std`` and ``p`` are NaN, with none all are. Differences that are all
    equal, but for rounding, are no sample of anything random: they have no interval and no p either.
    """

    mean: float
    low: float
    high: float
    std: float
    p: float
    pairs: int

    @property
    def tells(self) -> bool:
        """Does the interval, not corrected for other comparisons, leave out 0?"""
        return self.low > 0 or self.high < 0


def difference(values: Sequence[float]) -> Difference:
    """Student's paired test on the differences of n pairs: t = d̄ / (s / √n) with n − 1 degrees of freedom.

    Source: Student 1908, "The probable error of a mean", https://doi.org/10.1093/biomet/6.1.1
    """
    from scipy.special import stdtr

    mean, std, low, high = interval(values)
    n = len(values)
    if n < 2:
        return Difference(mean, low, high, std, math.nan, n)
    if std <= ROUNDING * max(map(abs, values)):
        return Difference(mean, math.nan, math.nan, std, math.nan, n)
    return Difference(mean, low, high, std, 2 * float(stdtr(n - 1, -abs(mean) * math.sqrt(n) / std)), n)


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """p values (m,) corrected so that the chance of any false finding among them is at most the level they are read at.

    p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)). NaN stays NaN and does not count.

    Source: Holm 1979, https://www.jstor.org/stable/4615733
    """
    values = np.asarray(p, dtype=np.float64)
    corrected = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.maximum.accumulate(factors * values[order]).clip(max=1)
    return corrected


def seeds_needed(wanted: float, std: float, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """The fewest pairs with which the paired test finds a difference ``wanted`` with this chance; None above 10,000.

    The test statistic has a noncentral t distribution with noncentrality √n · wanted / std.

    Args:
        wanted: the difference to be seen, not 0.
        std: standard deviation of the paired differences.

    Source: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2.
    """
    from scipy.special import nctdtr, stdtrit

    if not math.isfinite(std):
        return None
    if std == 0:
        return 2
    # In parts: most studies need few, and the distribution of ten thousand takes a while.
    for first, end in pairwise((2, 101, 1001, MOST_SEEDS + 1)):
        n = np.arange(first, end)
        shift, least = np.sqrt(n) * abs(wanted) / std, stdtrit(n - 1, 1 - alpha / 2)
        # Where the shift is large the distribution lies far above the bound, and its function is not accurate.
        missed = np.where(shift - least > 30, 0.0, nctdtr(n - 1, np.minimum(shift, least + 30), least))
        found = np.flatnonzero(1 - missed >= power)
        if len(found):
            return int(n[found[0]])
    return None


def at_rate(curve: Sequence[tuple[float, float]], wanted: float) -> float:
    """A measure at a wanted rate, by straight lines between the points of a run's own curve; NaN outside of them.

    Args:
        curve: rate in nats and measure of one seed, at each strength of a variant.
    """
    rates, values = zip(*sorted(curve), strict=True)
    return float(np.interp(wanted, rates, values, left=np.nan, right=np.nan))
