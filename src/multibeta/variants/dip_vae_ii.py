"""DIP-VAE-II: the covariance of the sampled codes, not of their means alone, is drawn to the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward
from multibeta.variants.dip_vae_i import DIPVAEI

if TYPE_CHECKING:
    from torch import Tensor


class DIPVAEII(DIPVAEI):
    """As DIP-VAE-I with C = Cov_x[μ(x)] + E_x[diag σ²(x)], the covariance of the aggregate posterior.

    References:
        Kumar, Sattigeri & Balakrishnan 2018, https://arxiv.org/abs/1711.00848, equation 7.
    """

    class Options(registry.Options):
        ratio: float = Field(1, ge=0, le=1e6, description="λ_d / λ_od, the weight of the diagonal")

    title = "DIP-VAE-II"

    def covariance(self, forward: Forward) -> Tensor:
        return super().covariance(forward) + forward.logvar.exp().mean(0).diag()
