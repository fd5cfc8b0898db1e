"""The KL divergence of each latent's posterior from the prior, which two metrics share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import require_finite


def kl_per_latent(mean: NDArray[np.float64], logvar: NDArray[np.float64]) -> NDArray[np.float64]:
    """½ (μ² + σ² − log σ² − 1), averaged over the images: (M, D), (M, D) → (D,), nats per image.

    Raises:
        NotComputed: a posterior is not finite.
    """
    require_finite(mean=mean, logvar=logvar)
    mean, logvar = mean.astype(np.float64), logvar.astype(np.float64)
    with np.errstate(over="ignore"):
        divergence: NDArray[np.float64] = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).mean(0)
    require_finite(kl=divergence)
    return divergence
