"""Which latents of two models are the same: matched by the correlation of their codes of the same images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: |r| from which two latents count as the same: they then share a quarter of their variance.
THRESHOLD = 0.5


class Matching(NamedTuple):
    """For each of A latents of a reference its partner among those of another model.

    Attributes:
        partner: (A,), -1 for a latent that none is left for.
        correlation: (A,), Pearson's r with the partner, 0 without one. Negative where the partner runs the other way.
        matched: (A,), whether |r| reaches the threshold.
    """

    partner: NDArray[np.int64]
    correlation: NDArray[np.float64]
    matched: NDArray[np.bool_]

    @property
    def sign(self) -> NDArray[np.int64]:
        """(A,), -1 where the partner has to be turned round, else 1."""
        return np.where(self.correlation < 0, -1, 1)


def match(
    reference: NDArray[np.floating],
    other: NDArray[np.floating],
    usable: NDArray[np.bool_] | None = None,
    threshold: float = THRESHOLD,
) -> Matching:
    """Give each latent of the reference a partner, one each, so that the sum of |r| is greatest.

    Args:
        reference: codes (N, A) of N images.
        other: codes (N, B) of the same images by another model, of as many latents or not.
        usable: (B,), False for latents that may be nobody's partner, such as inactive ones; default: all.
        threshold: |r| from which a pair counts as matched.

    Raises:
        ValueError: the codes are not of the same images, or not finite.

    Source: Kuhn 1955, "The Hungarian method for the assignment problem", https://doi.org/10.1002/nav.3800020109; on
    correlations of codes Hyvärinen & Morioka 2016, https://arxiv.org/abs/1605.06336.
    """
    from scipy.optimize import linear_sum_assignment

    r = correlations(reference, other)
    if usable is not None:
        r[:, ~usable] = 0
    latents, partners = linear_sum_assignment(np.abs(r), maximize=True)
    # A partner that has nothing in common, as every unusable one, is none.
    found = r[latents, partners] != 0
    latents, partners = latents[found], partners[found]
    partner, correlation = np.full(len(r), -1), np.zeros(len(r))
    partner[latents], correlation[latents] = partners, r[latents, partners]
    return Matching(partner, correlation, np.abs(correlation) >= threshold)


def correlations(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson's r (A, B) between the columns of (N, A) and (N, B); 0 with a column that is constant.

    Raises:
        ValueError: the numbers of rows differ, or a value is not finite.
    """
    if one.ndim != 2 or other.ndim != 2 or len(one) != len(other):
        raise ValueError(f"codes {one.shape} and {other.shape} are not of the same images")
    first, second = (_standardised(codes) for codes in (one, other))
    return first.T @ second / len(one)


def _standardised(codes: NDArray[np.floating]) -> NDArray[np.float64]:
    codes = codes.astype(np.float64)
    if not np.isfinite(codes).all():
        raise ValueError("codes are not finite")
    centred = codes - codes.mean(0)
    deviation = np.sqrt(np.square(centred).mean(0))
    # What is left of a constant is rounding.
    varies = deviation > 1e-12 * np.abs(codes).max(0, initial=0)
    standardised: NDArray[np.float64] = np.where(varies, centred, 0) / np.where(varies, deviation, 1)
    return standardised
