"""A network that is told β: what it saw of β in training, and that it is read at the β it serves."""

import math

import pytest

torch = pytest.importorskip("torch")
from .conftest import BATCH, LATENTS, make, one_pass  # noqa: E402

VARIANT = make("beta_conditioned_vae", lowest=0.5, highest=8)


def network_that_listens():
    """β enters by layers that begin at nothing; here they have weights."""
    network = one_pass(VARIANT).network
    for film in (network.of_features, network.of_posterior, network.of_codes):
        torch.nn.init.normal_(film.out.weight)
    return network


def images(count=BATCH):
    return torch.rand(count, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_beta_is_log_uniform_over_its_range():
    """Even quantiles of the noise give strengths that are even in log β, from the lowest to the highest."""
    count = 101
    quantiles = torch.linspace(1e-9, 1 - 1e-9, count, dtype=torch.float64)
    chance = torch.special.ndtri(quantiles)[:, None].repeat(1, LATENTS)
    found = one_pass(VARIANT).network(images(count), None, torch.zeros_like(chance), chance)
    expected = torch.linspace(math.log(0.5), math.log(8), count, dtype=torch.float64)
    torch.testing.assert_close(found.extras["beta"].log(), expected, atol=1e-6, rtol=0)


def test_read_at_a_strength_it_does_what_it_did_in_training_at_that_strength():
    network = network_that_listens()
    noise, chance = torch.randn(2, BATCH, LATENTS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    trained = network(images(), None, noise, chance)
    for row, beta in enumerate(trained.extras["beta"].tolist()):
        network.strength = beta
        mean, logvar = network.encode(images())
        torch.testing.assert_close(mean[row], trained.mean[row])
        torch.testing.assert_close(logvar[row], trained.logvar[row])
        torch.testing.assert_close(network.decode(trained.z)[row], trained.logits[row])


def test_another_strength_is_another_model():
    network = network_that_listens()
    codes = torch.ones(BATCH, LATENTS, dtype=torch.float64)
    read = []
    for network.strength in (1.0, 4.0):
        read.append((*network.encode(images()), network.decode(codes)))
    assert not any(torch.allclose(weak, strong) for weak, strong in zip(*read, strict=True))
