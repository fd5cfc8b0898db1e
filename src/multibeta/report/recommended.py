"""Which strength to take: the smallest one that is as good as the best, or the answer that the study cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.report.comparisons import by_seed, sweeps
from multibeta.report.findings import Findings
from multibeta.report.paired import ALPHA, difference

#: What a strength is chosen by, each with a column of its own; the first is the one that the report recommends.
MEASURES = ("mig", "dci_disentanglement", "factor_vae_score", "controllability")
RESAMPLES = 2_000
#: The rule, in a sentence.
RULE = (
    "The smallest strength whose score is at most one standard error of their paired difference below that of the "
    "best: what is stronger costs reconstruction and buys nothing that the seeds can tell"
)


class Recommended(NamedTuple):
    """A strength by a measure, and how sure it is.

    Attributes:
        beta: the strength; "" where there is none.
        reason: why there is none, or ``above`` or ``below``: the score is best at that end of the grid, so the grid
            does not reach where it would turn.
        shares: how often each strength is chosen when the seeds are drawn anew, with replacement.
        seeds: those that have every strength.
    """

    dataset: str
    variant: str
    metric: str
    beta: str
    reason: str
    shares: dict[str, float]
    seeds: int


def recommended(findings: Findings) -> list[Recommended]:
    """A row for each dataset, variant and measure that is there."""
    rows = []
    for dataset in findings.datasets:
        for metric in MEASURES:
            values = by_seed(findings, dataset, metric)
            for variant, strengths in sweeps(findings, dataset).items():
                scores = {beta: values.get((variant, beta), {}) for beta in sorted(strengths, key=float)}
                if values:
                    rows.append(Recommended(dataset, variant, metric, *choose(scores)))
    return rows


def choose(scores: Mapping[str, Mapping[int, float]]) -> tuple[str, str, dict[str, float], int]:
    """The strength, the reason, the shares and the seeds of `Recommended`.

    The rule is that of one standard error (Breiman et al. 1984, "Classification and Regression Trees", §3.4.3), with
    the standard error of the differences within seeds. It is asked only where the score depends on the strength at all,
    by Friedman's test within seeds (Friedman 1937; for comparisons of methods: Demšar 2006,
    https://jmlr.org/papers/v7/demsar06a.html): a flat curve has no knee.

    Args:
        scores: by strength, from the smallest to the largest, then by seed; the larger the better.
    """
    strengths = [beta for beta, own in scores.items() if own]
    seeds = (
        [seed for seed in scores[strengths[0]] if all(seed in scores[beta] for beta in strengths)] if strengths else []
    )
    if len(strengths) < 2:
        return "", "one strength only", {}, len(seeds)
    if len(seeds) < 2:
        return "", "fewer than two seeds have every strength", {}, len(seeds)
    table = np.array([[scores[beta][seed] for beta in strengths] for seed in seeds])
    draws = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    picked = np.bincount(_knee(table[draws]), minlength=len(strengths)) / RESAMPLES
    shares = {beta: float(share) for beta, share in zip(strengths, picked, strict=True) if share}
    p = depends(table)
    if not p <= ALPHA:
        return "", "none: the seeds do not tell the strengths apart", shares, len(seeds)
    knee = int(_knee(table))
    end = {0: "below", len(strengths) - 1: "above"}.get(knee, "")
    return strengths[knee], end, shares, len(seeds)


def depends(table: NDArray[np.float64]) -> float:
    """The p value of Friedman's test that scores (seeds, strengths) depend on the strength; NaN if all are equal.

    Of two strengths, for which there is no Friedman test, it is that of Student's paired one.
    """
    from scipy.stats import friedmanchisquare

    if np.ptp(table) == 0:
        return math.nan
    if table.shape[1] == 2:
        return difference((table[:, 1] - table[:, 0]).tolist()).p
    return float(friedmanchisquare(*table.T).pvalue)


def _knee(table: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first strength that is within one standard error of the best: scores (…, seeds, strengths) to (…)."""
    best = table.mean(-2, keepdims=True).argmax(-1, keepdims=True)
    behind = np.take_along_axis(table, best.repeat(table.shape[-2], axis=-2), axis=-1) - table
    error = behind.std(-2, ddof=1) / math.sqrt(table.shape[-2])
    first: NDArray[np.int64] = (behind.mean(-2) <= error).argmax(-1)
    return first


def in_words(row: Recommended, symbol: str) -> str:
    """``β = 4``, or why there is none."""
    if not row.beta:
        return row.reason
    if not row.reason:
        return f"{symbol} = {row.beta}"
    sign, end = ("≥", "largest") if row.reason == "above" else ("≤", "smallest")
    return f"{symbol} {sign} {row.beta}: the {end} of the grid, which does not reach a turn"
