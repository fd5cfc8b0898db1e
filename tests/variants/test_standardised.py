"""The codes of an autoencoder after training: of mean 0 and variance 1, otherwise the same model."""

import pytest

torch = pytest.importorskip("torch")
from .conftest import BATCH, LATENTS, make, one_pass  # noqa: E402


@pytest.fixture
def fitted():
    """Images, what the decoder made of their codes before `finish`, and the network after it."""
    variant = make("ae")
    forward = one_pass(variant)
    network = forward.network
    with torch.no_grad():
        network.posterior.bias += 3  # neither mean 0
        network.posterior.weight *= 5  # nor variance 1
        codes = network.encode(forward.images)[0]
        before = network.decode(codes)
        assert codes.mean(0).abs().min() > 0.5
        variant.finish(network, codes, seed=0)
    return forward.images, before, network


def test_codes_have_mean_0_and_variance_1(fitted):
    images, _, network = fitted
    codes, logvar = network.encode(images)
    torch.testing.assert_close(codes.mean(0), torch.zeros(LATENTS, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(codes.square().mean(0), torch.ones(LATENTS, dtype=torch.float64))
    assert logvar.isneginf().all()


def test_reconstructions_are_those_of_before(fitted):
    images, before, network = fitted
    torch.testing.assert_close(network.decode(network.encode(images)[0]), before)


def test_the_prior_has_the_correlations_of_the_codes(fitted):
    images, _, network = fitted
    codes = network.encode(images)[0]
    factor = network.prior(torch.eye(LATENTS, dtype=torch.float64))  # the transposed Cholesky factor
    torch.testing.assert_close(factor.T @ factor, codes.T @ codes / BATCH, atol=1e-5, rtol=0)


def test_a_constant_latent_stays_finite():
    variant = make("ae")
    network = one_pass(variant).network
    codes = torch.randn(50, LATENTS, dtype=torch.float64)
    codes[:, 0] = 2.0
    variant.finish(network, codes, seed=0)
    assert network.scale[0] == 1
    assert network.prior(torch.randn(50, LATENTS, dtype=torch.float64)).isfinite().all()
