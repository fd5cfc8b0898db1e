"""β-TCVAE: of the KL's three parts, the total correlation of the code weighs β."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from multibeta import registry
from multibeta.variants import Forward, Terms, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.options import TrainingOptions


class BetaTCVAE(Variant):
    """−E[log p(x|z)] + α · I(x; z) + β · TC(z) + γ · Σ_j KL(q(z_j) ‖ p(z_j)).

    The three parts sum to the KL, whose closed form is used: the objective is −E[log p(x|z)] + KL + (α − 1) I +
    (β − 1) TC + (γ − 1) Σ_j KL_j, so at α = β = γ = 1 it is the ELBO exactly, and no estimate adds noise where its
    weight is 0. The densities q(z) and q(z_j) of the whole dataset are estimated from the batch (`log_densities`).

    References:
        Chen, Li, Grosse & Duvenaud 2018, "Isolating Sources of Disentanglement in Variational Autoencoders",
        https://arxiv.org/abs/1802.04942, equation 4 and appendix C.
    """

    class Options(registry.Options):
        alpha: float = Field(1, ge=-100, le=100, description="α, weight of the mutual information of image and code")
        gamma: float = Field(1, ge=0, le=1000, description="γ, weight of the latents' own distances to the prior")
        estimator: Literal["mws", "mss"] = Field(
            "mws", description="minibatch-weighted or minibatch-stratified sampling"
        )

    title = "β-TCVAE"
    source = "Chen et al. 2018, https://arxiv.org/abs/1802.04942"
    strengths = (1, 2, 4, 6, 8)

    def check(self, training: TrainingOptions) -> None:
        if training.batch_size < 2:
            raise ValueError("estimates densities from a batch and needs a batch_size of at least 2")

    def loss(self, forward: Forward, strength: float) -> Terms:
        of_codes, of_latents = log_densities(forward, self.options.estimator)
        given_image = _log_gaussian(forward.z, forward.mean, forward.logvar).sum(1)
        of_prior = _log_gaussian(forward.z, 0 * forward.z, 0 * forward.z).sum(1)
        return {
            "reconstruction": (1.0, forward.reconstruction),
            "kl": (1.0, forward.kl),
            "mutual_information": (self.options.alpha - 1, (given_image - of_codes).mean()),
            "total_correlation": (strength - 1, (of_codes - of_latents.sum(1)).mean()),
            "dimension_wise_kl": (self.options.gamma - 1, (of_latents.sum(1) - of_prior).mean()),
        }


def log_densities(forward: Forward, estimator: str) -> tuple[Tensor, Tensor]:
    """Estimates of log q(z) (B,) and log q(z_j) (B, D) at the codes of a batch, in nats.

    ``mws`` weighs every image of the batch alike, with 1/B. Equation 4 of the paper has 1/(N·B) for a dataset of N,
    which adds the constant −log N to every density: no gradient sees it, but the total correlation would read (D − 1)
    log N too much. As it stands, it reads between log(N / B) too much, as the code of an image is found in every batch
    with it, and (D − 1) log(N / B) too little, where posteriors are so narrow that no image shares a latent's value.

    ``mss`` draws the batch as a stratified sample: the image itself weighs 1/N, one other (N − M) / (N·M) and the rest
    1/M, M = B − 1. The densities are unbiased, their logarithms are not: where posteriors overlap, that of q(z) is too
    small and the total correlation reads too little, below 0 for independent latents; where they are narrow, too much.
    """
    import torch

    # (B, B, D): the code of image i under the posterior of image j.
    each = _log_gaussian(forward.z[:, None], forward.mean[None], forward.logvar[None])
    count = len(forward.z)
    if estimator == "mws":
        weights = each.new_full((count, count), -math.log(count))
    else:
        weights = _stratified(count, forward.dataset_size).to(each)
    return torch.logsumexp(each.sum(2) + weights, 1), torch.logsumexp(each + weights[:, :, None], 1)


def _stratified(count: int, dataset_size: int) -> Tensor:
    """The logarithms of the weights (B, B) of minibatch-stratified sampling; each row of weights sums to 1."""
    import torch

    others = count - 1
    weights = torch.full((count, count), 1 / others, dtype=torch.float64)
    rows = torch.arange(count)
    weights[rows, (rows + 1) % count] = max((dataset_size - others) / (dataset_size * others), 1e-12)
    weights[rows, rows] = 1 / dataset_size
    return weights.log()


def _log_gaussian(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mean).square() * (-logvar).exp())
