"""The figure of effects: knobs first, framed, each with its score; legible with long names and many latents."""

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from multibeta.figures._style import DPI, render
from multibeta.figures.control import control

EFFECT = np.array([[0.0, 0.9], [0.1, 0.2], [0.0, 0.0], [0.8, 0.2]])
SCORE = np.array([[0.0, 0.85], [0.01, 0.1], [0.0, 0.0], [0.6, 0.03]])


def frames(cells) -> list[tuple[float, float]]:
    return [patch.get_xy() for patch in cells.patches if isinstance(patch, Rectangle)]


def test_knobs_come_first_in_the_order_of_their_factors_and_are_framed() -> None:
    cells, bars = control(EFFECT, SCORE, ["shape", "x"], "a run").axes
    assert [label.get_text() for label in cells.get_yticklabels()] == ["z3", "z0", "z1", "z2"]
    assert cells.collections[0].get_array().tolist() == EFFECT[[3, 0, 1, 2]].tolist()
    assert frames(cells) == [(0, 0), (1, 1)]
    assert [bar.get_width() for bar in bars.patches] == [0.6, 0.85]
    assert bars.get_xlabel() == "score (mean 0.72)"


def test_a_factor_without_a_knob_has_no_frame_and_counts_as_zero() -> None:
    cells, bars = control(EFFECT[:1], SCORE[:1], ["shape", "x"]).axes
    assert frames(cells) == [(1, 0)]
    assert bars.get_xlabel() == "score (mean 0.42)"
    nothing = control(np.zeros((3, 2)), np.zeros((3, 2)), ["shape", "x"])
    assert not frames(nothing.axes[0])
    assert nothing.axes[1].get_xlabel() == "score (mean 0.00)"


@pytest.mark.parametrize(("latents", "names"), [(1, ["label"]), (10, ["shape", "scale", "orientation", "x", "y"])])
def test_it_is_a_column_wide_and_no_text_overlaps_another(latents: int, names: list[str]) -> None:
    effect = np.random.default_rng(0).random((latents, len(names)))
    figure = control(effect, effect**2, names, "a run")
    assert Image.open(io.BytesIO(render(figure, "png"))).width == round(3.3 * DPI)
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= 7
    named = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_rotation() == 0]
    assert all(left.x1 < right.x0 for left, right in pairwise(named))


def test_equal_figures_give_equal_bytes() -> None:
    first, second = (render(control(EFFECT, SCORE, ["shape", "x"]), "svg") for _ in range(2))
    assert first == second


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        control(EFFECT, SCORE, ["shape"])
