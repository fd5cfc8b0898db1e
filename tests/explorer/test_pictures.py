"""Pictures: an array is shown as it is, and a dropped file becomes an image as the dataset's."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from multibeta.explorer.pictures import as_of_dataset, data_url


def file(pixels, kind="png"):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def pixels_of(url):
    head, _, content = url.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_is_shown_pixel_by_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (channels, 5, 7)) / 255
    shown = pixels_of(data_url(image)).reshape(5, 7, channels)
    assert np.array_equal(shown, np.round(image * 255).transpose(1, 2, 0))


def test_values_beyond_the_range_are_cut():
    assert pixels_of(data_url(np.array([[[-1.0, 2.0]]]))).tolist() == [[0, 255]]


def test_other_channels_cannot_be_shown():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        data_url(np.zeros((2, 4, 4)))


def test_an_image_of_the_right_kind_is_not_touched():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8))
    image = as_of_dataset(file(pixels), (1, 8, 8))
    assert image.dtype == np.float32
    assert np.array_equal(image[0], (pixels / 255).astype(np.float32))


def test_colour_becomes_grey_and_grey_colour():
    red = np.zeros((4, 4, 3))
    red[..., 0] = 255
    assert as_of_dataset(file(red), (1, 4, 4)) == pytest.approx(76 / 255)  # the luma of ITU-R 601
    assert as_of_dataset(file(np.full((4, 4), 51)), (3, 4, 4)) == pytest.approx(0.2)


def test_the_centre_is_taken_and_resized():
    wide = np.zeros((16, 48))
    wide[:, 16:32] = 255
    assert as_of_dataset(file(wide), (1, 16, 16)).min() == 1
    assert as_of_dataset(file(wide), (1, 8, 24)).shape == (1, 8, 24)


def test_of_a_black_and_white_dataset_it_is_cut_at_half():
    image = as_of_dataset(file([[100, 200], [0, 255]]), (1, 2, 2), binary=True)
    assert image[0].tolist() == [[0, 1], [0, 1]]


def test_a_drawing_on_paper_is_inverted():
    assert as_of_dataset(file([[255, 0], [255, 51]]), (1, 2, 2), inverted=True)[0].tolist() == [
        [0, 1],
        [0, np.float32(0.8)],
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file dropped here is empty"),
        (b"not an image", "the file dropped here is no image of a known format"),
        (file(np.zeros((64, 64)))[:50], "the file dropped here "),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is no image of a known format"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(content, message):
    with pytest.raises(ValueError, match=message) as refused:
        as_of_dataset(content, (1, 8, 8))
    assert "\n" not in str(refused.value)
