"""Figures of images: pixels are the images' own, rows are where their labels say."""

import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from multibeta.figures import images as figures
from multibeta.figures._style import COLUMN, render
from multibeta.figures._tiles import tiled

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 64, 64), (3, 128, 128)]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in [*figure.axes[0].texts, *figure.texts]]


def shown(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_tiles_are_the_images_enlarged_with_white_between() -> None:
    images = np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1, 1) / 5
    canvas = tiled(images, gap=1, scale=2)
    assert canvas.shape == (2 * 2 + 1, 3 * 2 + 2, 3)
    assert canvas[0, 0].tolist() == [0, 0, 0]
    assert canvas[:2, 3:5].tolist() == [[[51] * 3] * 2] * 2
    assert (canvas[2] == 255).all()
    assert (canvas[:, 2] == 255).all()


def test_tiles_keep_colours_in_place() -> None:
    image = np.zeros((1, 1, 3, 2, 2), dtype=np.float32)
    image[0, 0, 0, 1, 0] = 1
    assert tiled(image, gap=1, scale=1)[1, 0].tolist() == [255, 0, 0]


def test_images_of_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels, found 2"):
        tiled(np.zeros((1, 1, 2, 4, 4), dtype=np.float32), gap=1, scale=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_size_of_image_is_shown_pixel_by_pixel_one_column_wide(shape: tuple[int, int, int]) -> None:
    figure = figures.samples(np.random.default_rng(0).random((20, *shape), dtype=np.float32))
    canvas, box = shown(figure), figure.axes[0].get_position()
    assert figure.get_figwidth() == COLUMN
    assert canvas.shape[1] == pytest.approx(box.width * COLUMN * figure.dpi)
    assert canvas.shape[0] == pytest.approx(box.height * figure.get_figheight() * figure.dpi)


def test_reconstructions_stand_below_their_originals() -> None:
    originals, reconstructed = np.zeros((12, 1, 8, 8), np.float32), np.full((12, 1, 8, 8), 0.6, np.float32)
    figure = figures.reconstructions(originals, reconstructed)
    assert texts(figure) == ["input", "recon."] * 2
    middle = shown(figure)[np.linspace(0, shown(figure).shape[0] - 1, 9).astype(int)[1::2], 5, 0]
    assert middle.tolist() == [0, 153, 0, 153]


def test_reconstructions_of_other_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        figures.reconstructions(np.zeros((2, 1, 8, 8), np.float32), np.zeros((3, 1, 8, 8), np.float32))


def test_traversals_are_sorted_by_kl_and_labelled_with_it() -> None:
    kl, active = np.array([0.001, 2.5, 0.7]), np.array([False, True, True])
    images = np.stack([np.full((7, 1, 8, 8), j / 2, np.float32) for j in range(3)])
    figure = figures.traversals(images, np.arange(-3, 4), kl, "prior", active)
    assert texts(figure)[:3] == ["z1  KL 2.50", "z2  KL 0.70", "z0  KL 0.00"]
    assert texts(figure)[3:10] == ["−3", "−2", "−1", "0", "+1", "+2", "+3"]
    assert "other latents at 0" in texts(figure)[-1]
    rows = shown(figure)[[0, shown(figure).shape[0] // 2, -1], 0, 0]
    assert rows.tolist() == [128, 255, 0]
    colours = [text.get_color() for text in figure.axes[0].texts[:3]]
    assert colours[0] == colours[1] != colours[2]


def test_traversals_of_a_thousand_latents_show_the_largest_and_say_so() -> None:
    kl = np.linspace(0, 1, 1000)
    figure = figures.traversals(np.zeros((1000, 3, 1, 8, 8), np.float32), np.arange(3), kl, "posterior", kl > 0.01)
    assert texts(figure)[0].startswith("z999 ")
    assert "the 32 latents of largest KL among 1000" in texts(figure)[-1]


def test_traversals_that_do_not_fit_their_kl_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 3 latents"):
        figures.traversals(
            np.zeros((2, 7, 1, 8, 8), np.float32), np.arange(-3, 4), np.zeros(3), "prior", np.zeros(3, bool)
        )


def test_interpolations_stand_between_the_images_they_join() -> None:
    figure = figures.interpolations(np.full((2, 3, 1, 8, 8), 0.6, np.float32), np.zeros((2, 2, 1, 8, 8), np.float32))
    assert texts(figure) == ["input", "0", "0.5", "1", "input"]
    row = shown(figure)[0, :, 0]
    assert (row[0], row[len(row) // 2], row[-1]) == (0, 153, 0)


def test_conditional_samples_name_every_class() -> None:
    figure = figures.conditional_samples(np.zeros((2, 4, 1, 8, 8), np.float32), ["cat", "dog"], "label")
    assert texts(figure)[:2] == ["cat", "dog"]
    with pytest.raises(ValueError, match="do not fit 3 names"):
        figures.conditional_samples(np.zeros((2, 4, 1, 8, 8), np.float32), ["a", "b", "c"])


def test_conditional_samples_say_what_is_left_out_and_cut_names_that_leave_no_room() -> None:
    names = ["Weißkopfseeadler im Flug, von unten gesehen", "dog"]
    figure = figures.conditional_samples(np.zeros((2, 4, 1, 8, 8), np.float32), names, "label", among=1000)
    assert texts(figure)[:2] == ["Weißkopfseeadler im Flug, v…", "dog"]
    assert "2 most frequent of 1000" in texts(figure)[-1].replace("\n", " ")
    render(figure, "png")
    assert all(text.get_window_extent().x0 >= 0 for text in figure.axes[0].texts)


def test_no_label_leaves_the_figure() -> None:
    kl = np.array([12.25, *np.zeros(31)])
    for kind in ("prior", "posterior"):
        figure = figures.traversals(
            np.zeros((32, 7, 1, 8, 8), np.float32),
            np.arange(-3, 4),
            kl,
            kind,  # type: ignore[arg-type]
            kl > 1,
            "orientation 12",
            title="dsprites_grid · β-TCVAE · β = 0.25 · seed 10",
        )
        render(figure, "png")
        whole = figure.bbox
        for text in [*figure.axes[0].texts, *figure.texts]:
            box = text.get_window_extent()
            assert whole.x0 <= box.x0, text.get_text()
            assert box.x1 <= whole.x1, text.get_text()
            assert whole.y0 <= box.y0, text.get_text()
            assert box.y1 <= whole.y1, text.get_text()


def test_a_figure_of_a_cell_is_made_in_a_moment() -> None:
    images = np.random.default_rng(0).random((10, 7, 1, 64, 64), dtype=np.float32)
    render(figures.samples(images[0]), "png")
    started = time.process_time()
    render(figures.traversals(images, np.arange(-3, 4), np.ones(10), "prior", np.ones(10, bool)), "png")
    assert time.process_time() - started < 1
