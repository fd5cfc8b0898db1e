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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [28, 32, 64, 128])
def test_every_size_has_three_architectures_or_more(side, channels):
    architectures = [registry.find("architecture", name)() for name in registry.names("architecture")]
    assert sum(fits(each, (channels, side, side)) for each in architectures) >= 3


@pytest.mark.parametrize("latents", [2, 256])
@pytest.mark.parametrize("name", registry.names("architecture"))
def test_few_latents_or_many(name, latents):
    architecture = registry.find("architecture", name)()
    shape = next(shape for shape in reversed(SHAPES) if shape[1] <= 64 and fits(architecture, shape))
    network = VAE(architecture, shape, latents)
    mean, _ = network.encode(torch.rand(2, *shape))
    assert mean.shape == (2, latents)
    assert network.decode(mean).shape == (2, *shape)


@pytest.mark.parametrize("name", registry.names("architecture"))
def test_after_training_an_image_is_encoded_as_it_is_alone(name):
    architecture = registry.find("architecture", name)()
    shape = next(shape for shape in SHAPES if fits(architecture, shape))
    network = VAE(architecture, shape, latents=3)
    network(torch.rand(8, *shape), None, torch.zeros(8, 3))  # BatchNorm meets its first batch
    network.eval()
    images = torch.rand(4, *shape)
    torch.testing.assert_close(network.encode(images)[0][:1], network.encode(images[:1])[0])


def test_options_change_the_nets():
    mlp = registry.find("architecture", "mlp")
    small = VAE(mlp(mlp.Options(widths=(7,))), (1, 8, 8), latents=2)
    assert [layer.out_features for layer in small.body if isinstance(layer, torch.nn.Linear)] == [7]
    with pytest.raises(ValueError, match="widths"):
        mlp.Options(widths=())


def locatello(kernel):
    plug_in = registry.find("architecture", "locatello")
    return plug_in(plug_in.Options(kernel=kernel))


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [(registry.find("architecture", "burgess")(), 0.5e6), (locatello(2), 0.69e6)],
    ids=["burgess", "locatello as published"],
)
def test_the_nets_of_papers_have_the_papers_size(architecture, parameters):
    network = VAE(architecture, (1, 64, 64), latents=10)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(parameters, rel=0.03)


def test_a_conditional_model_asks_for_its_condition():
    network = VAE(registry.find("architecture", "mlp")(), (1, 8, 8), latents=2, condition_size=3)
    with pytest.raises(ValueError, match="needs a condition: a class of 0 … 2"):
        network.encode(torch.rand(1, 1, 8, 8))
