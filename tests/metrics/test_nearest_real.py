"""The nearest image of the grid, and how many of them are reached."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.image import nearest_real
from multibeta.metrics.image.nearest_real import NearestReal, distinct, nearest

draw = np.random.default_rng(0)
FACTORS = np.stack(np.unravel_index(np.arange(120), (4, 5, 6)), axis=1)
GRID = draw.integers(256, size=(120, 8, 8, 3)).astype(np.uint8)


def real(rows):
    return GRID[rows].transpose(0, 3, 1, 2).astype(np.float32) / 255


def measure(samples, seed=0):
    found = NearestReal().measure(
        samples=samples, grid_images=GRID, grid_factors=FACTORS, factor_names=("a", "b", "c"), seed=seed
    )
    return found["nearest_real"], found["grid_coverage"]


def test_real_images_are_found():
    rows = draw.permutation(120)[:50]
    found, distances = nearest(real(rows), GRID)
    assert np.array_equal(found, rows)
    assert distances == pytest.approx(np.zeros(50), abs=1e-7)


def test_equals_the_definition(monkeypatch):
    samples = draw.random((20, 3, 8, 8), dtype=np.float32)
    all_distances = np.sqrt(np.square(samples[:, None].astype(np.float64) - real(np.arange(120))).mean((2, 3, 4)))
    for chunk in (nearest_real.CHUNK, 1000):
        monkeypatch.setattr(nearest_real, "CHUNK", chunk)
        found, distances = nearest(samples, GRID)
        assert np.array_equal(found, all_distances.argmin(1))
        assert distances == pytest.approx(all_distances.min(1), rel=1e-6)


def test_the_whole_grid_once():
    distance, coverage = measure(real(np.arange(120)))
    assert distance.value == pytest.approx(0, abs=1e-7)
    assert coverage.value == pytest.approx(120 / distinct(120, 120))
    assert coverage.parts == {"a": 1, "b": 1, "c": 1}


def test_uniform_draws_cover_what_is_expected_of_them():
    values = [measure(real(np.random.default_rng(seed).integers(120, size=60)))[1].value for seed in range(50)]
    assert np.mean(values) == pytest.approx(1, abs=0.02)


def test_one_image_again_and_again():
    distance, coverage = measure(np.repeat(real([7]), 30, axis=0))
    assert distance.value == pytest.approx(0, abs=1e-7)
    assert coverage.value == pytest.approx(1 / distinct(120, 30))
    assert coverage.parts == pytest.approx({"a": 1 / 4, "b": 1 / 5, "c": 1 / 6})


def test_a_value_never_drawn_is_seen_in_its_factor():
    _, coverage = measure(real(np.flatnonzero(FACTORS[:, 0] != 2)))
    assert coverage.parts == {"a": 3 / 4, "b": 1, "c": 1}


def test_a_brighter_image_is_as_far_as_it_is_brighter():
    samples = real([3]) * 0.5 + 0.25
    expected = np.sqrt(np.square(samples - real([3])).mean())
    assert measure(samples)[0].value == pytest.approx(expected, rel=1e-5)


def test_expected_number_of_different_images():
    drawn = [len(np.unique(np.random.default_rng(seed).integers(50, size=40))) for seed in range(2000)]
    assert np.mean(drawn) == pytest.approx(distinct(50, 40), rel=0.01)
    assert distinct(1, 10) == 1


def test_a_large_grid_is_searched_for_fewer_samples(monkeypatch):
    monkeypatch.setattr(nearest_real, "MOST_PRODUCTS", 10.5 * GRID.size)
    samples = draw.random((40, 3, 8, 8), dtype=np.float32)
    first, other = measure(samples)[0], measure(samples, seed=1)[0]
    assert first.n == 10
    assert first == measure(samples)[0]
    assert first.value != other.value


def test_the_numbers_of_samples_that_the_page_names():
    sizes = {"sprites": 2304 * 32**2, "dsprites_grid": 46_080 * 64**2, "dsprites": 737_280 * 64**2}
    assert {name: min(2000, int(nearest_real.MOST_PRODUCTS // size)) for name, size in sizes.items()} == {
        "sprites": 2000,
        "dsprites_grid": 264,
        "dsprites": 16,
    }


def test_nan():
    with pytest.raises(NotComputed, match="samples holds"):
        measure(np.full((2, 3, 8, 8), np.nan, dtype=np.float32))
