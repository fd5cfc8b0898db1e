"""Traversals that move: every latent in its place, there and back, in few bytes that repeat."""

import io

import numpy as np
import pytest
from PIL import Image

from multibeta.figures.animation import GAP, LINE, MOST_LATENTS, SIDE_BY_SIDE, animation

VALUES = np.linspace(-3, 3, 5)


def frames(data: bytes) -> list[np.ndarray]:
    picture = Image.open(io.BytesIO(data))
    found = []
    for place in range(picture.n_frames):
        picture.seek(place)
        found.append(np.asarray(picture.convert("L")).astype(int))
    return found


def made(images: np.ndarray, muted: bool = False) -> bytes:
    labels = [f"z{j} KL 1.0" for j in range(len(images))]
    return animation(images.astype(np.float32), VALUES, labels, [muted] * len(images))


def ramp(latents: int = 2, side: int = 20) -> np.ndarray:
    """Latent j goes from black to white if j is even, the other way if it is odd."""
    greys = np.linspace(0, 1, len(VALUES))
    return np.stack([np.tile(greys[:: (-1) ** j, None, None, None], (1, 1, side, side)) for j in range(latents)])


def test_every_latent_goes_there_and_back() -> None:
    shown = frames(made(ramp()))
    assert [frame[40, 40] for frame in shown] == pytest.approx([0, 64, 128, 191, 255, 191, 128, 64], abs=3)
    assert [frame[40, 80 + GAP + 40] for frame in shown] == pytest.approx([255, 191, 128, 64, 0, 64, 128, 191], abs=3)


def test_a_mark_shows_where_it_is() -> None:
    axis = [frame[-16:-4] for frame in frames(made(np.ones((2, 5, 1, 20, 20))))]
    places = [np.average(np.arange(each.shape[1]), weights=(255 - each.min(0)) ** 4) for each in axis]
    assert places[0] < places[1] < places[2] < places[3] < places[4]
    assert places[5] == pytest.approx(places[3], abs=1)


def test_of_more_latents_than_fit_a_row_the_rest_stands_below() -> None:
    one, more = (frames(made(ramp(latents)))[0].shape for latents in (SIDE_BY_SIDE, SIDE_BY_SIDE + 1))
    assert more == (one[0] + 80 + LINE, one[1])


def test_labels_of_inactive_latents_are_grey() -> None:
    below = [frames(made(np.ones((1, 5, 1, 20, 20)), muted))[0][80 : 80 + LINE].min() for muted in (False, True)]
    assert below[0] < 80 < below[1]


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 64, 64), (3, 128, 128), (3, 96, 128)])
def test_smooth_images_of_every_size_take_few_bytes(shape: tuple[int, int, int]) -> None:
    high, wide = (np.linspace(0, 3, side) for side in shape[1:])
    phase = np.arange(MOST_LATENTS)[:, None, None, None, None] + VALUES[:, None, None, None]
    colour = np.arange(shape[0])[:, None, None]
    waves = 0.5 + 0.5 * np.sin(phase + colour + high[:, None] * wide)
    data = made(waves)
    assert len(data) < 300_000
    assert all(60 <= side <= 700 for side in frames(data)[0].shape)


def test_equal_images_give_equal_bytes() -> None:
    assert made(ramp()) == made(ramp())


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 2 latents and 4 values"):
        animation(ramp().astype(np.float32), VALUES[:4], ["z0", "z1"], [False, False])
