"""UDR: do models that differ in nothing but their seed find the same latents?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite
from multibeta.metrics.disentanglement._predictors import LEAST, standardised
from multibeta.metrics.posterior._divergence import kl_per_latent

#: A latent is informative if its KL divergence from the prior, averaged over the table, is larger; nats.
INFORMATIVE = 0.01


def relative_strength(similarity: NDArray[np.float64]) -> float:
    """(Σ_b r_b² / Σ_a R(a, b) + Σ_a r_a² / Σ_b R(a, b)) / (A + B) of R ≥ 0 (A, B), r the largest of a column or row.

    1 if each latent has one partner and R is 1 there. A latent like no other adds 0.
    """
    terms = 0.0
    for axis in (0, 1):
        total = similarity.sum(axis)
        terms += (similarity.max(axis, initial=0) ** 2 / np.where(total > 0, total, 1)).sum()
    return float(terms / sum(similarity.shape))


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """|Spearman's ρ| between the latents of two runs (N, A), (N, B): (A, B). A constant latent is like no other."""
    from scipy.stats import rankdata

    ranks = [rankdata(codes, axis=0) for codes in (one, other)]
    one, other = (standardised(rank, like=rank) for rank in ranks)
    return np.abs(one.T @ other) / len(one)


def lasso_weights(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """|weight| of each latent of ``other`` (N, B) where lasso tells those of ``one`` (N, A) from it: (A, B)."""
    from sklearn.linear_model import Lasso

    # It draws nothing; without a seed it would yet take from NumPy's global state.
    model = Lasso(alpha=0.1, fit_intercept=False, precompute=True, random_state=0)
    weights = model.fit(standardised(other, like=other), standardised(one, like=one)).coef_
    return np.abs(weights).reshape(one.shape[1], other.shape[1])


SIMILARITIES = {"spearman": rank_correlation, "lasso": lasso_weights}


class UDR(Metric):
    """median_j UDR_ij over the cell's other seeds j: how far they find run i's latents again, up to order and sign.

    UDR_ij = (Σ_b r_b² / Σ_a R(a, b) + Σ_a r_a² / Σ_b R(a, b)) / (d_i + d_j), where a runs over the d_i informative
    latents of run i, b over the d_j of run j, and r is the largest entry of a row or column. ``udr_spearman``: R is
    |Spearman's ρ| of posterior means; ``udr_lasso``: |weights| by which lasso (α = 0.1, standardised) tells run i's
    means from run j's, so that a perfect match is 0.9. A latent is informative if its KL from the prior is above 0.01
    nats on average. 0 to 1. It needs no factors, and rests on the belief that disentangled solutions are alike and
    entangled ones each different: seeds that agree on a rotation deceive it.

    Source: Duan et al. 2020, section 4, https://arxiv.org/abs/1905.12614
    """

    title = "UDR"
    source = "Duan et al. 2020, https://arxiv.org/abs/1905.12614"
    protocols = {"udr_spearman": {"similarity": "spearman"}, "udr_lasso": {"similarity": "lasso"}}
    better = "higher"
    needs = ("posterior_mean", "posterior_logvar", "sibling_means", "sibling_logvars")
    representation = "mean"

    def measure(
        self,
        *,
        posterior_mean: NDArray[np.float64],
        posterior_logvar: NDArray[np.float64],
        sibling_means: Sequence[NDArray[np.float64]],
        sibling_logvars: Sequence[NDArray[np.float64]],
        similarity: Literal["spearman", "lasso"],
    ) -> Result:
        require_finite(posterior_mean=posterior_mean, posterior_logvar=posterior_logvar)
        if not sibling_means:
            raise NotComputed("needs two finished seeds of the cell or more, found 1")
        if len(posterior_mean) < LEAST:
            raise NotComputed(f"{len(posterior_mean)} codes are too few, at least {LEAST} needed")
        own = informative(posterior_mean, posterior_logvar)
        if not own.shape[1]:
            raise NotComputed(f"no latent is informative: each has a KL of {INFORMATIVE} nats or less")
        pairwise = []
        for mean, logvar in zip(sibling_means, sibling_logvars, strict=True):
            require_finite(sibling_mean=mean, sibling_logvar=logvar)
            other = informative(mean, logvar)
            # By the formula a run is like none that says nothing.
            pairwise.append(relative_strength(SIMILARITIES[similarity](own, other)) if other.shape[1] else 0.0)
        return Result(float(np.median(pairwise)), n=len(posterior_mean), arrays={"pairwise": np.array(pairwise)})


def informative(mean: NDArray[np.float64], logvar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The posterior means (N, D) of the latents with enough KL from the prior: (N, d)."""
    return mean[:, kl_per_latent(mean, logvar) > INFORMATIVE]
