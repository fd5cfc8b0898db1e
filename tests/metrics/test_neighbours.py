"""Precision, recall, density and coverage: known sets, torch-fidelity's function, expectations."""

import numpy as np
import pytest
import torch

from multibeta.metrics import NotComputed
from multibeta.metrics import _neighbours as neighbours
from multibeta.metrics._neighbours import density_coverage, precision_recall, radii, squared_distances
from multibeta.metrics.image._sides import Sides

draw = np.random.default_rng(0)
REAL = draw.normal(size=(200, 8))


def both(real, generated):
    return (*precision_recall(real, generated, k=3), *density_coverage(real, generated, k=5))


def test_equals_torch_fidelity():
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    generated = 0.8 * np.random.default_rng(1).normal(size=(250, 8)) + 0.2
    expected = calculate_precision_recall_full(torch.from_numpy(generated), torch.from_numpy(REAL))
    assert precision_recall(REAL, generated, k=3) == pytest.approx(expected, rel=1e-5)


def test_by_definition():
    generated = np.random.default_rng(1).normal(size=(60, 8))
    distance = np.linalg.norm(REAL[:, None] - generated, axis=2)
    reach = np.sort(np.linalg.norm(REAL[:, None] - REAL, axis=2), axis=1)[:, 5]
    inside = distance <= reach[:, None]
    expected = inside.sum(0).mean() / 5, inside.any(1).mean()
    assert density_coverage(REAL, generated, k=5) == pytest.approx(expected)


def test_the_same_images_on_both_sides():
    assert both(REAL, REAL) == (1, 1, 1.2, 1)
    assert both(REAL, REAL[::-1]) == (1, 1, 1.2, 1)


def test_far_sets_have_nothing_in_common():
    assert both(REAL, REAL + 100) == (0, 0, 0, 0)


def test_a_dropped_mode_costs_recall_and_coverage_but_no_precision():
    modes = np.concatenate([REAL, REAL + 50])
    precision, recall, density, coverage = both(modes, REAL + 1e-6)
    assert (precision, recall, coverage) == (1, 0.5, 0.5)
    assert density > 1


def test_an_outlier_makes_all_precise_but_not_dense():
    outlier, junk = np.full((1, 8), 60.0), 30 + draw.normal(size=(200, 8))
    real = np.concatenate([REAL, outlier])
    assert precision_recall(real, junk, k=3)[0] == 1
    assert density_coverage(real, junk, k=5)[0] == pytest.approx(1 / 5)


def test_samples_all_alike():
    precision, recall, _, coverage = both(REAL, np.repeat(REAL[:1], 50, axis=0))
    assert precision == 1
    assert recall == 1 / 200
    assert coverage < 0.1


def test_coverage_of_fresh_real_images_is_as_in_theory():
    """1 − 2⁻⁵ for equally many of both sides and five neighbours; a density of 1."""
    found = [density_coverage(*np.random.default_rng(seed).normal(size=(2, 300, 4)), k=5) for seed in range(20)]
    density, coverage = np.mean(found, axis=0)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.01)
    assert density == pytest.approx(1, abs=0.03)


def test_chunks_change_nothing(monkeypatch):
    generated = REAL + 0.5
    whole = both(REAL, generated)
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    assert both(REAL, generated) == whole


def test_equal_features_are_at_distance_zero():
    far = 1e4 + REAL
    assert (np.diagonal(squared_distances(far, far)) == 0).all()


def test_too_few():
    with pytest.raises(NotComputed, match="3 images have no 3 neighbours each, 4 needed"):
        radii(REAL[:3], k=3)


def test_the_larger_side_is_cut_by_the_seed():
    sides = Sides(REAL, REAL[:50])
    cut = sides.equal(seed=0)
    assert len(cut.real) == 50
    assert cut.generated is sides.generated
    assert np.array_equal(cut.real, sides.equal(seed=0).real)
    assert not np.array_equal(cut.real, sides.equal(seed=1).real)
