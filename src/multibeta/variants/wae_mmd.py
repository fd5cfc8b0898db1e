"""WAE-MMD: an encoder of points, whose codes together are drawn to the prior by maximum mean discrepancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.variants import Forward, Terms, Variant
from multibeta.variants._mmd import mmd

if TYPE_CHECKING:
    from multibeta.options import TrainingOptions


class WAEMMD(Variant):
    """−log p(x|z(x)) + λ · MMD(q(z), p(z)), the codes z(x) points.

    No single image is asked to have a code like the prior, only all together.

    References:
        Tolstikhin, Bousquet, Gelly & Schölkopf 2018, "Wasserstein Auto-Encoders", https://arxiv.org/abs/1711.01558,
        algorithm 2.
    """

    title = "WAE-MMD"
    source = "Tolstikhin et al. 2018, https://arxiv.org/abs/1711.01558"
    symbol = "λ"
    strengths = (1, 10, 100, 1000)
    points = True
    draws_prior = True

    def check(self, training: TrainingOptions) -> None:
        if training.batch_size < 2:
            raise ValueError("compares codes within a batch and needs a batch_size of at least 2")

    def loss(self, forward: Forward, strength: float) -> Terms:
        assert forward.prior is not None
        return {"reconstruction": (1.0, forward.reconstruction), "mmd": (strength, mmd(forward.z, forward.prior))}
