"""β-VAE: the evidence lower bound with the KL term weighted by β."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.variants import Forward, Terms, Variant

if TYPE_CHECKING:
    pass


class BetaVAE(Variant):
    """β-VAE minimises −E[log p(x|z)] + β · KL(q(z|x) ‖ p(z)).

    β > 1 asks for a code of fewer nats, which on images of independent factors tends to line latents up with factors;
    β = 1 is the plain VAE. β is comparable between studies only for losses summed over pixels, as here.

    References:
        Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
        https://openreview.net/forum?id=Sy2fzU9gl
    """

    title = "β-VAE"
    source = "Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl"

    def loss(self, forward: Forward, strength: float) -> Terms:
        return {"reconstruction": (1.0, forward.reconstruction), "kl": (strength, forward.kl)}
