"""fd_domain: how far samples of the prior are from real images, seen by a network that knows the dataset's factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, require_finite
from multibeta.metrics._frechet import frechet, moments

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


class FDDomain(Metric):
    """‖μ_r − μ_g‖² + tr(S_r + S_g − 2 (S_r S_g)^½) between features of held-out images (r) and of prior samples (g).

    The features are the 64 of a small network trained on the dataset's own factors or labels, scaled so that those of
    the held-out images have the total variance 1. A diagnostic of this dataset, comparable between models of it and
    at equal numbers of images only; it is no FID and no measure of perceived quality. The network's accuracy, the
    distance between two sets of real images (the floor) and its answers to blur and noise are kept with it; a network
    whose distance does not grow with blur and noise is disqualified.

    Source: Heusel et al. 2017, https://arxiv.org/abs/1706.08500, for the distance; Bińkowski et al. 2018,
    https://arxiv.org/abs/1801.01401, for features of the domain in place of Inception's
    """

    title = "Fréchet distance, domain features"
    source = (
        "Heusel et al. 2017, https://arxiv.org/abs/1706.08500; Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401"
    )
    protocol = "domain64"
    better = "lower"
    needs = ("features", "samples")
    representation = "prior"

    def measure(self, *, features: DomainFeatures, samples: NDArray[np.float32]) -> Result:
        if features.unusable:
            raise NotComputed(features.unusable)
        require_finite(samples=samples)
        return Result(frechet(features.real, moments(features.generated(samples))), n=len(samples))
