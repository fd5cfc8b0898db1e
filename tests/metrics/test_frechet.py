"""The Fréchet distance, against closed forms and the matrix square root it avoids."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics._frechet import Moments, frechet, moments


def features(n, d, seed, scale=1.0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(n, d)) @ draw.normal(size=(d, d)) * scale + draw.normal(size=d)


def test_moments_are_those_of_numpy():
    x = features(50, 4, 0).astype(np.float32)
    found = moments(x)
    assert found.mean == pytest.approx(x.astype(np.float64).mean(0))
    assert found.covariance == pytest.approx(np.cov(x.astype(np.float64), rowvar=False))
    assert found.n == 50


def test_commuting_covariances_have_a_closed_form():
    a = Moments(np.array([0.0, 1.0, 2.0]), np.diag([1.0, 4.0, 9.0]), 10)
    b = Moments(np.array([1.0, 1.0, 0.0]), np.diag([4.0, 4.0, 1.0]), 10)
    assert frechet(a, b) == pytest.approx((1 + 0 + 4) + (1 - 2) ** 2 + (2 - 2) ** 2 + (3 - 1) ** 2)


def test_equals_the_matrix_square_root():
    from scipy.linalg import sqrtm

    a, b = moments(features(500, 12, 0)), moments(features(400, 12, 1))
    root = sqrtm(a.covariance @ b.covariance).real
    expected = np.square(a.mean - b.mean).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


def test_equals_torch_fidelity():
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    x, y = features(400, 64, 0), features(300, 64, 1)
    sides = (fid_features_to_statistics(torch.from_numpy(side)) for side in (x, y))
    expected = fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]
    assert frechet(moments(x), moments(y)) == pytest.approx(expected, rel=1e-5)


def test_fewer_images_than_features():
    """Tr (S_a S_b)^½ is the nuclear norm of the centred features' product, which needs no covariance at all."""
    x, y = features(20, 64, 0), features(30, 64, 1)
    centred = (x - x.mean(0)) @ (y - y.mean(0)).T / np.sqrt(19 * 29)
    overlap = np.linalg.svd(centred, compute_uv=False).sum()
    a, b = moments(x), moments(y)
    expected = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    assert frechet(a, b) == pytest.approx(expected, rel=1e-7)


def test_is_symmetric_and_zero_for_equal_sides():
    a, b = moments(features(100, 8, 0)), moments(features(100, 8, 1))
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-10)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a) >= 0


def test_one_image_has_no_covariance():
    with pytest.raises(NotComputed, match="found 1"):
        moments(np.zeros((1, 4)))


def test_features_that_are_not_finite():
    with pytest.raises(NotComputed, match="NaN"):
        moments(np.array([[0.0, 1.0], [np.nan, 1.0]]))
