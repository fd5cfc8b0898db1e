"""kd_domain: the kernel distance between samples of the prior and real images in features of the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics._kernel import cubic, mmd2
from multibeta.metrics.image._sides import domain_sides

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


class KDDomain(Metric):
    """E k(r, r') + E k(g, g') − 2 E k(r, g) with k(x, y) = (x·y / d + 1)³ between domain features x, y of d = 64.

    r are held-out images and g prior samples, in the network of ``fd_domain``, its features scaled so that each has
    variance 1 on average over real images: at a smaller scale the kernel would be nearly linear and see the mean alone.
    0 for equal distributions, unbiased, so it may come out negative. A diagnostic of this dataset, no KID.

    Source: Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401
    """

    title = "Kernel distance, domain features"
    source = "Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401"
    protocol = "domain64"
    better = "lower"
    needs = ("features", "real_images", "samples")
    representation = "prior"

    def measure(
        self, *, features: DomainFeatures, real_images: NDArray[np.float32], samples: NDArray[np.float32]
    ) -> Result:
        sides = domain_sides(features, real_images, samples)
        # Their total variance is 1.
        scale = np.sqrt(sides.real.shape[1])
        return Result(mmd2(cubic(scale * sides.real, scale * sides.generated)), n=len(samples))
