"""FactorVAE score: which latent stands still when a factor does?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics.disentanglement._interventions import BATCH, CHUNK, SharedValues, learning_and_testing_values
from multibeta.metrics.disentanglement._predictors import LEAST, standardised
from multibeta.metrics.disentanglement._table import check
from multibeta.randomness import numpy_generator

#: A latent with a smaller standard deviation over the code table is taken for collapsed and casts no vote.
COLLAPSED = 0.05


def votes(shared: SharedValues, factor: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """The latent of least variance in each batch of codes that share a value of ``factor`` (B,): (B,).

    Args:
        shared: codes of which each latent has variance 1, so that variances compare.
    """
    found = []
    for some in np.split(factor, range(CHUNK, len(factor), CHUNK)):
        rows = shared.like(shared.draw(some, 1, generator)[:, 0], some, BATCH, generator)
        batch = shared.codes.take(rows, axis=0)
        # Less the first code: a latent that stands still then varies by exactly 0, also in float32.
        batch -= batch[:, :1].copy()
        variance = np.einsum("bld,bld->bd", batch, batch) / BATCH - batch.mean(1) ** 2
        found.append(variance.argmin(1))
    return np.concatenate(found)


class FactorVAEScore(Metric):
    """Σ_j N_test(j, k*(j)) / Σ_jk N_test(j, k), k*(j) = argmax_k N_train(j, k): how well a vote names the fixed factor.

    One vote: fix a factor v_k drawn at random, take 64 codes with the same value of it, and name the latent z_j whose
    variance in them, divided by that over the whole table, is least. N(j, k) counts such votes. 1 if each factor holds
    a latent of its own still. Chance is near 1/K for K factors. Latents with a standard deviation below 0.05 do not
    vote. Codes are drawn with replacement from the table, by position, for we have no images of chosen factors to
    encode: from two thirds of its rows to learn k*, from the others to test. ``dlib19``: 10,000 votes to learn from
    and 5,000 to test; ``ours``: 30,000 and 15,000.

    Source: Kim & Mnih 2018, section 4, https://arxiv.org/abs/1802.05983, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "FactorVAE score"
    source = (
        "Kim & Mnih 2018, https://arxiv.org/abs/1802.05983; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"learning": 10_000, "testing": 5_000}, "ours": {"learning": 30_000, "testing": 15_000}}
    better = "higher"
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        learning: int,
        testing: int,
    ) -> Result:
        check(codes, factors, factor_names, least=LEAST)
        active = codes.std(0, ddof=1) >= COLLAPSED
        if not active.any():
            raise NotComputed(f"no latent has a standard deviation of {COLLAPSED} or more, none can vote")
        scaled = standardised(codes[:, active], like=codes[:, active])
        shared = learning_and_testing_values(scaled, factors, factor_names, seed)

        generator = numpy_generator(seed, "votes of the FactorVAE score")
        fixed = generator.integers(len(factor_names), size=learning + testing)
        cast = [votes(*each, generator) for each in zip(shared, np.split(fixed, [learning]), strict=True)]
        latent = np.flatnonzero(active)[np.concatenate(cast)]
        table = np.zeros((2, codes.shape[1], len(factor_names)), dtype=np.int64)
        np.add.at(table, ((np.arange(len(fixed)) >= learning).astype(int), latent, fixed), 1)
        right = table[0].argmax(1)[latent[learning:]] == fixed[learning:]
        return Result(
            float(right.mean()),
            n=len(codes),
            parts={name: float(right[fixed[learning:] == k].mean()) for k, name in enumerate(factor_names)},
            arrays={"learning_votes": table[0], "test_votes": table[1]},
        )
