"""Information between discretised codes and factors: plug-in estimates from counts, in nats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def binned(codes: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Codes (N, D) in ``bins`` bins of equal width between each latent's least and largest value: int (N, D).

    Edges are those of ``numpy.histogram`` on float64; a value on an edge belongs to the bin above it, the largest
    value to the last bin. A constant latent falls into one bin.
    """
    codes = np.asarray(codes, dtype=np.float64)
    edges = np.linspace(codes.min(0), codes.max(0), bins + 1)[:-1]
    columns = [np.searchsorted(edges[:, j], codes[:, j], side="right") - 1 for j in range(codes.shape[1])]
    return np.stack(columns, axis=1).astype(np.int64)


def information(bins: NDArray[np.int64], factors: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mutual information I(z_j; v_k) (D, K) and entropies H(v_k) (K,), both in nats.

    Args:
        bins: int (N, D), the bin of each code, from 0.
        factors: int (N, K), any values.
    """
    n, latents = bins.shape
    levels = [np.unique(column, return_inverse=True) for column in factors.T]
    sizes = [len(values) for values, _ in levels]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    value = np.stack([inverse for _, inverse in levels], axis=1) + starts

    # One count for all pairs: cell (j, b, s) counts the codes with z_j in bin b and the factor value number s.
    height, width = int(bins.max()) + 1, sum(sizes)
    row = bins + height * np.arange(latents)
    cells = (row[:, :, None] * width + value[:, None, :]).ravel()
    joint = np.bincount(cells, minlength=latents * height * width).reshape(latents, height, width) / n

    of_bin = np.bincount(row.ravel(), minlength=latents * height).reshape(latents, height, 1) / n
    of_value = np.bincount(value.ravel(), minlength=width) / n
    independent = of_bin * of_value
    terms = joint * np.log(np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0))
    mutual = np.add.reduceat(terms, starts, axis=2).sum(1)
    entropy = -np.add.reduceat(of_value * np.log(of_value), starts)
    return mutual.clip(min=0), entropy.clip(min=0)
