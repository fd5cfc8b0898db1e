"""The figure of KL and variance: ranked by KL, the threshold drawn, active latents counted."""

import numpy as np
import pytest

from multibeta.figures.latents import latents


def test_each_seed_is_ranked_by_its_own_kl() -> None:
    kl, variances = np.array([[0.1, 3.0, 0.0], [2.0, 0.0, 1.0]]), np.array([[0.05, 0.9, 0.0], [0.8, 0.001, 0.5]])
    above, below = latents(kl, variances, [0, 7]).axes
    drawn = [line.get_ydata() for line in above.lines if len(line.get_ydata())]
    assert [values.tolist() for values in drawn] == [[3.0, 0.1, 0.0], [2.0, 1.0, 0.0]]
    assert below.lines[0].get_ydata().tolist() == [0.9, 0.05, 1e-8]
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["seed 0: 2 active", "seed 7: 2 active"]


def test_the_threshold_is_drawn_even_where_no_latent_is_near_it() -> None:
    _, below = latents(np.full((1, 4), 5.0), np.full((1, 4), 0.9), [0], threshold=0.01).axes
    low, high = below.get_ylim()
    assert low < 0.01 < high
    assert below.get_yscale() == "log"
    assert any("0.01" in text.get_text() for text in below.texts)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        latents(np.zeros((2, 3)), np.zeros((2, 3)), [0])


def test_points_have_no_kl_and_are_ranked_by_variance() -> None:
    above, below = latents(np.full((1, 3), np.nan), np.array([[0.1, 0.9, 0.5]]), [0]).axes
    assert [text.get_text() for text in above.texts] == ["no KL: codes are points"]
    (line,) = [line for line in below.lines if len(line.get_xdata()) == 3]
    assert line.get_ydata().tolist() == [0.9, 0.5, 0.1]
    assert "ranked by variance" in below.get_xlabel()
