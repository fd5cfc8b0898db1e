"""DCI's importances: latents in the order of the factors they tell, weights beside."""

import numpy as np
import pytest

from multibeta.figures.importance import importance

VALUES = np.array([[0.1, 0.9], [0.0, 0.0], [0.9, 0.1]])


def test_disentangled_codes_show_a_diagonal_and_weights_add_up_to_one():
    cells, beside = importance(VALUES, ["shape", "x"], "a run").axes
    assert [label.get_text() for label in cells.get_yticklabels()] == ["z2", "z0", "z1"]
    assert cells.collections[0].get_array().tolist() == VALUES[[2, 0, 1]].tolist()
    assert [bar.get_width() for bar in beside.patches] == pytest.approx([0.5, 0.5, 0])


def test_no_importance_at_all_can_be_drawn():
    assert importance(np.zeros((3, 2)), ["shape", "x"]).axes


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        importance(VALUES, ["shape"])
