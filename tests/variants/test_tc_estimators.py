"""Estimates of the total correlation where it is known: their bias is the documented one."""

import math

import pytest

from multibeta.variants import Forward
from multibeta.variants._likelihoods import bernoulli

torch = pytest.importorskip("torch")
from .conftest import make  # noqa: E402

BATCH, SIDE, BATCHES = 64, 10, 300
SIZE = SIDE**3


def independent(std):
    """Posteriors over a full grid of three latents: q(z) is the product of its marginals, TC = 0 exactly."""
    axis = torch.linspace(-1.5, 1.5, SIDE, dtype=torch.float64)
    mean = torch.cartesian_prod(axis, axis, axis)
    return mean, torch.full_like(mean, 2 * math.log(std))


def estimated(mean, logvar, estimator):
    """The mean of the recorded term over many batches of one dataset, and its standard error, in nats."""
    generator = torch.Generator().manual_seed(0)
    variant, found = make("beta_tcvae", estimator=estimator), []
    pixels = torch.zeros(BATCH, 1, 1, 1, dtype=torch.float64)
    for _ in range(BATCHES):
        rows = torch.randperm(len(mean), generator=generator)[:BATCH]
        noise = torch.randn(BATCH, mean.shape[1], generator=generator, dtype=torch.float64)
        z = mean[rows] + noise * (logvar[rows] / 2).exp()
        forward = Forward(pixels, mean[rows], logvar[rows], z, pixels, bernoulli, dataset_size=len(mean))
        found.append(variant.loss(forward, 2.0)["total_correlation"][1])
    values = torch.stack(found)
    return values.mean().item(), values.std().item() / math.sqrt(BATCHES)


def exact(mean, logvar):
    """The same by all components of the mixture, one draw of each."""
    z = (
        mean
        + torch.randn(mean.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * (logvar / 2).exp()
    )
    each = -0.5 * (math.log(2 * math.pi) + logvar + (z[:, None] - mean[None]) ** 2 / logvar.exp())
    joint = torch.logsumexp(each.sum(2), 1) - math.log(len(mean))
    marginal = torch.logsumexp(each, 1) - math.log(len(mean))
    return (joint - marginal.sum(1)).mean().item()


def test_the_grid_has_no_total_correlation():
    assert exact(*independent(0.3)) == pytest.approx(0, abs=1e-9)


def test_weighted_sampling_reads_independent_latents_as_dependent_never_as_less_than_nothing():
    readings = {std: estimated(*independent(std), "mws") for std in (0.05, 0.3, 1.0, 3.0)}
    bound = math.log(SIZE / BATCH)
    assert all(0 < value <= bound + 5 * error for value, error in readings.values())
    values = [value for value, _ in readings.values()]
    assert values == sorted(values, reverse=True)  # the narrower the posteriors, the more
    assert values[0] > 0.9 * bound
    assert values[-1] < 0.01


def test_weighted_sampling_reads_too_little_of_codes_that_share_no_value():
    mean = torch.randn(SIZE, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logvar = torch.full_like(mean, 2 * math.log(1e-5))
    truth = exact(mean, logvar)
    assert truth == pytest.approx(2 * math.log(SIZE), abs=0.1)
    assert estimated(mean, logvar, "mws")[0] - truth == pytest.approx(-2 * math.log(SIZE / BATCH), abs=0.1)


def test_stratified_sampling_reads_less_than_nothing_where_posteriors_overlap_and_too_much_where_they_do_not():
    for std, bias in ((1.0, -0.01), (0.3, -0.33), (0.2, -0.63), (0.05, 0.24)):
        value, error = estimated(*independent(std), "mss")
        assert value == pytest.approx(bias, abs=0.01 + 5 * error)


def test_dependence_is_seen_by_both():
    mean, logvar = independent(1.0)
    same = mean[:, [0, 0, 2]] * 2
    truth = exact(same, logvar)
    assert truth > 0.3
    for estimator in ("mws", "mss"):
        assert estimated(same, logvar, estimator)[0] == pytest.approx(truth, abs=0.15)


@pytest.mark.parametrize("estimator", ["mws", "mss"])
@pytest.mark.parametrize("logvar", [-10.0, 4.0])
def test_densities_beyond_the_range_of_float32_have_logarithms_and_gradients(estimator, logvar):
    """Of 50 latents a narrow posterior's density is above e^88, a wide one's or another image's below e^-103."""
    generator = torch.Generator().manual_seed(0)
    variant, readings = make("beta_tcvae", estimator=estimator, alpha=2, gamma=2), []
    mean = 100 * torch.randn(8, 50, generator=generator, dtype=torch.float64)
    noise = torch.randn(8, 50, generator=generator, dtype=torch.float64)
    for dtype in (torch.float32, torch.float64):
        centre = mean.to(dtype).requires_grad_()
        width = torch.full_like(centre, logvar).requires_grad_()
        z = centre + noise.to(dtype) * (width / 2).exp()
        pixels = torch.zeros(8, 1, 1, 1, dtype=dtype)
        terms = variant.loss(Forward(pixels, centre, width, z, pixels, bernoulli, dataset_size=100), 2.0)
        sum(value for _, value in terms.values()).backward()
        assert centre.grad.isfinite().all()
        assert width.grad.isfinite().all()
        readings.append({name: value.item() for name, (_, value) in terms.items()})
    single, double = readings
    assert single == pytest.approx(double, rel=1e-4)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_the_best_discriminators_logit_is_the_total_correlation(correlation):
    """Of a Gaussian with correlation ρ: −½ log(1 − ρ²)."""
    one, other = torch.randn(2, 200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = torch.stack([one, correlation * one + math.sqrt(1 - correlation**2) * other], 1)
    truth = -0.5 * math.log(1 - correlation**2)

    def best(z):
        joint = (z[:, 0] ** 2 - 2 * correlation * z[:, 0] * z[:, 1] + z[:, 1] ** 2) / (1 - correlation**2)
        return (truth - 0.5 * joint + 0.5 * z.square().sum(1))[:, None]

    pixels = torch.zeros(1, 1, 1, 1)
    forward = Forward(pixels, z, 0 * z, z, pixels, bernoulli, prior=torch.randn(z.shape), adversary=best)
    variant = make("factor_vae")
    assert variant.loss(forward, 1.0)["total_correlation"][1].item() == pytest.approx(truth, abs=0.01)
    chance = variant.adversary_loss(forward).item()
    assert chance == pytest.approx(math.log(2), abs=1e-6) if correlation == 0 else chance < math.log(2)
