"""The weights a network begins with: PyTorch's own, or those of He et al.; keyed by the seed."""

import math

import pytest

from multibeta.study import Study

torch = pytest.importorskip("torch")
from multibeta.model import build  # noqa: E402


def network(seed=0, architecture="burgess", **training):
    config = {
        "name": "x",
        "datasets": ["dsprites"],
        "variants": ["beta_vae"],
        "strengths": [2],
        "training": {"architecture": architecture, **training},
    }
    return build(Study.parse(config).cells[0], seed)


def layers(net):
    """Dense and convolutional layers with the inputs of each unit, as PyTorch counts them."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    return [(layer, layer.weight[0].numel()) for layer in net.modules() if isinstance(layer, kinds)]


def test_weights_of_he_are_uniform_with_the_variance_that_relus_pass_on():
    """U(−√(6 / n), √(6 / n)), of variance 2 / n."""
    found = layers(network(initial_weights="he"))
    assert {type(layer).__name__ for layer, _ in found} == {"Linear", "Conv2d", "Upsampling"}
    for layer, inputs in found:
        assert layer.weight.abs().max() <= math.sqrt(6 / inputs)
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / inputs), rel=0.1)
        assert layer.weight.mean().item() == pytest.approx(0, abs=4 * math.sqrt(2 / inputs / layer.weight.numel()))


def test_all_but_those_weights_is_as_pytorch_draws_it():
    he, own = (network(initial_weights=name).state_dict() for name in ("he", "torch"))
    drawn = {name for name in own if name.endswith(".weight")}
    assert all(torch.equal(he[name], own[name]) != (name in drawn) for name in own)


def test_without_the_option_they_are_pytorchs_own():
    given, own = network().state_dict(), network(initial_weights="torch").state_dict()
    assert all(torch.equal(given[name], own[name]) for name in own)
    for layer, inputs in layers(network()):
        assert layer.weight.abs().max() <= 1 / math.sqrt(inputs)  # U(−1 / √n, 1 / √n)
        assert layer.weight.std().item() == pytest.approx(1 / math.sqrt(3 * inputs), rel=0.1)


@pytest.mark.parametrize("initial_weights", ["torch", "he"])
def test_a_seed_gives_its_own_weights_whatever_was_drawn_before(initial_weights):
    once = network(seed=0, initial_weights=initial_weights).state_dict()
    torch.rand(3)
    state = torch.get_rng_state()
    again = network(seed=0, initial_weights=initial_weights).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    other = network(seed=1, initial_weights=initial_weights).state_dict()
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not any(torch.equal(once[name], other[name]) for name in once)
