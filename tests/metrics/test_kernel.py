"""The kernel distance, against torch-fidelity's functions and its own expectation."""

import numpy as np
import pytest
import torch

from multibeta.metrics import NotComputed
from multibeta.metrics._kernel import cubic, mmd2, mmd2_of_subsets
from multibeta.metrics.image import kid

TORCH_FIDELITY = {
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
    "kid_subsets": 100,
    "kid_subset_size": 1000,
    "rng_seed": 2020,
    "verbose": False,
}


def sides(n, m, d=64, shift=0.05):
    draw = np.random.default_rng(0)
    return draw.random((n, d)), draw.random((m, d)) + shift


def test_equals_torch_fidelity_on_all_pairs():
    from torch_fidelity.metric_kid import kernel_mmd

    real, generated = sides(300, 300)
    expected = kernel_mmd(real, generated, **TORCH_FIDELITY)
    assert mmd2(cubic(real, generated)) == pytest.approx(expected, rel=1e-5)


def test_equals_torch_fidelity_on_subsets():
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, generated = sides(1100, 1200)
    expected = kid_features_to_metric(*map(torch.from_numpy, (generated, real)), **TORCH_FIDELITY)
    found = kid._subsets(cubic(real, generated))
    assert found.mean() == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-5)
    assert found.std() == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-5)


def test_subset_of_everything_is_everything():
    kernels = cubic(*sides(30, 40))
    whole = mmd2_of_subsets(kernels, np.ones((1, 30), dtype=bool), np.ones((1, 40), dtype=bool))
    assert whole == pytest.approx(mmd2(kernels))


def test_is_unbiased():
    """The mean over many small draws of equal distributions is 0, and single ones are negative."""
    found = np.array([mmd2(cubic(*np.random.default_rng(seed).normal(size=(2, 10, 3)))) for seed in range(1000)])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(1000)
    assert (found < 0).any()


def test_grows_with_the_shift():
    found = [mmd2(cubic(*sides(200, 200, shift=shift))) for shift in (0, 0.1, 0.2, 0.5)]
    assert found == sorted(found)


def test_one_image_is_too_few():
    with pytest.raises(NotComputed, match="two images or more on each side, found 1 and 3"):
        cubic(np.zeros((1, 4)), np.zeros((3, 4)))
