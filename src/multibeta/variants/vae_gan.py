"""VAE-GAN: images are compared by what a discriminator of images sees in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor, nn


class VAEGAN(Variant):
    """KL + ½ ‖f(x) − f(x̃)‖² − λ · ½ (E[log D(x̃)] + E[log D(x_p)]), f the features below the last layer of D.

    x̃ is the reconstruction, x_p an image of a prior draw. D is the architecture's encoder with one output. Only the
    decoder learns from fooling D; the encoder sees KL and features. λ is one over the paper's γ, up to a common factor.
    ``pixels`` adds the likelihood of the pixels, which the paper has not.

    References:
        Larsen, Sønderby, Larochelle & Winther 2016, "Autoencoding beyond pixels using a learned similarity metric",
        https://arxiv.org/abs/1512.09300, algorithm 1.
    """

    class Options(registry.Options):
        pixels: float = Field(0, ge=0, le=1e6, description="weight of the pixels' −log p(x|z)")
        adversary_learning_rate: float = Field(1e-4, gt=0, le=1, description="of the discriminator's Adam")

    title = "VAE-GAN"
    source = "Larsen et al. 2016, https://arxiv.org/abs/1512.09300"
    symbol = "λ"
    strengths = (0.1, 1, 10)
    draws_prior = True

    def adversary(self, parts: Parts) -> nn.Module:
        from torch import nn

        body, features = parts.architecture.encoder(parts.shape)
        return nn.Sequential(body, nn.Linear(features, 1))

    @property
    def adversary_adam(self) -> tuple[float, tuple[float, float]]:
        return self.options.adversary_learning_rate, (0.5, 0.9)

    def loss(self, forward: Forward, strength: float) -> Terms:
        import torch
        from torch.nn.functional import softplus

        features = forward.adversary[0]
        real, rebuilt = features(forward.images).detach(), features(forward.logits.sigmoid())
        assert forward.prior is not None
        made = forward.network.decode(torch.cat([forward.z.detach(), forward.prior])).sigmoid()
        forward.extras["made"] = made
        return {
            "reconstruction": (self.options.pixels, forward.reconstruction),
            "kl": (1.0, forward.kl),
            "features": (1.0, 0.5 * (real - rebuilt).square().sum(1).mean()),
            "generator": (strength, softplus(-forward.adversary(made)).mean()),
        }

    def adversary_loss(self, forward: Forward) -> Tensor:
        from torch.nn.functional import softplus

        of_real, of_made = forward.adversary(forward.images), forward.adversary(forward.extras["made"])
        return 0.5 * (softplus(-of_real).mean() + softplus(of_made).mean())
