"""What the two SAP scores share: squared correlations, and how far the best latent is ahead of the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A latent that varies less is taken for constant, as in disentanglement_lib.
CONSTANT = 1e-12


def gap_of_best_two(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each factor its best latent's score less the second best: (D ≥ 2, K) → (K,)."""
    second, first = np.sort(scores, axis=0)[-2:]
    gap: NDArray[np.float64] = first - second
    return gap


def squared_correlation(codes: NDArray[Any], factors: NDArray[Any]) -> NDArray[np.float64]:
    """Cov(z_j, v_k)² / (Var(z_j) Var(v_k)) of codes (N, D) and factors (N, K), none constant: (D, K).

    A latent of variance 1e-12 or less explains nothing.
    """
    codes, factors = codes - codes.mean(0, dtype=np.float64), factors - factors.mean(0, dtype=np.float64)
    variance, spread = (codes**2).mean(0), (factors**2).mean(0)
    covariance = codes.T @ factors / len(codes)
    dead = variance <= CONSTANT
    explained: NDArray[np.float64] = covariance**2 / (np.where(dead, 1, variance)[:, None] * spread)
    explained[dead] = 0
    return explained
