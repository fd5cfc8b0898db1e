"""Strips and matrices of edits: what is shown, what it is called, and that it is legible."""

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from multibeta.figures._style import DPI, render
from multibeta.figures.edit_matrix import MOST_FACTORS, edit_matrix
from multibeta.figures.edits import MOST_ATTRIBUTES, MOST_VALUES, edits


def figure(attributes=3, factors=2, **changes):
    images = np.random.default_rng(0).random((attributes, 5, 1, 8, 8), dtype=np.float32)
    given = {
        "images": images,
        "values": np.linspace(-2, 2, 5),
        "changes": np.linspace(0, 1, attributes * factors).reshape(attributes, factors),
        "own": [k % factors for k in range(attributes)],
        "names": [f"a{k}" for k in range(attributes)],
        "factor_names": [f"f{k}" for k in range(factors)],
    }
    return edits(**{**given, **changes})


def labels(drawn):
    return [text.get_text() for text in drawn.axes[0].texts]


def test_a_row_says_what_grew_and_what_else_changed_most():
    changes = np.array([[0.9, 0.1, 0.3], [0.2, 0.5, 0.0]])
    drawn = figure(2, 3, changes=changes, own=[0, 1], names=["slant", "width"], factor_names=["slant", "width", "area"])
    assert labels(drawn)[:2] == ["slant: 0.90\narea 0.30", "width: 0.50\nslant 0.20"]
    assert labels(drawn)[2:] == ["−2", "−1", "0", "+1", "+2"]


def test_a_single_factor_has_no_other():
    assert labels(figure(1, 1, changes=np.array([[0.4]])))[0] == "a0: 0.40"


def test_of_many_attributes_those_that_grow_most_are_shown_in_their_order():
    changes = np.zeros((40, 40))
    changes[np.arange(0, 40, 2), np.arange(0, 40, 2)] = 0.5
    drawn = figure(40, 40, changes=changes)
    shown = labels(drawn)[:-5]
    assert [label.split("\n")[0] for label in shown] == [f"a{2 * k}: 0.50" for k in range(MOST_ATTRIBUTES)]
    assert any("12 of 40" in text.get_text() for text in drawn.texts)


def test_of_a_factor_of_many_values_those_that_grow_most_leave_room_for_other_factors():
    changes = np.array([[0.1 * k, 0.0] for k in range(10)] + [[0.0, 0.05]])
    names = [*(f"digit = {k}" for k in range(10)), "slant"]
    drawn = figure(11, 2, changes=changes, own=[0] * 10 + [1], names=names, factor_names=["digit", "slant"])
    shown = [label.split(":")[0] for label in labels(drawn)[:-5]]
    assert shown == [*(f"digit = {k}" for k in range(10 - MOST_VALUES, 10)), "slant"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        figure(names=["one"])
    with pytest.raises(ValueError, match="do not fit"):
        edit_matrix({"a": np.zeros((2, 3))}, [0, 1], ["x", "y"])


def test_a_long_name_is_cut_and_its_number_is_not():
    name = "an attribute that somebody has given a whole sentence"
    drawn = figure(1, 2, changes=np.array([[0.4, 0.2]]), own=[0], names=[name], factor_names=[name, name])
    first, second = labels(drawn)[0].split("\n")
    assert first == "an attribute that som…: 0.40"
    assert second == "an attribute that som… 0.20"
    _inside(drawn)


def test_a_matrix_is_of_edits_by_what_moved_and_frames_what_was_edited():
    changes = np.array([[0.1, 0.9, 0.2], [0.3, 0.0, 0.8]])
    first, second = edit_matrix({"one": changes, "other": changes / 2}, [1, 2], ["angle", "x", "y"]).axes
    assert [label.get_text() for label in first.get_xticklabels()] == ["angle", "x", "y"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["x", "y"]
    assert first.collections[0].get_array().tolist() == changes.tolist()
    assert second.collections[0].get_array().tolist() == (changes / 2).tolist()
    assert [patch.get_xy() for patch in first.patches if isinstance(patch, Rectangle)] == [(1, 0), (2, 1)]
    assert (first.get_title(), second.get_title()) == ("one", "other")


def test_of_many_factors_the_matrix_shows_those_that_grow_most():
    changes = np.full((40, 40), 0.1)
    grown = [3, 5, 8, 13, 21, 34]
    changes[grown, grown] = 0.9
    (axes,) = edit_matrix({"one": changes}, list(range(40)), [f"f{k}" for k in range(40)]).axes
    expected = [f"f{k}" for k in grown]
    assert len(grown) == MOST_FACTORS
    assert [label.get_text() for label in axes.get_xticklabels()] == expected
    assert [label.get_text() for label in axes.get_yticklabels()] == expected
    assert np.diag(axes.collections[0].get_array()).tolist() == [0.9] * MOST_FACTORS


@pytest.mark.parametrize("name", ["x", "Mouth_Slightly_Open", "somebody's own attribute, at length"])
def test_the_matrix_is_a_column_wide_and_its_text_stays_inside(name):
    headings = ("difference of means, at equal others", "normal of a classifier, others projected out")
    changes = dict.fromkeys(headings, np.full((6, 6), 0.88))
    drawn = edit_matrix(changes, list(range(6)), [name] * 6, "a run")
    assert Image.open(io.BytesIO(render(drawn, "png"))).width == round(3.3 * DPI)
    assert min(text.get_fontsize() for text in drawn.findobj(Text) if text.get_text()) >= 7
    _inside(drawn)
    numbers = [text.get_window_extent() for text in drawn.axes[0].texts]
    assert all(left.x1 < right.x0 for left, right in pairwise(numbers[:6]))


def _inside(drawn):
    render(drawn, "png")
    for text in drawn.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert drawn.bbox.x0 <= box.x0, text.get_text()
            assert box.x1 <= drawn.bbox.x1, text.get_text()
