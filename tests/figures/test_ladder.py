"""The ladder: a strip for each match where it belongs, its correlation beside it; what has no match says so."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from multibeta.figures._style import PAGE, render
from multibeta.figures.ladder import EMPTY, SIDE_BY_SIDE, Rung, ladder

NAMES = ["z3  KL 2.50", "z0  KL 0.70"]


def rung(group: str, name: str, grey: float, r: tuple[float, ...], reference: bool = False, side: int = 8) -> Rung:
    correlation = np.array(r)
    strips = np.full((len(r), 5, 1, side, side), grey, np.float32)
    return Rung(group, name, strips, correlation, np.abs(correlation) >= 0.5, reference)


def rungs() -> list[Rung]:
    return [
        rung("β-VAE", "β = 1, seed 0", 0.2, (0.91, -0.62)),
        rung("β-VAE", "β = 4, seed 0", 0.4, (1, 1), reference=True),
        rung("CVAE", "β = 1, seed 0", 0.6, (0.499, 0)),
    ]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def pixels(figure: Figure, group: int) -> np.ndarray:
    return np.asarray(figure.axes[group].images[0].get_array())[..., 0]


def test_every_strip_stands_in_the_row_of_its_run_and_the_column_of_its_latent() -> None:
    figure = ladder(rungs(), NAMES)
    first, second = pixels(figure, 0), pixels(figure, 1)
    column = first.shape[1] // 2
    assert [first[2, 2], first[2, column + 2], first[-6, 2]] == [51, 51, 102]
    assert [second[2, 2], second[2, column + 2]] == [round(255 * EMPTY)] * 2


def test_numbers_stand_beside_strips_and_what_is_not_matched_says_so() -> None:
    assert texts(ladder(rungs(), NAMES)) == [
        *("β = 1, seed 0", "0.91", "−0.62"),
        *("β = 4, seed 0", "ref.", "ref."),
        *("β = 1, seed 0", "no match: 0.49", "no latent left"),
    ]


def test_runs_stand_below_the_heading_of_their_group_and_latents_have_one() -> None:
    figure = ladder(rungs(), NAMES, note="a note", title="a title")
    assert [text.get_text() for text in figure.texts] == [*NAMES, "β-VAE", "CVAE", "a title", "a note"]
    places = {text.get_text(): text.get_position()[1] for text in figure.texts}
    assert places[NAMES[0]] > places["β-VAE"] > places["CVAE"]


def test_the_reference_is_bold() -> None:
    bold = [text.get_text() for text in ladder(rungs(), NAMES).axes[0].texts if text.get_fontweight() == "bold"]
    assert bold == ["β = 4, seed 0"]


def test_more_latents_than_fit_stand_below() -> None:
    many = [rung("β-VAE", f"β = {beta}", 0.5, (1.0,) * (SIDE_BY_SIDE + 1)) for beta in (1, 2)]
    figure = ladder(many, [f"z{j}" for j in range(SIDE_BY_SIDE + 1)])
    assert len(figure.axes) == 2
    assert texts(figure).count("1.00") == 2 * (SIDE_BY_SIDE + 1)
    assert figure.axes[1].get_position().y1 < figure.axes[0].get_position().y0


def test_large_images_are_averaged_down() -> None:
    side = 130
    image = np.zeros((side, side), np.float32)
    image[:, ::3] = 0.9  # three pixels become one
    large = replace(rung("β-VAE", "β = 1", 0, (1,), side=side), strips=np.broadcast_to(image, (1, 5, 1, side, side)))
    figure = ladder([large], NAMES[:1])
    assert set(np.unique(pixels(figure, 0)[:40, :40])) == {76}  # 0.3 · 255
    assert figure.get_figwidth() == PAGE


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 64, 64), (3, 128, 128)])
def test_no_letter_leaves_the_figure_nor_a_strip_the_next(shape: tuple[int, int, int]) -> None:
    count = SIDE_BY_SIDE
    strips = np.zeros((count, 5, *shape), np.float32)
    matched = np.ones(count, bool)
    run = Rung("a variant of a long name", "γ = 1000, seed 12", strips, np.full(count, -0.88), matched)
    lost = replace(run, name="no", matched=~matched, correlation=np.full(count, -0.28))
    figure = ladder([run, lost], [f"z{j}  variance 10.25" for j in range(count)], note="word " * 100, title="title")
    render(figure, "png")
    axes = figure.axes[0]
    for text in [*figure.texts, *axes.texts]:
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text.get_text()
    step = axes.bbox.width / count
    ends = sorted(text.get_window_extent().x1 for text in axes.texts if text.get_text() == "−0.88")
    assert all(end <= axes.bbox.x0 + (place + 1) * step for place, end in enumerate(ends))


def test_equal_runs_give_equal_bytes() -> None:
    for kind in ("png", "svg", "pdf"):
        assert render(ladder(rungs(), NAMES), kind) == render(ladder(rungs(), NAMES), kind)


def test_strips_that_do_not_fit_the_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="β = 1, seed 0: 2 strips do not fit 3 latents"):
        ladder(rungs(), [*NAMES, "z1"])
