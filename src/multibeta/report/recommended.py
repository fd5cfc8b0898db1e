"""Which strength to take: the smallest one that is as good as the best, or the answer that the study cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.report.comparisons import by_seed, sweeps
from multibeta.report.findings import Findings
from multibeta.report.paired import ALPHA

#: What a strength is chosen by, each with a column of its own; the first is the one that the report recommends.
MEASURES = ("mig", "dci_disentanglement", "factor_vae_score", "controllability")
RESAMPLES = 2_000
#: The rule, in a sentence.
RULE = (
    "The smallest strength whose score the seeds do not tell from that of the best strength (95 % interval of the "
    "differences within seeds): a stronger one buys nothing that they can see"
)
#: The answer of a study whose scores do not depend on the strength as far as its seeds can tell.
NONE = "none"


class Recommended(NamedTuple):
    """A strength by a measure, and how sure it is.

    Attributes:
        beta: the strength; "" where there is none.
        reason: why there is none, or ``above`` or ``below``: the score is best at that end of the strengths that have
            scores, so the grid does not reach where it would turn.
        shares: how often each strength, or `NONE`, is the answer when the seeds are drawn anew, with replacement.
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
    """A row for each dataset, variant and measure that any of the variant's cells has."""
    rows = []
    for dataset in findings.datasets:
        for metric in MEASURES:
            values = by_seed(findings, dataset, metric)
            for variant, strengths in sweeps(findings, dataset).items():
                scores = {beta: values.get((variant, beta), {}) for beta in sorted(strengths, key=float)}
                if any(scores.values()):
                    rows.append(Recommended(dataset, variant, metric, *choose(scores)))
    return rows


def choose(scores: Mapping[str, Mapping[int, float]]) -> tuple[str, str, dict[str, float], int]:
    """The strength, the reason, the shares and the seeds of `Recommended`.

    As the rule of one standard error (Breiman et al. 1984, "Classification and Regression Trees", §3.4.3) it takes the
    simplest that is as good as the best, with the 95 % interval of the differences within seeds in the place of the
    standard error: of several equally good strengths one is best by chance, and one standard error then misses a knee
    in a third of all studies, however many seeds they have. It is asked only where the score depends on the strength
    at all, by Friedman's test within seeds (Friedman 1937; for comparisons of methods: Demšar 2006,
    https://jmlr.org/papers/v7/demsar06a.html): a flat curve has no knee.

    Args:
        scores: by strength, from the smallest to the largest, then by seed; the larger the better. A strength with
            fewer than two seeds does not count.
    """
    strengths = [beta for beta, own in scores.items() if len(own) > 1]
    if len(strengths) < 2:
        return "", "fewer than two strengths with two seeds", {}, 0
    seeds = [seed for seed in scores[strengths[0]] if all(seed in scores[beta] for beta in strengths)]
    if len(seeds) < 2:
        return "", "fewer than two seeds have every strength", {}, len(seeds)
    table = np.array([[scores[beta][seed] for beta in strengths] for seed in seeds])
    draws = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    answers = np.where(depends(table[draws]) <= ALPHA, knee(table[draws]), len(strengths))
    # Of one seed drawn over and over nothing can be told.
    answers[(draws == draws[:, :1]).all(1)] = len(strengths)
    counts = np.bincount(answers, minlength=len(strengths) + 1) / RESAMPLES
    shares = {beta: float(share) for beta, share in zip([*strengths, NONE], counts, strict=True) if share}
    if not depends(table) <= ALPHA:
        return "", f"{NONE}: the seeds do not tell the strengths apart", shares, len(seeds)
    chosen = int(knee(table))
    end = {0: "below", len(strengths) - 1: "above"}.get(chosen, "")
    return strengths[chosen], end, shares, len(seeds)


def depends(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """p values (…) of Friedman's test that scores (…, n seeds, k strengths) depend on the strength; NaN if all tie.

    With ranks r within seeds, Q = (k − 1) · Σ_j (Σ_i r_ij − n (k + 1) / 2)² / (Σ_ij r_ij² − n k (k + 1)² / 4), which
    counts ties, is chi-squared with k − 1 degrees of freedom. Of two strengths it is Student's paired test instead,
    which is not as coarse.
    """
    from scipy.special import chdtrc, stdtr
    from scipy.stats import rankdata

    n, k = table.shape[-2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        if k == 2:
            apart = table[..., 1] - table[..., 0]
            t = apart.mean(-1) * math.sqrt(n) / apart.std(-1, ddof=1)
            return 2 * np.asarray(stdtr(n - 1, -np.abs(t)))
        ranks = rankdata(table, axis=-1)
        between = np.square(ranks.sum(-2) - n * (k + 1) / 2).sum(-1)
        within = np.square(ranks).sum((-2, -1)) - n * k * (k + 1) ** 2 / 4
        return np.asarray(chdtrc(k - 1, (k - 1) * between / within))


def knee(table: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first strength that is not told from the best: scores (…, n seeds, k strengths) to positions (…)."""
    from scipy.special import stdtrit

    n = table.shape[-2]
    best = table.mean(-2, keepdims=True).argmax(-1, keepdims=True)
    behind = np.take_along_axis(table, best.repeat(n, axis=-2), axis=-1) - table
    half = stdtrit(n - 1, 1 - ALPHA / 2) * behind.std(-2, ddof=1) / math.sqrt(n)
    first: NDArray[np.int64] = (behind.mean(-2) <= half).argmax(-1)
    return first


def in_words(row: Recommended, symbol: str) -> str:
    """``β = 4``, or why there is none."""
    if not row.beta:
        return row.reason
    if not row.reason:
        return f"{symbol} = {row.beta}"
    if row.reason == "below":
        return f"{symbol} ≤ {row.beta}: already the smallest measured is as good; the grid does not reach below"
    return f"{symbol} ≥ {row.beta}: the largest measured; the grid does not reach the turn"
