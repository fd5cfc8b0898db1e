"""Gaussian total correlation, against closed forms."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement.gaussian_tc import GaussianTC, gaussian_total_correlation


def measure(codes, protocol="ours"):
    return GaussianTC().measure(codes=codes, seed=0, **GaussianTC.protocols[protocol])


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((50_000, 3))


def test_of_two_correlated_latents(noise):
    noise[:, 1] = 0.8 * noise[:, 0] + 0.6 * noise[:, 1]
    assert measure(noise).value == pytest.approx(-0.5 * np.log(1 - 0.8**2), abs=0.01)


def test_of_correlations_that_are_known():
    # Equal correlations ρ of D latents: det R = (1 − ρ)^(D − 1) (1 + (D − 1) ρ).
    equal = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    assert gaussian_total_correlation(equal) == pytest.approx(-0.5 * np.log(0.7**3 * 1.9), rel=1e-12)
    assert gaussian_total_correlation(np.eye(4)) == 0


def test_equals_the_formula_with_the_covariance(noise):
    codes = noise @ np.random.default_rng(1).normal(size=(3, 3))
    covariance = np.cov(codes, rowvar=False)
    expected = 0.5 * (np.log(covariance.diagonal()).sum() - np.linalg.slogdet(covariance).logabsdet)
    assert measure(codes).value == pytest.approx(expected, rel=1e-9)


def test_neither_scale_nor_place_of_a_latent_nor_a_dead_one_matters(noise):
    noise[:, 1] += noise[:, 0]
    expected = measure(noise).value
    moved = np.hstack([noise * [1e-6, 1, 1e6] + [5, 0, -7], np.full((len(noise), 1), 0.1)])
    assert measure(moved).value == pytest.approx(expected, rel=1e-6)


def test_independent_latents_have_the_bias_that_the_page_says():
    draws = np.random.default_rng(0)
    found = [measure(draws.standard_normal((1000, 10))).value for _ in range(50)]
    assert np.mean(found) == pytest.approx(10 * 9 / (4 * 1000), rel=0.1)


def test_a_single_moving_latent_has_none():
    codes = np.zeros((100, 3))
    codes[:, 1] = np.arange(100)
    assert measure(codes).value == 0


def test_the_librarys_protocol_takes_fewer_rows(noise):
    assert (measure(noise, "dlib19").n, measure(noise, "ours").n) == (10_000, 50_000)


@pytest.mark.parametrize("copied", [lambda z: z, lambda z: -2 * z + 1])
def test_a_latent_that_repeats_another_is_refused(noise, copied):
    codes = np.hstack([noise, copied(noise[:, :1])]).astype(np.float32).astype(float)
    with pytest.raises(NotComputed, match="some latents repeat others"):
        measure(codes)


def test_refused(noise):
    with pytest.raises(NotComputed, match="every latent is constant"):
        measure(np.full((100, 3), 0.1))
    with pytest.raises(NotComputed, match="20 codes are too few, at least 30 needed"):
        measure(noise[:20])
    noise[0, 0] = np.nan
    with pytest.raises(NotComputed, match="codes holds 1 NaN"):
        measure(noise)
