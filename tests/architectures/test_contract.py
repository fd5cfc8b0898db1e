"""What every architecture keeps to, and the sizes that papers state."""

import pytest

from multibeta import registry
from multibeta.network import VAE

torch = pytest.importorskip("torch")
SHAPES = [(c, side, side) for side in (8, 16, 28, 32, 64, 128) for c in (1, 3)]


def fits(architecture, shape):
    try:
        architecture.check(shape)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", registry.names("architecture"))
def test_an_architecture_serves_every_shape_it_accepts(name):
    architecture = registry.find("architecture", name)()
    assert architecture.title
    assert architecture.source
    accepted = [shape for shape in SHAPES if fits(architecture, shape)]
    assert accepted
    for shape in accepted:
        network = VAE(architecture, shape, latents=5, condition_size=3)
        images, condition = torch.rand(2, *shape), torch.tensor([0, 2])
        mean, logvar = network.encode(images, condition)
        assert mean.shape == logvar.shape == (2, 5)
        assert network.decode(mean, condition).shape == images.shape


@pytest.mark.parametrize(("name", "parameters"), [("burgess", 0.5e6), ("locatello", 0.69e6)])
def test_the_nets_of_papers_have_the_papers_size(name, parameters):
    network = VAE(registry.find("architecture", name)(), (1, 64, 64), latents=10)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(parameters, rel=0.03)


def test_a_conditional_model_asks_for_its_condition():
    network = VAE(registry.find("architecture", "mlp")(), (1, 8, 8), latents=2, condition_size=3)
    with pytest.raises(ValueError, match="needs a condition: a class of 0 … 2"):
        network.encode(torch.rand(1, 1, 8, 8))
