"""What a variant is: an objective, its strength and what it asks of the networks.

A variant is one file here (or one file named under ``plugins:`` in a study) with one subclass of `Variant`. It sees
`Forward`, the quantities of one training step, and returns named, weighted loss terms. It knows nothing of files,
devices, seeds or Snakemake.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from multibeta.registry import PlugIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@dataclass
class Forward:
    """One pass of a batch through encoder and decoder. B images, D latents; every term in nats per image.

    Attributes:
        images: (B, C, H, W) in [0, 1].
        mean: (B, D), the posterior mean μ.
        logvar: (B, D), the posterior log-variance log σ².
        z: (B, D), the code sampled from the posterior.
        logits: (B, C, H, W), the decoder's output before the sigmoid.
        likelihood: negative log-likelihood of images given logits, (B,) in nats.
    """

    images: Tensor
    mean: Tensor
    logvar: Tensor
    z: Tensor
    logits: Tensor
    likelihood: Callable[[Tensor, Tensor], Tensor]

    @cached_property
    def reconstruction(self) -> Tensor:
        """−log p(x|z), averaged over the batch: scalar, nats per image."""
        return self.likelihood(self.logits, self.images).mean()

    @cached_property
    def kl_per_latent(self) -> Tensor:
        """KL(q(z_j|x) ‖ N(0, 1)), averaged over the batch: (D,), nats per image. Kingma & Welling 2014, app. B."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - self.logvar - 1).mean(0)

    @cached_property
    def kl(self) -> Tensor:
        """KL(q(z|x) ‖ N(0, I)): scalar, nats per image."""
        return self.kl_per_latent.sum()


class Variant(PlugIn, kind="variant"):
    """Base of every variant.

    Declare:
        title: the name as the literature writes it.
        source: the paper that defines the objective.
        symbol: the letter of the swept strength (β, γ, λ, C).
        strengths: the default grid of the strength.
        Options: a pydantic model of the variant's own options, if it has any.

    and write `loss`. A conditional variant also says what it conditions on in `condition`.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    symbol: ClassVar[str] = "β"
    strengths: ClassVar[tuple[float, ...]] = (0.5, 1, 2, 4, 8)

    def loss(self, forward: Forward, strength: float) -> dict[str, tuple[float, Tensor]]:
        """The named terms of the objective as ``name: (weight, scalar in nats per image)``.

        The objective is the weighted sum; the history keeps the unweighted terms. ``strength`` is the strength of
        this step, warm-up included: a number, or on a GPU a scalar tensor. A loss that waits for the device, as
        ``.item()`` does, keeps a GPU from doing the step as one CUDA graph, which is several times as fast.
        """
        raise NotImplementedError

    def condition(self, factors: list[tuple[str, int]], classes: int) -> str | None:
        """The name of the factor to condition encoder and decoder on, ``"label"``, or None for none.

        Args:
            factors: (name, size) of the dataset's factors, empty if it has none.
            classes: number of classes of the dataset's labels, 0 if it has none.

        Raises:
            ValueError: the dataset has nothing this variant can be conditioned on; the message is one clause.
        """
        return None


def objective(terms: dict[str, tuple[float, Any]]) -> Any:
    """The weighted sum of the terms that `Variant.loss` returns."""
    return sum(weight * value for weight, value in terms.values())
