"""The rate in three: what codes tell of images, how latents depend on each other, how far each is from the prior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score, require_finite
from multibeta.metrics._mixture import LOG_2_PI, log_joint, log_marginal
from multibeta.metrics.posterior._divergence import kl_per_latent
from multibeta.randomness import numpy_generator

#: Codes drawn; the components of the mixture are all rows of the table.
SAMPLES = 4000
LEAST = 100
#: Nearer to its bound log N, in nats, the mutual information hides a total correlation of more than about 0.7.
MARGIN = 1.0


class Terms(NamedTuple):
    """The three terms of each sampled code, in nats: (S,), (S,) and by latent (S, D). Their means are the three KLs."""

    mutual_information: NDArray[np.float64]
    total_correlation: NDArray[np.float64]
    dimension_wise: NDArray[np.float64]


def decomposition(
    mean: NDArray[np.float64], std: NDArray[np.float64], drawn: NDArray[np.int64], noise: NDArray[np.float64]
) -> Terms:
    """log q(z|x) − log p(z) in three, at the code z = μ + σ ε of each drawn row; q(z) is the mixture of all rows.

    Args:
        mean: posterior means (N, D).
        std: posterior standard deviations (N, D).
        drawn: int (S,), the rows whose posteriors are sampled.
        noise: ε (S, D), standard normal.
    """
    z = mean[drawn] + std[drawn] * noise
    own = -(0.5 * noise**2 + np.log(std[drawn]) + 0.5 * LOG_2_PI).sum(1)
    joint = log_joint(z, mean, std)
    marginals = np.stack([log_marginal(*latent) for latent in zip(z.T, mean.T.copy(), std.T.copy(), strict=True)], 1)
    prior = -0.5 * (z**2 + LOG_2_PI)
    return Terms(own - joint, joint - marginals.sum(1), marginals - prior)


class KLDecomposition(Metric):
    """E KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ Π_j q(z_j)) + Σ_j KL(q(z_j) ‖ p(z_j)), in nats.

    The index-code mutual information, the total correlation of the latents, and the dimension-wise KL, whose parts are
    the latents. q(z) = 1/N Σ_n q(z|x_n) is the mixture over all rows of the code table; no minibatch stands in for it.
    Each expectation is the mean over one code from each of 4,000 rows, rows and noise drawn by position; the part
    ``standard_error`` is that of this mean. The part ``bound`` of the mutual information is log N, which it cannot
    exceed. Near it the mixture is that of single codes, and the total correlation is too large by what the mutual
    information is too small; within 1 nat of the bound it is not computed.

    Source: Hoffman & Johnson 2016, http://approximateinference.org/2016/accepted/HoffmanJohnson2016.pdf, and
    Chen et al. 2018, https://arxiv.org/abs/1802.04942
    """

    title = "Decomposition of the KL"
    source = (
        "Hoffman & Johnson 2016, http://approximateinference.org/2016/accepted/HoffmanJohnson2016.pdf; "
        "Chen et al. 2018, https://arxiv.org/abs/1802.04942"
    )
    protocol = "aggregate_posterior"
    scores = {
        "kl_mutual_information": Score("Index-code mutual information", "nats", "neither"),
        "kl_total_correlation": Score("Total correlation", "nats", "lower"),
        "kl_dimension_wise": Score("Dimension-wise KL", "nats", "neither"),
    }
    needs = ("posterior_mean", "posterior_logvar", "seed")
    representation = "posterior"

    def measure(
        self, *, posterior_mean: NDArray[np.float64], posterior_logvar: NDArray[np.float64], seed: int
    ) -> Mapping[str, Result | NotComputed]:
        require_finite(posterior_mean=posterior_mean, posterior_logvar=posterior_logvar)
        n, latents = posterior_mean.shape
        if n < LEAST:
            raise NotComputed(f"{n} codes are too few, at least {LEAST} needed")
        # Noise goes to latents by their rate, so that the order in which a model holds them does not matter.
        order = np.argsort(-kl_per_latent(posterior_mean, posterior_logvar), kind="stable")
        generator = numpy_generator(seed, "codes of kl_decomposition")
        drawn = np.sort(generator.permutation(n)[:SAMPLES])
        noise = np.empty((len(drawn), latents))
        noise[:, order] = generator.standard_normal(noise.shape)

        terms = decomposition(posterior_mean, np.exp(0.5 * posterior_logvar), drawn, noise)
        by_latent = {f"z{j}": float(value) for j, value in enumerate(terms.dimension_wise.mean(0))}
        bound = float(np.log(n))
        mutual_information = _mean(terms.mutual_information, {"bound": bound})
        total_correlation: Result | NotComputed = _mean(terms.total_correlation, {})
        if mutual_information.value > bound - MARGIN:
            total_correlation = NotComputed(
                f"the mutual information, {mutual_information.value:.2f} nats, is near its bound "
                f"log {n} = {bound:.2f}: too few codes to tell dependence of latents"
            )
        return {
            "kl_mutual_information": mutual_information,
            "kl_total_correlation": total_correlation,
            "kl_dimension_wise": _mean(terms.dimension_wise.sum(1), by_latent),
        }


def _mean(terms: NDArray[np.float64], parts: Mapping[str, float]) -> Result:
    error = terms.std(ddof=1) / np.sqrt(len(terms))
    return Result(float(terms.mean()), n=len(terms), parts={**parts, "standard_error": float(error)})
