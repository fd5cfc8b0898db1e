"""The price that a model really pays: the slope of its rate–distortion curve between neighbouring strengths."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from multibeta.report.comparisons import by_seed, sweeps
from multibeta.report.findings import Findings


class Slope(NamedTuple):
    """Nats of distortion for a nat of rate between two strengths; NaN where the seeds do not tell the rates apart.

    Attributes:
        mean: −Δdistortion / Δrate, the ratio of the means over seeds.
        low, high: its 95 % interval.
        pairs: seeds that have both cells.
    """

    mean: float
    low: float
    high: float
    pairs: int


class EffectiveBeta(NamedTuple):
    """The slope between two neighbouring strengths of a variant on a dataset."""

    dataset: str
    variant: str
    beta: str
    next_beta: str
    slope: Slope


def effective_betas(findings: Findings) -> list[EffectiveBeta]:
    """The slopes of every variant's curve, strength by strength; none where there is one strength.

    At the optimum of distortion + β · rate the slope −dD/dR is β (Alemi et al. 2018, "Fixing a Broken ELBO",
    https://arxiv.org/abs/1711.00464), so between the strengths b < c of a well trained β-VAE it lies between b and c;
    of any other objective it is the β of the β-VAE that would make the same trade.
    """
    found = []
    for dataset in findings.datasets:
        rates, distortions = by_seed(findings, dataset, "kl"), by_seed(findings, dataset, "reconstruction")
        for variant, strengths in sweeps(findings, dataset).items():
            for beta, following in pairwise(sorted(strengths, key=float)):
                places = (variant, beta), (variant, following)
                cells = [table.get(place, {}) for table in (rates, distortions) for place in places]
                seeds = [seed for seed in cells[0] if all(seed in cell for cell in cells)]
                rate, next_rate, distortion, next_distortion = ([cell[seed] for seed in seeds] for cell in cells)
                slope = ratio(np.subtract(next_distortion, distortion), np.subtract(rate, next_rate))
                found.append(EffectiveBeta(dataset, variant, beta, following, slope))
    return found


def ratio(above: ArrayLike, below: ArrayLike) -> Slope:
    """Mean of ``above`` over mean of ``below``, n pairs (n,), with Fieller's 95 % interval.

    With t of n − 1 degrees of freedom, variances s and covariance of the means over pairs, g = t² s_b / b̄²:

        (r − g · s_ab / s_b ± t / b̄ · √(s_a − 2 r s_ab + r² s_b − g (s_a − s_ab² / s_b))) / (1 − g)

    The interval is bounded where g < 1, which says that the mean below is told apart from 0; elsewhere, and with one
    pair, all is NaN.

    Source: Fieller 1954, "Some problems in interval estimation", https://doi.org/10.1111/j.2517-6161.1954.tb00159.x
    """
    from scipy.special import stdtrit

    a, b = np.asarray(above, np.float64), np.asarray(below, np.float64)
    n = len(a)
    if n < 2:
        return Slope(math.nan, math.nan, math.nan, n)
    (s_a, s_ab), (_, s_b) = np.cov(a, b, ddof=1) / n
    t = float(stdtrit(n - 1, 0.975))
    if t**2 * s_b >= b.mean() ** 2:
        return Slope(math.nan, math.nan, math.nan, n)
    r, g = a.mean() / b.mean(), t**2 * s_b / b.mean() ** 2
    centre = r - g * s_ab / s_b if s_b > 0 else r
    rest = s_a - s_ab**2 / s_b if s_b > 0 else s_a
    half = t / abs(b.mean()) * math.sqrt(max(0.0, s_a - 2 * r * s_ab + r**2 * s_b - g * rest))
    return Slope(float(r), float((centre - half) / (1 - g)), float((centre + half) / (1 - g)), n)
