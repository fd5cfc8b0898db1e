"""The terms of the evidence lower bound, against known posteriors."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.posterior.active_units import ActiveUnits
from multibeta.metrics.posterior.elbo import ELBO
from multibeta.metrics.posterior.kl import KL
from multibeta.metrics.posterior.reconstruction import Reconstruction


def test_reconstruction_is_the_mean_over_images():
    result = Reconstruction().measure(nll=np.array([1.0, 2.0, 6.0]))
    assert (result.value, result.n) == (3.0, 3)


def test_kl_of_the_prior_is_zero():
    assert KL().measure(mean=np.zeros((5, 3)), logvar=np.zeros((5, 3))).value == 0


def test_kl_equals_torch_distributions():
    from torch import distributions, from_numpy

    mean, logvar = np.random.default_rng(0).normal(size=(2, 50, 3))
    posterior = distributions.Normal(from_numpy(mean), from_numpy(np.exp(logvar / 2)))
    expected = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).mean(0).numpy()
    result = KL().measure(mean=mean, logvar=logvar)
    assert result.value == pytest.approx(expected.sum(), rel=1e-12)
    assert list(result.parts) == ["z0", "z1", "z2"]
    assert list(result.parts.values()) == pytest.approx(list(expected), rel=1e-12)


def test_elbo_is_minus_reconstruction_and_kl():
    draw = np.random.default_rng(0)
    needs = {"nll": draw.normal(100, 5, 20), "mean": draw.normal(size=(20, 3)), "logvar": draw.normal(size=(20, 3))}
    reconstruction = Reconstruction().measure(nll=needs["nll"]).value
    kl = KL().measure(mean=needs["mean"], logvar=needs["logvar"]).value
    assert ELBO().measure(**needs).value == -(reconstruction + kl)


def test_active_units_are_those_whose_means_vary():
    x = np.tile([-1.0, 1.0], 50)
    mean = np.stack([x, 0.09 * x, 0.11 * x, np.full(100, 5.0)], axis=1)
    result = ActiveUnits().measure(mean=mean)
    assert result.value == 2
    assert list(result.parts.values()) == pytest.approx([1.0, 0.0081, 0.0121, 0.0])


def test_active_units_of_one_image():
    with pytest.raises(NotComputed, match="two of them or more"):
        ActiveUnits().measure(mean=np.zeros((1, 3)))


def test_no_images():
    with pytest.raises(NotComputed, match="nll is empty"):
        Reconstruction().measure(nll=np.zeros(0))


def test_overflowing_variance_is_not_computed():
    with pytest.raises(NotComputed, match="kl holds 1"):
        KL().measure(mean=np.zeros((2, 2)), logvar=np.array([[0.0, 800.0], [0.0, 0.0]]))
