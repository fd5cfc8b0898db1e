"""The maximum mean discrepancy between codes and draws of the prior, which two variants share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

#: Of the kernel, × 2 D, the expected squared distance of two draws of the prior: Tolstikhin et al. 2018, section 4.
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd(codes: Tensor, prior: Tensor) -> Tensor:
    """The squared discrepancy of codes (B, D) and draws of N(0, I) (B, D): a scalar without unit.

    Inverse multiquadratic kernels k(a, b) = Σ_s c / (c + ‖a − b‖²), c = s · 2 D. The unbiased estimate, without the
    pairs of a code with itself: for codes that follow the prior it scatters around 0, on both sides.
    Gretton et al. 2012, lemma 6; Tolstikhin et al. 2018, https://arxiv.org/abs/1711.01558, algorithm 2.
    """
    count = len(codes)
    within = _kernel(codes, codes).sum() - count * len(SCALES) + _kernel(prior, prior).sum() - count * len(SCALES)
    return within / (count * (count - 1)) - 2 * _kernel(codes, prior).mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    squared = (a[:, None] - b[None]).square().sum(2)
    constants = [2 * a.shape[1] * scale for scale in SCALES]
    return sum((constant / (constant + squared) for constant in constants[1:]), constants[0] / (constants[0] + squared))
