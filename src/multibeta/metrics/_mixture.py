"""The aggregate posterior q(z) = 1/N Σ_n q(z|x_n), a mixture of N Gaussians: its log-densities, with every term."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed, require_finite

#: Numbers held at a time; a block of them stays near the processor.
BLOCK = 2**20
#: Nats by which rounding may change a joint density at most.
ROUNDING = 0.01
LOG_2_PI = float(np.log(2 * np.pi))


def log_marginal(z: NDArray[Any], mean: NDArray[Any], std: NDArray[Any]) -> NDArray[np.float64]:
    """log 1/N Σ_n N(z_s; μ_n, σ_n²) of one latent: values (S,), means (N,), standard deviations (N,) → (S,), in nats.

    The N·S densities are computed in float32, which costs up to 1e-4 nats where σ is a hundredth of the spread of μ.
    Each value must lie near some component, as a draw from one does.

    Raises:
        NotComputed: a density is not finite: σ below about 1e-38 or above 1e38, or a value far from all components.
    """
    centre = mean.mean()
    density = np.empty(len(z), dtype=np.float64)
    step = max(1, BLOCK // len(mean))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        values, means = (z - centre).astype(np.float32), (mean - centre).astype(np.float32)
        scale = (np.sqrt(0.5) / std).astype(np.float32)
        for start in range(0, len(z), step):
            block = values[start : start + step, None] - means
            block *= scale
            np.square(block, out=block)
            np.negative(block, out=block)
            np.exp(block, out=block)
            density[start : start + step] = block @ scale
        found: NDArray[np.float64] = np.log(density) - 0.5 * np.log(np.pi) - np.log(len(mean))
    require_finite(log_density=found)
    return found


def log_joint(z: NDArray[np.float64], mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """log 1/N Σ_n Π_j N(z_sj; μ_nj, σ_nj²): values (S, D), means and standard deviations (N, D) → (S,), in nats.

    log q(z|x_n) is linear in (z², z, 1), so that all of them are one matrix product, in float64.

    Raises:
        NotComputed: 1 / σ² is not finite, or so large beside the spread of the means that rounding would show.
    """
    centre = mean.mean(0)
    z, mean = z - centre, mean - centre
    with np.errstate(divide="ignore", over="ignore"):
        precision = std**-2.0
    require_finite(posterior_precision=precision)
    farthest = np.abs(z).max(0) + np.abs(mean).max(0)
    error = np.finfo(np.float64).eps * float((precision @ farthest**2).max())
    if error > ROUNDING:
        raise NotComputed(
            f"posteriors are so narrow beside the spread of their means that rounding may add {error:.1g} nats"
        )
    constant = (mean**2 * precision + 2 * np.log(std) + LOG_2_PI).sum(1)
    weights = -0.5 * np.concatenate([precision, -2 * mean * precision, constant[:, None]], axis=1).T
    features = np.concatenate([z**2, z, np.ones((len(z), 1))], axis=1)
    found = np.empty(len(z))
    step = max(1, BLOCK // len(mean))
    for start in range(0, len(z), step):
        block = features[start : start + step] @ weights
        largest = block.max(1)
        block -= largest[:, None]
        np.exp(block, out=block)
        found[start : start + step] = np.log(block.sum(1)) + largest
    return found - np.log(len(mean))
