"""A training pass of any variant, small and in double precision."""

import pytest

from multibeta import registry
from multibeta.variants import Forward, Parts
from multibeta.variants._likelihoods import likelihood

torch = pytest.importorskip("torch")

BATCH, LATENTS = 6, 4


def make(name, **options):
    plug_in = registry.find("variant", name)
    return plug_in(plug_in.Options(**options))


def one_pass(variant, seed=0, shape=(1, 4, 4)):
    """A `Forward` as the training loop makes it, of networks with random weights."""
    torch.manual_seed(seed)
    parts = Parts(registry.find("architecture", "mlp")(), shape, LATENTS)
    network = variant.network(parts).double()
    adversary = variant.adversary(parts)
    adversary = None if adversary is None else adversary.double()
    network.eval()  # what belongs to a step's update stays as it is
    images = torch.rand(BATCH, *shape, dtype=torch.float64)
    return forward_of(variant, network, adversary, images, *torch.randn(2, BATCH, LATENTS, dtype=torch.float64))


def forward_of(variant, network, adversary, images, noise, chance):
    """A `Forward` of these networks and numbers, without a condition."""
    found = network(images, None, noise, chance)
    return Forward(
        images,
        found.mean,
        found.logvar,
        found.z,
        found.logits,
        likelihood("bernoulli", 0.1),
        prior=chance if variant.draws_prior else None,
        network=network,
        adversary=adversary,
        dataset_size=100,
        extras=found.extras,
    )
