"""β-VAE score: does the difference of two codes tell which factor their images share?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.disentanglement._interventions import BATCH, CHUNK, SharedValues, learning_and_testing_values
from multibeta.metrics.disentanglement._predictors import LEAST, logistic, standardised
from multibeta.metrics.disentanglement._table import check
from multibeta.randomness import numpy_generator

LEARNING, TESTING = 10_000, 5_000


def differences(shared: SharedValues, factor: NDArray[np.int64], generator: np.random.Generator) -> NDArray[Any]:
    """Mean |z − z'| over 64 pairs of codes that share a value of ``factor`` (B,), each pair its own: (B, D)."""
    found = []
    for some in np.split(factor, range(CHUNK, len(factor), CHUNK)):
        one = shared.draw(some, BATCH, generator)
        other = shared.partners(one, some, generator)
        apart = shared.codes.take(one, axis=0)
        apart -= shared.codes.take(other, axis=0)
        found.append(np.abs(apart, out=apart).mean(1))
    return np.concatenate(found)


class BetaVAEScore(Metric):
    """Accuracy of a linear classifier that names the shared factor k from mean |z − z'| over 64 pairs sharing v_k.

    Multinomial logistic regression learns from 10,000 such differences and is tested on 5,000 others. 1 if each factor
    holds some direction still, alone or among others: it is blind to a factor spread over several latents. Chance is
    1/K for K factors. Pairs of different rows are drawn with replacement from the table, by position: from two thirds
    of it to learn from, from the others to test. ``dlib19``: codes as they are, so that the penalty weighs more on
    small ones; ``ours``: standardised codes.

    Source: Higgins et al. 2017, section 3, https://openreview.net/forum?id=Sy2fzU9gl, as measured by
    Locatello et al. 2019, https://arxiv.org/abs/1811.12359
    """

    title = "β-VAE score"
    source = (
        "Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl; "
        "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"standardise": False}, "ours": {"standardise": True}}
    better = "higher"
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        standardise: bool,
    ) -> Result:
        check(codes, factors, factor_names, least=LEAST)
        table = standardised(codes, like=codes) if standardise else codes
        shared = learning_and_testing_values(table, factors, factor_names, seed)
        generator = numpy_generator(seed, "pairs of the beta-VAE score")
        fixed = np.split(generator.integers(len(factor_names), size=LEARNING + TESTING), [LEARNING])
        seen, unseen = (differences(*each, generator).astype(np.float64) for each in zip(shared, fixed, strict=True))
        told, asked = logistic(seen, fixed[0]).predict(unseen), fixed[1]
        return Result(
            float((told == asked).mean()),
            n=len(codes),
            parts={name: float((told == asked)[asked == k].mean()) for k, name in enumerate(factor_names)},
        )
