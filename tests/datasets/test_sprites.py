"""Sprites are what their factors say: shape, area, place."""

import numpy as np
import pytest

from multibeta.datasets.sprites import SCALES, SHAPES, XS, YS, Sprites


@pytest.fixture(scope="module")
def antialiased():
    return Sprites().build({})


@pytest.fixture(scope="module")
def binary():
    return Sprites(Sprites.Options(antialias=False)).build({})


@pytest.fixture(params=["antialiased", "binary"])
def arrays(request):
    return request.getfixturevalue(request.param)


def sprite(arrays, **factors):
    names = [factor.name for factor in Sprites.factors]
    wanted = [factors[name] for name in names]
    return arrays.images[(arrays.factors == wanted).all(1)][0, :, :, 0] / 255


def test_every_image_differs_from_every_other(antialiased):
    flat = antialiased.images.reshape(len(antialiased.images), -1)
    assert len(np.unique(flat, axis=0)) == len(flat) == 3 * 6 * 16 * 8


def test_in_black_and_white_steps_of_less_than_a_pixel_may_not_show(binary):
    flat = binary.images.reshape(len(binary.images), -1)
    assert len(flat) / 2 < len(np.unique(flat, axis=0)) < len(flat)


def test_nothing_is_cut_off_at_the_border(arrays):
    for edge in (arrays.images[:, 0], arrays.images[:, -1], arrays.images[:, :, 0], arrays.images[:, :, -1]):
        assert edge.max() == 0


def test_antialiased_edges_are_grey_and_binary_ones_are_not(antialiased, binary):
    assert np.unique(binary.images).tolist() == [0, 255]
    assert len(np.unique(antialiased.images)) == 17


def test_a_square_covers_exactly_its_pixels(arrays):
    nine = sprite(arrays, shape=0, scale=0, x=0, y=0)
    assert SCALES[0] == 9
    left, top = int(XS[0] - 4.5), int(YS[0] - 4.5)
    assert nine[top : top + 9, left : left + 9].min() == 1
    assert nine.sum() == 81


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize("scale", [0, 3, 5])
def test_area_is_the_scale_squared_and_centre_of_gravity_is_the_place(antialiased, shape, scale):
    image = sprite(antialiased, shape=shape, scale=scale, x=4, y=6)
    pixels = np.arange(32) + 0.5
    assert image.sum() == pytest.approx(SCALES[scale] ** 2, rel=0.05)
    assert (image.sum(0) * pixels).sum() / image.sum() == pytest.approx(XS[4], abs=0.15)
    assert (image.sum(1) * pixels).sum() / image.sum() == pytest.approx(YS[6], abs=0.15)


def test_moving_along_x_moves_the_pixels(arrays):
    here, there = sprite(arrays, shape=2, scale=3, x=0, y=2), sprite(arrays, shape=2, scale=3, x=15, y=2)
    assert np.array_equal(np.roll(here, round(XS[15] - XS[0]), axis=1), there)


def test_x_ranges_wider_than_y():
    assert np.ptp(XS) > 1.5 * np.ptp(YS)
