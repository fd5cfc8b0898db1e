"""Autoencoder: the end of the sweep where β goes to 0, with points for codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.network import VAE


class AE(Variant):
    """−log p(x|z(x)) + λ · ½ ‖z(x)‖², the codes z(x) points.

    What is left of a β-VAE when β → 0 and the posterior's noise goes with it; λ, which takes the place of β in ½ β μ²,
    only keeps the codes from growing without end. Afterwards the codes are standardised, so that traversals and probes
    find them at the scale of the other variants, and a Gaussian is fitted to them, from which samples are drawn.

    References:
        Hinton & Salakhutdinov 2006, https://doi.org/10.1126/science.1127647; the Gaussian fitted afterwards: Ghosh et
        al. 2020, "From Variational to Deterministic Autoencoders", https://arxiv.org/abs/1903.12436, section 4.
    """

    title = "AE"
    source = "Hinton & Salakhutdinov 2006; Ghosh et al. 2020, https://arxiv.org/abs/1903.12436"
    symbol = "λ"
    strengths = (0.001,)
    points = True

    def network(self, parts: Parts) -> VAE:
        from multibeta.variants._standardised import Standardised

        return Standardised(*parts, points=True)

    def loss(self, forward: Forward, strength: float) -> Terms:
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "code_norm": (strength, 0.5 * forward.z.square().sum(1).mean()),
        }

    def finish(self, network: Any, codes: Tensor, seed: int) -> None:
        network.fit(codes)
