"""KID: the kernel distance between samples of the prior and real images in Inception features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score
from multibeta.metrics._kernel import Kernels, cubic, mmd2, mmd2_of_subsets
from multibeta.metrics.image._sides import inception_sides

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


#: Of the published protocol, as torch-fidelity draws them.
SUBSETS, SIZE, SEED = 100, 1_000, 2020


class KID(Metric):
    """E k(r, r') + E k(g, g') − 2 E k(r, g) with k(x, y) = (x·y / d + 1)³ between Inception features x, y of d = 2048.

    r are held-out images and g prior samples. 0 for equal distributions, and unbiased: its mean does not depend on the
    number of images, unlike FID's, and it may come out negative. ``kid`` takes all pairs of all images once, which
    varies least. ``kid_subsets`` is the mean over the 100 random subsets of 1,000 images of each side by which KID is
    usually given; they are drawn by position, as torch-fidelity draws them, so equal features give its number.

    Source: Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401; features by torch-fidelity,
    https://github.com/toshas/torch-fidelity
    """

    title = "KID"
    source = "Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401"
    protocol = "inception_2015_12_05"
    better = "lower"
    needs = ("features", "samples")
    representation = "prior"
    scores = {"kid": Score("KID", better="lower"), "kid_subsets": Score("KID, 100 subsets of 1,000", better="lower")}

    def measure(self, *, features: DomainFeatures, samples: NDArray[np.float32]) -> dict[str, Result | NotComputed]:
        sides = inception_sides(features, samples)
        kernels = cubic(*sides)
        n = len(sides.generated)
        found: dict[str, Result | NotComputed] = {"kid": Result(mmd2(kernels), n=n)}
        if min(map(len, sides)) < SIZE:
            found["kid_subsets"] = NotComputed(
                f"subsets of {SIZE} images cannot be drawn from {len(sides.real)} real ones and {n} samples"
            )
        else:
            found["kid_subsets"] = Result(float(_subsets(kernels).mean()), n=n)
        return found


def _subsets(kernels: Kernels) -> NDArray[np.float64]:
    """The estimate of every subset (100,)."""
    draws = np.random.RandomState(SEED)  # torch-fidelity's, where the samples come first
    chosen = [np.zeros((SUBSETS, len(kernel)), dtype=bool) for kernel in (kernels.yy, kernels.xx)]
    for subset in range(SUBSETS):
        for side in chosen:
            side[subset, draws.choice(side.shape[1], SIZE, replace=False)] = True
    generated, real = chosen
    return mmd2_of_subsets(kernels, real, generated)
