"""Every variant with every architecture: built, one loss and its gradients, encoded and decoded; nothing is trained."""

from itertools import product

import pytest

from multibeta import registry
from multibeta.options import TrainingOptions
from multibeta.variants import Parts, objective

torch = pytest.importorskip("torch")
from .conftest import forward_of, make  # noqa: E402

BATCH = 4
SMALL = {"vq_vae": {"codebook_size": 8, "entry_size": 2}, "factor_vae": {"width": 16}}
ARCHITECTURES = {name: registry.find("architecture", name)() for name in registry.names("architecture")}
SHAPES = [(channels, side, side) for side in (32, 64) for channels in (1, 3)]


def fits(architecture, shape):
    try:
        architecture.check(shape)
    except ValueError:
        return False
    return True


def serves(variant, latents):
    """A ladder of three levels needs three latents."""
    return variant != "hierarchical_vae" or latents >= 3


def pairs():
    """Each variant with each architecture, on one of the images and one of the numbers of latents that they serve.

    They take turns, so that an architecture meets all of them, each with other variants.
    """
    found = []
    for (i, variant), (j, name) in product(enumerate(registry.names("variant")), enumerate(ARCHITECTURES)):
        shapes = [shape for shape in SHAPES if fits(ARCHITECTURES[name], shape)]
        cases = [(shape, latents) for shape, latents in product(shapes, (2, 256)) if serves(variant, latents)]
        found.append((variant, name, *cases[(i + j) % len(cases)]))
    return found


@pytest.mark.parametrize(
    ("name", "architecture", "shape", "latents"),
    pairs(),
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_a_variant_is_served_by_an_architecture(name, architecture, shape, latents):
    torch.manual_seed(0)
    variant, parts = make(name, **SMALL.get(name, {})), Parts(ARCHITECTURES[architecture], shape, latents)
    network, adversary = variant.network(parts), variant.adversary(parts)
    images, (noise, chance) = torch.rand(BATCH, *shape), torch.randn(2, BATCH, latents)
    forward = forward_of(variant, network, adversary, images, noise, chance)
    loss = objective(variant.loss(forward, 1.0))
    loss.backward(inputs=list(network.parameters()))
    assert loss.isfinite()
    for part in (network.body, network.posterior, network.decoder):
        gradients = [parameter.grad for parameter in part.parameters()]
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert any(gradient.any() for gradient in gradients)
    if adversary is not None:
        variant.adversary_loss(forward.detached()).backward()
        assert all(parameter.grad.isfinite().all() for parameter in adversary.parameters())

    network.eval()
    with torch.no_grad():
        mean, logvar = network.encode(images)
        assert mean.shape == logvar.shape == (BATCH, latents)
        assert mean.isfinite().all()
        for codes in (mean, network.prior(noise)):
            made = network.decode(codes)
            assert made.shape == images.shape
            assert made.isfinite().all()


def test_a_ladder_of_more_levels_than_latents_is_refused():
    make("hierarchical_vae").check(TrainingOptions(latents=3))
    with pytest.raises(ValueError, match="needs at least one latent for each of its 3 levels"):
        make("hierarchical_vae").check(TrainingOptions(latents=2))


@pytest.mark.parametrize("name", [name for name in registry.names("variant") if serves(name, 2)])
def test_all_others_accept_two_latents(name):
    make(name).check(TrainingOptions(latents=2))
