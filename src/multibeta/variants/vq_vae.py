"""VQ-VAE: the code is a few entries of a learnt codebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Parts, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.network import VAE


class VQVAE(Variant):
    """−log p(x|e) + β · ‖z_e(x) − sg[e]‖², e the codebook's entries nearest to the encoder's vectors z_e.

    An image has as many entries as there are latents, all from one codebook. Gradients pass the choice unchanged
    (straight-through). The codebook starts from the k means of the encoder's first vectors, follows the vectors by
    running averages instead of a loss, and an entry that falls out of use begins anew at a vector of the batch. After
    training a small autoregressive network learns the prior over entries, from which samples are drawn.

    For metrics and traversals the code has one number for each latent: the place of its entry in the codebook, which is
    ordered along its first principal component, as a normal score.

    References:
        van den Oord, Vinyals & Kavukcuoglu 2017, "Neural Discrete Representation Learning",
        https://arxiv.org/abs/1711.00937, equation 3 and appendix A.1 (running averages); restarts: Dhariwal et al.
        2020, https://arxiv.org/abs/2005.00341, section 3.
    """

    class Options(registry.Options):
        codebook_size: int = Field(512, ge=2, le=65536, description="entries of the codebook")
        entry_size: int = Field(16, ge=1, le=4096, description="numbers in an entry")
        decay: float = Field(0.99, ge=0, lt=1, description="of the running averages that the codebook follows")
        restart_below: float = Field(
            0.1, ge=0, lt=1, description="use of an entry, as a share of even use, below which it begins anew; 0: never"
        )
        prior_steps: int = Field(1000, ge=1, le=1_000_000, description="steps of the prior's training")

    title = "VQ-VAE"
    source = "van den Oord et al. 2017, https://arxiv.org/abs/1711.00937"
    strengths = (0.1, 0.25, 0.5, 1, 2)
    points = True
    draws_prior = True  # for the order in which idle entries begin anew

    def network(self, parts: Parts) -> VAE:
        from multibeta.variants._codebook import Quantised

        options = self.options
        return Quantised(
            *parts,
            entries=options.codebook_size,
            entry_size=options.entry_size,
            decay=options.decay,
            restart_below=options.restart_below,
        )

    def start(self, network: Any, images: Tensor, seed: int) -> None:
        network.start(images, seed)

    def loss(self, forward: Forward, strength: float) -> Terms:
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "commitment": (strength, forward.extras["commitment"]),
            "perplexity": (0.0, forward.extras["perplexity"]),
            "perplexity_of_latents": (0.0, forward.extras["perplexity_of_latents"]),
            "usage": (0.0, forward.extras["usage"]),
            "usable": (0.0, forward.extras["usable"]),
        }

    def finish(self, network: Any, codes: Tensor, seed: int) -> None:
        network.learn_prior(codes, self.options.prior_steps, seed)
