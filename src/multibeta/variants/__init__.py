"""What a variant is: an objective, its strength and what it asks of the networks.

A variant is one file here (or one file named under ``plugins:`` in a study) with one subclass of `Variant`. It sees
`Forward`, the quantities of one training step, and returns named, weighted loss terms. It knows nothing of files,
devices, seeds or Snakemake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from multibeta.registry import PlugIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from multibeta.architectures import Architecture
    from multibeta.network import VAE
    from multibeta.options import TrainingOptions

#: A loss: ``name: (weight, scalar)``.
Terms = dict[str, tuple[float, "Tensor"]]


class Parts(NamedTuple):
    """What a network is made of; the first arguments of `multibeta.network.VAE`.

    Attributes:
        architecture: gives encoder and decoder.
        shape: (C, H, W) of the images.
        latents: D.
        condition_size: how many values the condition has, 0 without one.
    """

    architecture: Architecture
    shape: tuple[int, int, int]
    latents: int
    condition_size: int = 0


@dataclass
class Forward:
    """One pass of a batch through encoder and decoder. B images, D latents; every term in nats per image.

    Attributes:
        images: (B, C, H, W) in [0, 1].
        mean: (B, D), the posterior mean μ.
        logvar: (B, D), the posterior log-variance log σ²; −∞ for points.
        z: (B, D), the code sampled from the posterior.
        logits: (B, C, H, W), the decoder's output before the sigmoid.
        likelihood: negative log-likelihood of images given logits, (B,) in nats.
        prior: (B, D), draws of N(0, I) independent of all else, for a variant that `draws_prior`; else None.
        network: the network, for a loss that asks it for more, as ``forward.network.decode(forward.prior)`` does.
        adversary: the variant's adversary, or None.
        condition: (B,), of a conditional variant, else None.
        dataset_size: number of training images.
        free_bits: nats of each latent's KL that cost nothing.
        extras: what the network's forward pass gave beside, and what `loss` puts there for `adversary_loss`.
    """

    images: Tensor
    mean: Tensor
    logvar: Tensor
    z: Tensor
    logits: Tensor
    likelihood: Callable[[Tensor, Tensor], Tensor]
    prior: Tensor | None = None
    network: Any = None
    adversary: Any = None
    condition: Tensor | None = None
    dataset_size: int = 0
    free_bits: float = 0.0
    extras: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def reconstruction(self) -> Tensor:
        """−log p(x|z), averaged over the batch: scalar, nats per image."""
        return self.likelihood(self.logits, self.images).mean()

    @cached_property
    def kl_of_each(self) -> Tensor:
        """KL(q(z_j|x) ‖ N(0, 1)) of each image and latent: (B, D), nats. Kingma & Welling 2014, app. B."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - self.logvar - 1)

    @cached_property
    def kl_per_latent(self) -> Tensor:
        """KL(q(z_j|x) ‖ N(0, 1)), averaged over the batch: (D,), nats per image."""
        return self.kl_of_each.mean(0)

    @cached_property
    def kl(self) -> Tensor:
        """KL(q(z|x) ‖ N(0, I)): scalar, nats per image; with free bits, a latent counts at least these.

        Free bits: Kingma et al. 2016, https://arxiv.org/abs/1606.04934, appendix C.8, one group for each latent.
        """
        if self.free_bits:
            return self.kl_per_latent.clamp(min=self.free_bits).sum()
        return self.kl_per_latent.sum()

    def detached(self) -> Forward:
        """The same values, through which no gradient reaches the network."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        cut = {name: value.detach() for name, value in values.items() if hasattr(value, "detach")}
        extras = {name: value.detach() for name, value in self.extras.items()}
        return replace(self, **cut, extras=extras)


class Variant(PlugIn, kind="variant"):
    """Base of every variant.

    Declare:
        title: the name as the literature writes it.
        source: the paper that defines the objective.
        symbol: the letter of the swept strength (β, γ, λ, C).
        strengths: the default grid of the strength.
        Options: a pydantic model of the variant's own options, if it has any.

    and write `loss`. All else has a default, which serves a variant that is an objective and no more.

    Example:
        >>> class BetaVAE(Variant):
        ...     title, source = "β-VAE", "Higgins et al. 2017"
        ...
        ...     def loss(self, forward, strength):
        ...         return {"reconstruction": (1.0, forward.reconstruction), "kl": (strength, forward.kl)}
    """

    title: ClassVar[str]
    source: ClassVar[str]
    symbol: ClassVar[str] = "β"
    strengths: ClassVar[tuple[float, ...]] = (0.5, 1, 2, 4, 8)
    #: The encoder gives points rather than Gaussians.
    points: ClassVar[bool] = False
    #: `Forward.prior` is wanted.
    draws_prior: ClassVar[bool] = False
    #: The network is trained once, at strength 1, and read at every strength (`multibeta.network.VAE.strength`).
    one_training: ClassVar[bool] = False
    #: Training options that the method takes for granted; a study's own win over them.
    training: ClassVar[Mapping[str, Any]] = {}

    def loss(self, forward: Forward, strength: float) -> Terms:
        """The named terms of the objective as ``name: (weight, scalar in nats per image)``.

        The objective is the weighted sum; the history keeps the unweighted terms. A term of weight 0 is only recorded,
        in whatever unit it has. ``strength`` is the strength of this step, warm-up included: a number, or on a GPU a
        scalar tensor. A loss that waits for the device, as ``.item()`` does, keeps a GPU from doing the step as one
        CUDA graph, which is several times as fast.
        """
        raise NotImplementedError

    def check(self, training: TrainingOptions) -> None:
        """Raise ValueError with one clause (``needs at least 3 latents``) if these options cannot serve the variant."""

    def check_strength(self, strength: float) -> None:
        """Raise ValueError with one clause (``must be at least 1``) if the variant cannot be had at this strength."""

    def condition(self, factors: list[tuple[str, int]], classes: int) -> str | None:
        """What encoder and decoder are conditioned on: ``"label"``, a factor or several joined by ``+``; None: nothing.

        Args:
            factors: (name, size) of the dataset's factors, empty if it has none.
            classes: number of classes of the dataset's labels, 0 if it has none.

        Raises:
            ValueError: the dataset has nothing this variant can be conditioned on; the message is one clause.
        """
        return None

    def network(self, parts: Parts) -> VAE:
        """The network, with weights drawn from the global random state, which belongs to the seed."""
        from multibeta.network import VAE

        return VAE(*parts, points=self.points)

    def adversary(self, parts: Parts) -> nn.Module | None:
        """A network that is trained by `adversary_loss`, by an Adam of its own, at each step after the network."""
        return None

    @property
    def adversary_adam(self) -> tuple[float, tuple[float, float]]:
        """Learning rate and betas of the adversary's Adam: those of Kim & Mnih 2018, appendix A."""
        return 1e-4, (0.5, 0.9)

    def adversary_loss(self, forward: Forward) -> Tensor:
        """The adversary's own loss on the values that `loss` saw, cut off from the network: scalar, nats."""
        raise NotImplementedError

    def start(self, network: Any, images: Tensor, seed: int) -> None:
        """Set what the network takes from data, once before the first step; without gradients.

        Args:
            images: (N, C, H, W) of the training images, up to 2,048 of them, in random order.
            seed: keys what is random.
        """

    def finish(self, network: Any, codes: Tensor, seed: int) -> None:
        """Fit what is fitted to the trained network, once after the last step; gradients only where switched on.

        Args:
            codes: (N, D), `encode`'s means of the training images, up to 50,000 of them.
            seed: keys what is random.
        """


def objective(terms: dict[str, tuple[float, Any]]) -> Any:
    """The weighted sum of the terms that `Variant.loss` returns; what is only recorded is left out."""
    return sum(weight * value for weight, value in terms.values() if not _is_nothing(weight))


def _is_nothing(weight: Any) -> bool:
    """Is it the number 0? A tensor on a GPU is not asked, for the answer would be waited for."""
    return isinstance(weight, int | float) and weight == 0
