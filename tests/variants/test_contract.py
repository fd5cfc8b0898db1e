"""What every variant keeps to, and what the losses are."""

import math

import pytest

from multibeta import registry
from multibeta.variants import Forward, objective
from multibeta.variants._likelihoods import bernoulli, gaussian, likelihood

torch = pytest.importorskip("torch")
from .conftest import make, one_pass  # noqa: E402


@pytest.fixture
def forward():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(5, 1, 4, 4, generator=generator)
    mean, logvar, noise = (torch.randn(5, 3, generator=generator) for _ in range(3))
    logits = torch.randn(5, 1, 4, 4, generator=generator, requires_grad=True)
    return Forward(images, mean, logvar, mean + noise * (logvar / 2).exp(), logits, likelihood("bernoulli", 0.1))


@pytest.mark.parametrize("name", registry.names("variant"))
def test_a_variant_says_what_it_is_and_returns_weighted_scalars(name):
    variant = make(name)
    assert variant.title
    assert variant.source
    assert variant.symbol
    assert all(strength > 0 for strength in variant.strengths)
    forward = one_pass(variant)
    terms = variant.loss(forward, 4.0)
    assert "reconstruction" in terms
    assert variant.points or "kl" in terms
    assert all(value.shape == () and value.isfinite() and math.isfinite(weight) for weight, value in terms.values())
    objective(terms).backward()
    for part in (forward.network.body, forward.network.posterior, forward.network.decoder):
        assert all(parameter.grad.isfinite().all() for parameter in part.parameters())
        assert any(parameter.grad.any() for parameter in part.parameters())


@pytest.mark.parametrize("name", registry.names("variant"))
def test_points_are_points_and_densities_are_finite(name):
    forward = one_pass(make(name))
    assert bool(forward.logvar.isneginf().all()) == make(name).points
    assert bool(forward.logvar.isfinite().all()) != make(name).points


@pytest.mark.parametrize("name", registry.names("variant"))
def test_the_strength_moves_the_objective(name):
    """Also of one that is trained once: there it is how far the warm-up is."""
    variant = make(name)
    forward = one_pass(variant)
    weak, strong = (objective(variant.loss(forward, strength)).item() for strength in (0.5, 1.0))
    assert weak != strong


@pytest.mark.parametrize("name", [name for name in registry.names("variant") if one_pass(make(name)).adversary])
def test_an_adversary_learns_alone(name):
    variant = make(name)
    forward = one_pass(variant)
    variant.loss(forward, 1.0)
    variant.adversary_loss(forward.detached()).backward()
    assert all(parameter.grad is None for parameter in forward.network.parameters())
    assert all(parameter.grad is not None for parameter in forward.adversary.parameters())


def test_beta_vae_is_reconstruction_plus_beta_times_kl(forward):
    total = objective(registry.find("variant", "beta_vae")().loss(forward, 3.0))
    assert total.item() == pytest.approx((forward.reconstruction + 3 * forward.kl).item())


def test_kl_is_that_of_two_gaussians(forward):
    posterior = torch.distributions.Normal(forward.mean, (forward.logvar / 2).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).mean(0)
    torch.testing.assert_close(forward.kl_per_latent, expected)
    torch.testing.assert_close(forward.kl, expected.sum())


def test_bernoulli_sums_over_pixels_in_nats():
    logits, images = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
    torch.testing.assert_close(bernoulli(logits, images), torch.full((2,), 16 * math.log(2)))


def test_gaussian_is_the_density_with_its_constant():
    logits, images = torch.randn(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    expected = -torch.distributions.Normal(logits.sigmoid(), 0.3).log_prob(images).flatten(1).sum(1)
    torch.testing.assert_close(gaussian(logits, images, 0.3), expected)


def test_a_deviation_that_is_learnt_is_paid_for_by_its_logarithm():
    """d/d log σ of Σ r² / (2 σ²) + n log σ + n log √(2π) is n − Σ r² / σ²: least where σ² is the mean of r²."""
    generator = torch.Generator().manual_seed(0)
    logits, images = torch.randn(4, 3, 4, 4, generator=generator), torch.rand(4, 3, 4, 4, generator=generator)
    squares, size = (logits.sigmoid() - images).square().flatten(1).sum(1), 48
    for log_std in (math.log(0.1), 0.5 * math.log(squares.mean() / size), 1.0):
        learnt = torch.tensor(log_std, requires_grad=True)
        found = likelihood("gaussian_learned", learnt.exp())(logits, images)
        expected = squares / (2 * math.exp(2 * log_std)) + size * (log_std + math.log(math.sqrt(2 * math.pi)))
        torch.testing.assert_close(found.detach(), expected)
        found.mean().backward()
        gradient = size - squares.mean().item() / math.exp(2 * log_std)
        assert learnt.grad.item() == pytest.approx(gradient, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("wanted", "factors", "classes", "condition"),
    [
        ("auto", [("shape", 3)], 10, "label"),
        ("auto", [("shape", 3), ("x", 4)], 0, "shape"),
        ("x", [("shape", 3), ("x", 4)], 0, "x"),
        ("label", [], 10, "label"),
    ],
)
def test_cvae_is_conditioned_on_the_label_or_a_factor(wanted, factors, classes, condition):
    cvae = registry.find("variant", "cvae")
    assert cvae(cvae.Options(condition=wanted)).condition(factors, classes) == condition


@pytest.mark.parametrize(("wanted", "factors"), [("auto", []), ("label", [("x", 4)]), ("y", [("x", 4)])])
def test_cvae_without_anything_to_be_conditioned_on_says_so(wanted, factors):
    cvae = registry.find("variant", "cvae")
    with pytest.raises(ValueError, match="to condition on"):
        cvae(cvae.Options(condition=wanted)).condition(factors, 0)
