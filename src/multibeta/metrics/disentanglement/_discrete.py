"""Information between discretised codes and factors: plug-in estimates from counts, in nats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._table import check, require_rows_per_value, rows

BINS = 20
#: Fewer codes per bin than this, and the plug-in estimates are mostly sampling bias.
CODES_PER_BIN = 10
Binning = Literal["equal width", "equal count"]
#: The settings of the metrics that rest on discretised codes, by protocol.
DISCRETE: Mapping[str, Mapping[str, Any]] = {
    "dlib19": {"most": 10_000, "binning": "equal width"},
    "ours": {"most": None, "binning": "equal count"},
}


def discretised(
    codes: NDArray[np.float64],
    factors: NDArray[np.int64],
    factor_names: Sequence[str],
    seed: int,
    most: int | None,
    binning: Binning,
    latents: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bins (n, D) and factors (n, K) of at most ``most`` rows.

    Bins of equal width are 20; those of equal count as many as the values of the largest factor, but 20 at least.

    Raises:
        NotComputed: the codes are not finite or too few for the bins or for the values of a factor, a factor has a
            single value, or there are fewer than ``latents`` latents.
    """
    check(codes, factors, factor_names, least=2, latents=latents)
    kept = rows(len(codes), most, seed)
    codes, factors = codes[kept], factors[kept]
    bins = number_of_bins(factors, binning)
    if len(codes) < CODES_PER_BIN * bins:
        raise NotComputed(f"{len(codes)} codes are too few for {bins} bins, at least {CODES_PER_BIN * bins} needed")
    require_rows_per_value(factors, factor_names)
    return (binned(codes, bins) if binning == "equal width" else ranked(codes, bins)), factors


def number_of_bins(factors: NDArray[np.int64], binning: Binning) -> int:
    """How many bins `discretised` makes for these factors (n, K)."""
    return BINS if binning == "equal width" else max(BINS, *(len(np.unique(column)) for column in factors.T))


def ranked(codes: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Codes (N, D) in ``bins`` bins of equally many codes: int (N, D). Equal codes share a bin, so bins may be empty.

    Bins depend on the order of the codes alone, so neither an outlier nor a monotone function of a latent matters.
    """
    n = len(codes)
    order = np.sort(np.asarray(codes, dtype=np.float64), axis=0)
    columns = [np.searchsorted(order[:, j], codes[:, j], side="left") * bins // n for j in range(codes.shape[1])]
    return np.stack(columns, axis=1).astype(np.int64)


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


def entropy(columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Entropy of each column of bins or factors (N, C): (C,), in nats."""
    shares = [np.unique(column, return_counts=True)[1] / len(column) for column in columns.T]
    return np.array([max(0.0, -(share * np.log(share)).sum()) for share in shares])
