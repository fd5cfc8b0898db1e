"""The strips of edits: their rows, labels and what does not fit."""

import numpy as np
import pytest

from multibeta.figures.edits import MOST_ATTRIBUTES, edits


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
    assert labels(drawn)[:2] == ["slant: 0.90 · area 0.30", "width: 0.50 · slant 0.20"]
    assert labels(drawn)[2:] == ["−2", "−1", "0", "+1", "+2"]


def test_a_single_factor_has_no_other():
    assert labels(figure(1, 1, changes=np.array([[0.4]])))[0] == "a0: 0.40"


def test_of_many_attributes_those_that_grow_most_are_shown_in_their_order():
    changes = np.zeros((40, 1))
    changes[::2] = 0.5
    drawn = figure(40, 1, changes=changes, own=[0] * 40)
    shown = labels(drawn)[:-5]
    assert len(shown) == MOST_ATTRIBUTES
    assert shown == [f"a{2 * k}: 0.50" for k in range(MOST_ATTRIBUTES)]
    assert any("among 40" in text.get_text() for text in drawn.texts)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        figure(names=["one"])
