"""Area, thickness, slant, width and height of strokes that are drawn to measure, and of MNIST as published."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from multibeta.datasets import Factor
from multibeta.datasets._idx import read_idx
from multibeta.datasets._morphology import MEASURES, bounds, measure, ordinal_factors

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist" / "train-images-idx3-ubyte.gz"
FINE = 8  # points per pixel and axis that an edge is drawn with

needs_mnist = pytest.mark.skipif(not MNIST.is_file(), reason=f"needs {MNIST.name} in ../shared/data/mnist")


def drawn(inside, side=40):
    """A grey image (side, side) of what ``inside`` says of points x, y from the centre, in pixels, y downwards."""
    points = (np.arange(side * FINE) + 0.5) / FINE - side / 2
    share = inside(points[None, :], points[:, None]).reshape(side, FINE, side, FINE).mean((1, 3))
    return np.round(255 * share).astype(np.uint8)


def bar(thickness, length, slant=0.0, turn=0.0):
    """An upright bar, turned clockwise by ``turn``, then sheared to lean to the right by ``slant``, both radians."""

    def inside(x, y):
        x = x + np.tan(slant) * y
        across, along = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        return (abs(across) < thickness / 2) & (abs(along) < length / 2)

    return inside


def measured(*images):
    return dict(zip(MEASURES, measure(np.stack(images)).T, strict=True))


def test_area_is_the_ink_and_grey_pixels_count_by_their_share():
    image = np.zeros((8, 8), np.uint8)
    image[2, 3:5], image[4, 4] = 255, 51
    assert measured(image)["area"] == pytest.approx(2.2)
    assert measured(drawn(bar(3.5, 20.5)))["area"] == pytest.approx(3.5 * 20.5, rel=0.02)


@pytest.mark.parametrize("thickness", [2, 4, 6])
def test_thickness_of_a_sharp_bar_is_that_of_its_area_and_perimeter(thickness):
    found = measured(drawn(bar(thickness, 30)))["thickness"]
    assert found == pytest.approx(thickness * 30 / (thickness + 30), rel=0.03)


@pytest.mark.parametrize("thickness", [2, 3, 4.5])
def test_thickness_of_a_ring_is_its_width_less_a_third_of_a_pixel_for_grey_edges(thickness):
    ring = drawn(lambda x, y: abs(np.hypot(x, y) - 12) < thickness / 2)
    assert measured(ring)["thickness"] == pytest.approx(thickness - 1 / 3, abs=0.12)


def test_thickness_is_nearly_the_same_in_every_direction():
    found = measured(*(drawn(bar(4, 30, turn=turn)) for turn in np.linspace(0.1, np.pi / 2 - 0.1, 7)))["thickness"]
    assert found == pytest.approx(np.full(7, found.mean()), rel=0.05)


def test_a_stroke_thinner_than_a_pixel_is_faint_and_measures_thin():
    strokes = [drawn(bar(thickness, 6), side=8) for thickness in (0.5, 1, 1.5, 2, 3, 4)]
    assert (np.diff(measured(*strokes)["thickness"]) > 0.15).all()


@pytest.mark.parametrize("slant", [-0.6, -0.2, 0.0, 0.1, 0.5])
def test_slant_is_the_angle_of_the_shear_and_width_and_height_are_measured_without_it(slant):
    upright, sheared = drawn(bar(12, 30), side=60), drawn(bar(12, 30, slant), side=60)
    found = measured(upright, sheared)
    assert found["slant"] == pytest.approx([0, slant], abs=0.01)
    assert found["area"][1] == pytest.approx(found["area"][0], rel=0.02)
    # Ink at a slanted edge is known to the pixel only.
    assert found["width"][1] == pytest.approx(found["width"][0], abs=1.5)
    assert found["height"][1] == pytest.approx(found["height"][0], abs=0.1)


def test_width_and_height_hold_98_percent_of_the_ink():
    found = measured(drawn(bar(10, 24)))
    assert found["width"] == pytest.approx(9.8)
    assert found["height"] == pytest.approx(0.98 * 24)


def test_a_speck_far_off_does_not_widen():
    image = drawn(bar(10, 24))
    speck = image.copy()
    speck[20, 39] = 255
    assert measured(speck)["width"] == pytest.approx(measured(image)["width"], rel=0.02)


def test_twice_the_size_is_four_times_the_area_and_twice_the_rest_but_the_slant():
    small, large = drawn(bar(10, 24, 0.3), side=80), drawn(bar(20, 48, 0.3), side=80)
    found = measured(small, large)
    assert found["area"][1] == pytest.approx(4 * found["area"][0], rel=0.02)
    assert found["slant"][1] == pytest.approx(found["slant"][0], abs=0.01)
    for name in ("thickness", "width", "height"):
        assert found[name][1] == pytest.approx(2 * found[name][0], rel=0.1)


def test_place_does_not_matter():
    image = drawn(bar(2, 12, 0.3), side=20)
    moved = measure(np.stack([image, np.roll(image, (1, 2), axis=(0, 1))]))
    assert moved[1] == pytest.approx(moved[0])


def test_no_ink_measures_nothing_and_a_single_pixel_or_row_has_no_slant():
    images = np.zeros((3, 8, 8), np.uint8)
    images[1, 4, 4], images[2, 0, 1:7] = 255, 100
    found = measure(images)
    assert (found[0] == 0).all()
    assert np.isfinite(found).all()
    assert (found[:, MEASURES.index("slant")] == 0).all()


def test_many_images_are_measured_as_one_by_one(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (7, 9, 12), dtype=np.uint8)
    images[3] = 0
    one_by_one = np.concatenate([measure(image[None]) for image in images])
    monkeypatch.setattr("multibeta.datasets._morphology.BATCH", 4)
    assert measure(images) == pytest.approx(one_by_one, rel=1e-12)


def test_bins_hold_equally_many_images_and_held_out_ones_do_not_count():
    images = np.random.default_rng(0).integers(0, 256, (500, 8, 8), dtype=np.uint8)
    held_out = np.arange(500) >= 400
    images[held_out] //= 4
    values = ordinal_factors(images, held_out, [Factor("slant", 4, "ordinal"), Factor("area", 5, "ordinal")])
    assert values.dtype == np.int64
    assert np.bincount(values[~held_out, 0]).tolist() == [100] * 4
    assert np.bincount(values[~held_out, 1], minlength=5) == pytest.approx(80, abs=3)
    assert (values[held_out, 1] == 0).all()
    area = images.sum((1, 2))
    assert area[values[:, 1] == 0].max() < area[values[:, 1] == 1].min()


def test_a_measure_on_a_bound_belongs_to_the_bin_above():
    assert bounds(np.arange(5.0), 4).tolist() == [1, 2, 3]
    assert np.searchsorted([1, 2, 3], np.arange(5.0), side="right").tolist() == [0, 1, 2, 3, 3]


@needs_mnist
def test_the_first_image_of_mnist_measures_what_morpho_mnist_publishes():
    published = {"area": 107.3125, "thickness": 2.4607, "slant": 0.2311, "width": 14.5396, "height": 19.8491}
    found = measured(read_idx(MNIST, dimensions=3)[0])
    for name, value in published.items():
        assert found[name] == pytest.approx(value, rel=0.16 if name == "thickness" else 0.02)


@needs_mnist
def test_thickness_ranks_digits_as_the_distance_along_their_skeletons():
    from skimage.morphology import medial_axis
    from skimage.transform import pyramid_expand

    images = read_idx(MNIST, dimensions=3)[:80]
    skeletons = []
    for image in images:
        large = pyramid_expand(image.astype(np.float64), upscale=4, order=3)
        skeleton, distance = medial_axis(large >= large.max() / 2, return_distance=True, rng=0)
        skeletons.append(2 * distance[skeleton].mean() / 4)
    assert spearmanr(measured(*images)["thickness"], skeletons)[0] > 0.97


@needs_mnist
def test_thickness_is_still_told_when_digits_are_made_as_small_as_those_of_digits():
    images = read_idx(MNIST, dimensions=3)[:2000]
    small = np.round(images.reshape(-1, 7, 4, 7, 4).mean((2, 4))).astype(np.uint8)
    assert spearmanr(measured(*small)["thickness"], measured(*images)["thickness"])[0] > 0.85
