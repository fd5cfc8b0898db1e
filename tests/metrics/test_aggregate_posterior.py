"""What rests on the aggregate posterior: the mixture's densities, Chen et al.'s MIG, the decomposition of the KL."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics._mixture import log_joint, log_marginal
from multibeta.metrics.disentanglement.mig_chen18 import MIGChen18, continuous_information
from multibeta.metrics.posterior.kl_decomposition import KLDecomposition, decomposition


def grid(*sizes, times=1):
    n = int(np.prod(sizes))
    return np.tile(np.stack(np.unravel_index(np.arange(n), sizes), axis=1), (times, 1)).astype(np.int64)


def log_normal(z, mean, std):
    return -0.5 * ((z - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)


def logsumexp(terms):
    largest = terms.max(1, keepdims=True)
    return np.log(np.exp(terms - largest).sum(1)) + largest[:, 0]


# The mixture.


@pytest.mark.parametrize(("width", "tolerance"), [(1.0, 2e-6), (0.1, 2e-5), (0.01, 1e-4)])
def test_densities_equal_direct_evaluation(width, tolerance):
    draws = np.random.default_rng(0)
    mean, std = draws.normal(size=(3000, 3)), width * np.exp(0.3 * draws.normal(size=(3000, 3)))
    z = mean[:500] + std[:500] * draws.normal(size=(500, 3))
    terms = log_normal(z[:, None], mean, std)
    assert log_joint(z, mean, std) == pytest.approx(logsumexp(terms.sum(2)) - np.log(3000), abs=1e-9)
    for j in range(3):
        expected = logsumexp(terms[:, :, j]) - np.log(3000)
        assert log_marginal(z[:, j], mean[:, j], std[:, j]) == pytest.approx(expected, abs=tolerance)


def test_a_distant_place_costs_no_precision():
    draws = np.random.default_rng(0)
    mean, std = draws.normal(size=1000), np.full(1000, 0.1)
    z = mean + std * draws.normal(size=1000)
    assert log_marginal(z + 500, mean + 500, std) == pytest.approx(log_marginal(z, mean, std), abs=1e-5)


# MIG of Chen et al.


def chen(mean, std, factors, kinds=None):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    needs = {
        "posterior_mean": np.asarray(mean, float),
        "posterior_logvar": np.broadcast_to(2 * np.log(std), mean.shape).astype(float),
        "factors": factors,
        "factor_names": names,
        "factor_kinds": kinds or ("ordinal",) * len(names),
        "seed": 0,
    }
    return MIGChen18().measure(**needs)["mig"]


def test_information_equals_the_estimator_written_out():
    draws = np.random.default_rng(0)
    factors = draws.integers((3, 4), size=(200, 2))
    mean, std = draws.normal(size=(2, 200, 2))
    mean, std, noise = mean + factors, np.exp(0.2 * std), draws.normal(size=200)
    found = continuous_information(mean, std, factors, np.arange(200), noise)
    z = mean + std * noise[:, None]
    for j, k in np.ndindex(2, 2):
        densities = log_normal(z[:, None, j], mean[:, j], std[:, j])
        marginal_entropy = -(logsumexp(densities) - np.log(200)).mean()
        conditional_entropy = 0.0
        for value in np.unique(factors[:, k]):
            rows = factors[:, k] == value
            entropy = -(logsumexp(densities[np.ix_(rows, rows)]) - np.log(rows.sum())).mean()
            conditional_entropy += rows.mean() * entropy
        assert found[j, k] == pytest.approx(marginal_entropy - conditional_entropy, abs=1e-6)


def test_information_of_gaussian_channels_is_known():
    """z = v + noise with v in {−1, 1}: log 2 when the noise is small, less the binary entropy when it is not."""
    factors = grid(2, 2, times=1000)
    mean = 2.0 * factors - 1
    noise = np.random.default_rng(0).standard_normal(4000)
    found = continuous_information(mean, np.array([[0.05, 1.0]] * 4000), factors, np.arange(4000), noise)
    # log 2 − E log(1 + exp(−2 (1 + ε))), by quadrature.
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    expected = np.log(2) - (weights * np.log1p(np.exp(-2 * (1 + points)))).sum() / np.sqrt(2 * np.pi)
    assert found[0] == pytest.approx([np.log(2), 0], abs=1e-5)
    assert found[1] == pytest.approx([0, expected], abs=0.02)


def test_perfect_codes_score_one():
    factors = grid(4, 5, 6, times=10)
    result = chen(np.hstack([factors, np.zeros((1200, 2))]), 0.05, factors)
    assert result.value == pytest.approx(1, abs=1e-4)
    assert list(result.parts) == ["factor0", "factor1", "factor2"]
    assert result.arrays["mutual_information"].shape == (5, 3)
    assert result.n == 1200


def test_categorical_factors_are_left_out():
    factors = grid(4, 5, times=20)
    result = chen(factors, 0.05, factors, kinds=("categorical", "periodic"))
    assert list(result.parts) == ["factor1"]
    assert result.arrays["mutual_information"].shape == (2, 1)
    with pytest.raises(NotComputed, match="all factors are categorical"):
        chen(factors, 0.05, factors, kinds=("categorical", "categorical"))


def test_duplicated_rotated_and_dead_latents():
    factors = grid(8, 8, times=10)
    spread = factors / 2.0
    assert chen(np.hstack([spread, spread]), 0.05, factors).value == pytest.approx(0, abs=1e-6)
    assert chen(spread @ [[1, 1], [-1, 1]], 0.05, factors).value < 0.05
    dead = np.hstack([spread, np.zeros((640, 1))])
    assert chen(dead, np.array([0.05, 0.05, 1.0]), factors).arrays["mutual_information"][2] == pytest.approx(
        0, abs=1e-6
    )


def test_one_latent_for_two_factors():
    factors = grid(4, 5, times=20)
    mean = np.stack([factors @ [5.0, 1.0], np.zeros(400)], axis=1)
    assert chen(mean, 0.05, factors).value == pytest.approx(1, abs=1e-4)


def test_all_latents_constant_score_zero():
    factors = grid(4, 5, times=20)
    assert chen(np.zeros((400, 3)), 1.0, factors).value == pytest.approx(0, abs=1e-6)


def test_negative_information_counts_as_none():
    draws = np.random.default_rng(2)
    factors = draws.integers(2, size=(4000, 1))
    mutual = [chen(draws.normal(size=(4000, 3)), 1.0, factors) for _ in range(3)]
    raw = np.concatenate([each.arrays["mutual_information"].ravel() for each in mutual])
    assert raw.min() < 0
    assert all(each.value >= 0 for each in mutual)


def test_narrow_posteriors_seem_to_tell_what_they_do_not():
    """The numbers of the page."""
    draws = np.random.default_rng(0)
    factors = draws.integers((6, 32), size=(15_000, 2))
    for width, share in ((0.1, 0.006), (0.01, 0.05), (0.003, 0.14)):
        noise = draws.standard_normal(4000)
        std = np.full((15_000, 1), width)
        found = continuous_information(draws.normal(size=(15_000, 1)), std, factors, np.arange(4000), noise)
        assert found[0, 1] / np.log(32) == pytest.approx(share, rel=0.35)
        assert found[0, 0] < found[0, 1]


def test_chen_refuses():
    factors = grid(4, 5, times=20)
    mean = factors.astype(float)
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        chen(mean, 1.0, grid(4, 1, times=100))
    with pytest.raises(
        NotComputed, match="40 codes are too few for the 5 values of factor 'factor1', at least 50 needed"
    ):
        chen(mean[:40], 1.0, factors[:40])
    with pytest.raises(NotComputed, match="needs 2 latents or more, found 1"):
        chen(mean[:, :1], 1.0, factors)
    for std in (1e-60, 1e60):
        with pytest.raises(NotComputed, match="log_density holds 400 NaN or infinite"):
            chen(mean, std, factors)
    mean[0, 0] = np.nan
    with pytest.raises(NotComputed, match="codes holds 1 NaN"):
        chen(mean, 1.0, factors)


# The decomposition of the KL.


def decompose(mean, std):
    logvar = np.broadcast_to(2 * np.log(std), mean.shape).astype(float)
    return KLDecomposition().measure(posterior_mean=np.asarray(mean, float), posterior_logvar=logvar, seed=0)


def values(found):
    return tuple(result.value for result in found.values())


def test_the_three_terms_add_up():
    draws = np.random.default_rng(0)
    mean, std = draws.normal(size=(2000, 4)), np.exp(draws.normal(-1, 0.3, size=(2000, 4)))
    noise = draws.standard_normal((1000, 4))
    terms = decomposition(mean, std, np.arange(1000), noise)
    z = mean[:1000] + std[:1000] * noise
    expected = (log_normal(z, mean[:1000], std[:1000]) - log_normal(z, 0.0, 1.0)).sum(1)
    total = terms.mutual_information + terms.total_correlation + terms.dimension_wise.sum(1)
    assert total == pytest.approx(expected, abs=1e-9)


def test_their_sum_is_the_kl_within_its_standard_error():
    draws = np.random.default_rng(0)
    mean, std = draws.normal(size=(6000, 2)), np.exp(draws.normal(-1, 0.3, size=(6000, 2)))
    found = decompose(mean, std)
    kl = 0.5 * (mean**2 + std**2 - 2 * np.log(std) - 1).sum(1).mean()
    error = sum(result.parts["standard_error"] for result in found.values())
    assert sum(values(found)) == pytest.approx(kl, abs=3 * error)
    assert {result.n for result in found.values()} == {4000}


def test_the_prior_has_none_of_the_three():
    found = decompose(np.zeros((500, 3)), 1.0)
    assert values(found) == pytest.approx((0, 0, 0), abs=1e-5)
    assert list(found["kl_dimension_wise"].parts) == ["z0", "z1", "z2", "standard_error"]


def test_means_on_a_full_grid_are_independent():
    mean = grid(40, 40) / 10.0
    found = decompose(mean, 0.3)
    assert found["kl_total_correlation"].value == pytest.approx(0, abs=1e-4)
    assert found["kl_mutual_information"].value > 2


def test_independent_gaussians():
    """q(z_j) = N(0, 1) by construction: I = Σ_j −log σ_j and nothing else, within standard error and bias."""
    draws = np.random.default_rng(0)
    std = np.array([0.3, 0.6, 1.0])
    mean = draws.normal(size=(15_000, 3)) * np.sqrt(1 - std**2)
    found = decompose(mean, std)
    for result, expected in zip(found.values(), (-np.log(std).sum(), 0, 0), strict=True):
        assert result.value == pytest.approx(expected, abs=4 * result.parts["standard_error"] + 0.005)


def test_a_latent_that_copies_another():
    """z_1 and z_2 are jointly Gaussian with correlation ρ = 1 − σ²: TC = −½ log(1 − ρ²)."""
    from scipy.stats import norm

    quantiles = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    variance = 0.2
    mean = np.sqrt(1 - variance) * np.stack([quantiles, quantiles], axis=1)
    result = decompose(mean, np.sqrt(variance))["kl_total_correlation"]
    expected = -0.5 * np.log(1 - (1 - variance) ** 2)
    assert result.value == pytest.approx(expected, abs=3 * result.parts["standard_error"] + 1e-3)
    assert result.parts["standard_error"] < 0.02


def test_two_kinds_of_images_told_apart_are_log_two():
    mean = np.repeat([[-5.0], [5.0]], 500, axis=0)
    found = decompose(mean, 0.5)
    assert found["kl_mutual_information"].value == pytest.approx(np.log(2), abs=1e-5)
    # With one latent there is nothing to depend on.
    assert found["kl_total_correlation"].value == pytest.approx(0, abs=1e-5)


def test_a_latent_off_the_prior_has_a_known_dimension_wise_kl():
    mean = np.full((5000, 2), [1.5, 0.0])
    result = decompose(mean, np.array([0.5, 1.0]))["kl_dimension_wise"]
    expected = 0.5 * (1.5**2 + 0.25 - 2 * np.log(0.5) - 1)
    assert result.parts["z0"] == pytest.approx(expected, abs=4 * result.parts["standard_error"])
    assert result.parts["z1"] == pytest.approx(0, abs=1e-6)


def test_at_its_bound_the_mutual_information_hides_dependence():
    """The numbers of the page: independent latents, posteriors ever narrower."""
    draws = np.random.default_rng(0)
    for information, total_correlation in ((5, 0.05), (7, 0.23), (9, 0.7)):
        std = np.full(6, np.exp(-information / 6))
        mean = draws.normal(size=(15_000, 6)) * np.sqrt(1 - std**2)
        found = decompose(mean, std)
        assert found["kl_mutual_information"].parts["bound"] == pytest.approx(np.log(15_000))
        assert found["kl_mutual_information"].value < information + 0.1
        assert found["kl_total_correlation"].value == pytest.approx(total_correlation, rel=0.2)
    found = decompose(mean, 0.01)
    assert found["kl_mutual_information"].value == pytest.approx(np.log(15_000), abs=0.01)
    assert "near its bound log 15000 = 9.62" in str(found["kl_total_correlation"])


def test_decomposition_refuses():
    with pytest.raises(NotComputed, match="50 codes are too few, at least 100 needed"):
        decompose(np.zeros((50, 2)), 1.0)
    for std, reason in ((1e200, "kl holds 2"), (1e60, "log_density holds"), (1e-200, "posterior_precision holds 400")):
        with pytest.raises(NotComputed, match=reason):
            decompose(np.zeros((200, 2)), std)
    with pytest.raises(NotComputed, match="posterior_mean holds 400 NaN"):
        decompose(np.full((200, 2), np.nan), 1.0)


def test_posteriors_a_million_times_as_narrow_as_their_means_spread_are_refused():
    """Rounding alone gave codes of 1e18 a mutual information of −1e21 nats."""
    mean = np.random.default_rng(0).normal(size=(200, 10))
    found = decompose(1e6 + mean, 1e-5)["kl_mutual_information"]
    assert found.value == pytest.approx(np.log(200), abs=1e-3), "a distant place is no spread"
    with pytest.raises(
        NotComputed, match=r"so narrow beside the spread of their means that rounding may add 0\.08 nats"
    ):
        decompose(mean, 1e-6)
