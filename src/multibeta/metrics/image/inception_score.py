"""Inception score: are samples of the prior of a clear class each, and of many classes together?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite
from multibeta.metrics.image._inception import real_side, see

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


#: Of the published protocol; the seed is torch-fidelity's.
SPLITS, SEED = 10, 2020
TINY = np.finfo(np.float64).tiny


def inception_score(logits: NDArray[Any]) -> NDArray[np.float64]:
    """exp(mean KL(p(y|x) ‖ p(y))) of each of ten parts of logits (S, classes), S ≥ 10, after a fixed shuffle: (10,)."""
    shuffled = logits[np.random.RandomState(SEED).permutation(len(logits))].astype(np.float64)
    shuffled -= shuffled.max(1, keepdims=True)
    log_p = shuffled - np.log(np.exp(shuffled).sum(1, keepdims=True))
    p = np.exp(log_p)
    n = len(p)
    parts = [slice(i * n // SPLITS, (i + 1) * n // SPLITS) for i in range(SPLITS)]
    # A class of probability 0 in all of a part adds nothing.
    scores = [np.exp((p[part] * (log_p[part] - np.log(p[part].mean(0) + TINY))).sum(1).mean()) for part in parts]
    return np.array(scores)


class InceptionScore(Metric):
    """exp(E_x KL(p(y|x) ‖ p(y))), p(y|x) the classes that Inception sees in a prior sample x, p(y) their mean.

    From 1, all samples alike or unclear, to the 1,008 classes of the network. The mean over ten parts of the samples,
    shuffled and parted by position as torch-fidelity does, with logits that leave the network's bias out. It never
    looks at real images: a model that gives one perfect image of each class has the full score. The classes are those
    of photographs, so grey images have none.

    Source: Salimans et al. 2016, https://arxiv.org/abs/1606.03498; network by torch-fidelity,
    https://github.com/toshas/torch-fidelity
    """

    title = "Inception score"
    source = "Salimans et al. 2016, https://arxiv.org/abs/1606.03498"
    protocol = "inception_2015_12_05"
    better = "higher"
    needs = ("features", "samples")
    representation = "prior"

    def measure(self, *, features: DomainFeatures, samples: NDArray[np.float32]) -> Result:
        if samples.shape[1] != 3:
            raise NotComputed("Inception's classes are of photographs: the images are grey, RGB needed")
        if len(samples) < SPLITS:
            raise NotComputed(f"{len(samples)} samples are too few for {SPLITS} parts")
        real_side(features)
        require_finite(samples=samples)
        scores = inception_score(see(samples).logits)
        return Result(float(scores.mean()), n=len(samples), arrays={"parts": scores})
