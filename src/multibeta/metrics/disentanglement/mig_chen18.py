"""MIG as Chen et al. 2018 measured it: from the posteriors themselves, without bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score, require_finite
from multibeta.metrics._mixture import log_marginal
from multibeta.metrics.disentanglement._discrete import entropy
from multibeta.metrics.disentanglement._table import check, require_rows_per_value, rows
from multibeta.randomness import numpy_generator

#: Codes drawn; the components of the mixtures are all rows of the table.
SAMPLES = 4000


def continuous_information(
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
    factors: NDArray[np.int64],
    drawn: NDArray[np.int64],
    noise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """I(z_j; v_k) = E[log q(z_j|v_k) − log q(z_j)] (D, K) in nats, by Monte Carlo; it may be negative.

    q(z_j) is the mixture of all N posteriors, q(z_j|v) that of the rows with this value.

    Args:
        mean: posterior means (N, D).
        std: posterior standard deviations (N, D).
        factors: int (N, K), any values.
        drawn: int (S,), the rows from whose posteriors a code is drawn.
        noise: (S,), standard normal, the same for every latent so that their order does not matter.
    """
    z = mean[drawn] + std[drawn] * noise[:, None]
    groups = [[(column == value, column[drawn] == value) for value in np.unique(column)] for column in factors.T]
    mutual = np.empty((mean.shape[1], factors.shape[1]))
    for j, (code, centre, width) in enumerate(zip(z.T, mean.T.copy(), std.T.copy(), strict=True)):
        marginal = log_marginal(code, centre, width)
        for k, group in enumerate(groups):
            conditional = np.empty_like(marginal)
            for members, samples in group:
                conditional[samples] = log_marginal(code[samples], centre[members], width[members])
            mutual[j, k] = (conditional - marginal).mean()
    return mutual


class MIGChen18(Metric):
    """mean_k (I(z_(1); v_k) − I(z_(2); v_k)) / H(v_k) with I(z_j; v_k) = H(z_j) − H(z_j|v_k) of continuous codes.

    q(z_j) = 1/N Σ_n q(z_j|x_n) over the code table, q(z_j|v) the same over the rows with this value, and both entropies
    the mean of −log q over codes sampled from the posteriors: one from each of 4,000 rows, drawn by position, the same
    codes in both. Information is taken as 0 where the estimate is negative. Categorical factors are left out, as Chen
    et al. do with the shape of dSprites. 1 if each factor is told by one latent alone, 0 if two tell equally much.

    Where posteriors are narrow and rows few, every latent seems to tell every factor, and the score falls.

    Source: Chen et al. 2018, https://arxiv.org/abs/1802.04942
    """

    title = "MIG (Chen et al.)"
    source = "Chen et al. 2018, https://arxiv.org/abs/1802.04942"
    protocol = "chen18"
    scores = {"mig": Score("MIG")}
    needs = ("posterior_mean", "posterior_logvar", "factors", "factor_names", "factor_kinds", "seed")
    representation = "sampled"

    def measure(
        self,
        *,
        posterior_mean: NDArray[np.float64],
        posterior_logvar: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        factor_kinds: Sequence[str],
        seed: int,
    ) -> Mapping[str, Result]:
        kept = [k for k, kind in enumerate(factor_kinds) if kind != "categorical"]
        if not kept:
            raise NotComputed("all factors are categorical, and this protocol leaves those out")
        factors, names = factors[:, kept], [factor_names[k] for k in kept]
        check(posterior_mean, factors, names, least=2, latents=2)
        with np.errstate(over="ignore"):
            std = np.exp(0.5 * posterior_logvar.astype(np.float64))
        require_finite(posterior_logvar=posterior_logvar, posterior_std=std)
        # Among a few rows a code's own component outweighs the others.
        require_rows_per_value(factors, names)
        drawn = rows(len(std), SAMPLES, seed)
        noise = numpy_generator(seed, "codes of mig_chen18").standard_normal(len(drawn))
        mutual = continuous_information(posterior_mean, std, factors, drawn, noise)
        of_factor = entropy(factors)
        second, first = np.sort(mutual.clip(min=0), axis=0)[-2:]
        gaps = (first - second) / of_factor
        return {
            "mig": Result(
                float(gaps.mean()),
                n=len(drawn),
                parts=dict(zip(names, gaps.tolist(), strict=True)),
                arrays={"mutual_information": mutual, "entropy": of_factor},
            )
        }
