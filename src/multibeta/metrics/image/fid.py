"""FID: the Fréchet distance in the features of the one Inception network the name is reserved for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, require_finite
from multibeta.metrics._frechet import frechet, moments
from multibeta.metrics.image._inception import real_side, see

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures


class FID(Metric):
    """‖μ_r − μ_g‖² + tr(S_r + S_g − 2 (S_r S_g)^½) between Inception features of held-out images and prior samples.

    The 2048 pooled features of Inception-v3 (2015-12-05) with the original's resizing to 299×299; images are rounded
    to 8 bits, grey ones replicated to three channels. The network knows photographs: on sprites and digits the number
    is out of its domain, and used only where its distances grow with blur and noise. The moments of held-out images are
    kept with the dataset's features. FID is biased by the number of images: compare equal numbers only.

    Source: Heusel et al. 2017, https://arxiv.org/abs/1706.08500; features by torch-fidelity,
    https://github.com/toshas/torch-fidelity
    """

    title = "FID"
    source = "Heusel et al. 2017, https://arxiv.org/abs/1706.08500"
    protocol = "inception_2015_12_05"
    better = "lower"
    needs = ("features", "samples")
    representation = "prior"

    def measure(self, *, features: DomainFeatures, samples: NDArray[np.float32]) -> Result:
        real = real_side(features).real
        require_finite(samples=samples)
        return Result(frechet(real, moments(see(samples).features)), n=len(samples))
