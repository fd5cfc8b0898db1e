"""The heat map of rank correlations: each pair once, the unknown said, nothing clipped."""

import numpy as np
import pytest

from multibeta.figures._style import PAGE, render
from multibeta.figures.correlations import correlations


def drawn(size=4):
    values = np.corrcoef(np.random.default_rng(0).normal(size=(size, 6)))
    values[1, 0] = values[0, 1] = np.nan
    return correlations(values, [f"measure {number}" for number in range(size)], "sprites, 6 runs"), values


def test_each_pair_is_written_once_and_an_unknown_one_as_a_dash():
    figure, values = drawn()
    axes = figure.axes[0]
    texts = {
        tuple(text.get_position()): text.get_text() for text in axes.texts if text.get_transform() == axes.transData
    }
    assert len(texts) == 4 * 3 // 2
    assert texts[0.5, 0.5] == "–"
    assert texts[0.5, 1.5] == f"{round(100 * values[2, 0])}".replace("-", "−")


def test_rows_begin_with_the_second_measure_and_columns_end_before_the_last():
    axes = drawn()[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["measure 1", "measure 2", "measure 3"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["measure 0", "measure 1", "measure 2"]


@pytest.mark.parametrize("size", [3, 23, 40])
def test_it_fits_a_page_at_any_number_of_measures(size):
    figure = drawn(size)[0]
    assert figure.get_size_inches()[0] <= PAGE + 1e-9
    assert render(figure, "png") == render(drawn(size)[0], "png")


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        correlations(np.eye(3), ["a", "b"])
