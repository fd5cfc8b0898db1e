"""Sliders: each moves its own latent, of a second model the same one, and what a browser says is not trusted."""

import numpy as np
import pytest

from multibeta.explorer.sliders import (
    Slider,
    common_means,
    first_code,
    matched,
    positions,
    second_code,
    sliders_of,
    start_code,
)
from multibeta.report.matching import match

SLIDERS = [Slider(2, 0.5, 3, "", 0, -1), Slider(0, -1.0, 4, "", None), Slider(1, 0.0, 3, "", 2, 1)]


def test_a_code_stands_where_the_sliders_are():
    start = np.array([-1.0, 0.0, 0.5, 7.0])
    assert first_code(start, SLIDERS, [1.5, 2.0, -3.0]).tolist() == [[2.0, -3.0, 1.5, 7.0]]
    assert start.tolist() == [-1.0, 0.0, 0.5, 7.0]


def test_a_partner_moves_as_far_from_its_own_start_and_its_own_way():
    start = np.array([10.0, 20.0, 30.0])
    assert second_code(start, SLIDERS, [1.5, 2.0, -3.0]).tolist() == [[9.0, 20.0, 27.0]]
    unmoved = [slider.start for slider in SLIDERS]
    assert second_code(start, SLIDERS, unmoved).tolist() == [[10.0, 20.0, 30.0]]


def test_without_an_image_the_prior_mean_is_the_start(opened):
    assert start_code(opened("sprites", "beta_vae", "0.1"), None, 0).tolist() == [0, 0, 0, 0]


def test_an_image_starts_from_its_posterior_mean(opened):
    found = opened("digits", "cvae", "1")
    position = int(found.chosen.held_out[3])
    start = start_code(found, found.image(position), found.condition_at(position))
    assert np.allclose(start, found.codes.held_out_mean[3], atol=1e-5)


def test_there_is_a_slider_for_every_active_latent_by_kl(opened):
    found = opened("digits", "beta_vae", "0.1")
    start = np.array([9.5, 0, 0, 0])
    every = sliders_of(found, start, inactive=True)
    assert [slider.latent for slider in every] == found.order.tolist()
    active = sliders_of(found, start)
    assert [slider.latent for slider in active] == [j for j in found.order if found.active[j]]
    first = next(slider for slider in every if slider.latent == 0)
    assert first.reach == 10  # a slider reaches its own start
    assert first.note.startswith(f"KL {found.kl[0]:.2f}")


def test_a_model_is_matched_with_itself(opened):
    found = opened("sprites", "beta_vae", "0.1")
    matching = matched(found, found)
    used = found.active.nonzero()[0]
    assert matching.partner[used].tolist() == used.tolist()
    start = np.array([0.1, -0.2, 0.3, -0.4])
    sliders = sliders_of(found, start, matching)
    values = [1.0] * len(sliders)
    assert np.allclose(second_code(start, sliders, values), first_code(start, sliders, values))


def test_an_unmatched_latent_says_so_and_moves_nothing(opened):
    found = opened("digits", "beta_vae", "0.1")
    unrelated = np.random.default_rng(0).standard_normal(found.codes.mean.shape)
    sliders = sliders_of(found, np.zeros(4), match(found.codes.mean, unrelated), inactive=True)
    assert all("no match" in slider.note and slider.partner is None for slider in sliders)
    assert second_code(np.zeros(4), sliders, [2.0] * 4).tolist() == [[0, 0, 0, 0]]


def test_models_measured_on_other_images_are_matched_on_common_ones(opened):
    found = opened("sprites", "beta_vae", "0.1")
    few = found.chosen.code_table[:300]
    other = opened("sprites", "beta_vae", "1")
    object.__setattr__(other, "chosen", other.chosen.__class__(**{**vars(other.chosen), "code_table": few}))
    one, two = common_means(found, other)
    assert one.shape == two.shape == (1000, 4)
    assert np.allclose(one.mean(0), found.codes.mean.mean(0), atol=0.3)


@pytest.mark.parametrize(
    "state",
    [
        None,
        "nonsense",
        {},
        {"start": "another", "number": 3, "values": [1, 1, 1]},
        {"start": "here", "number": 3, "values": [1, 1]},
        {"start": "here", "number": None, "values": [1, 1, 1]},
        {"start": "here", "number": 3, "values": "abc"},
    ],
)
def test_what_cannot_be_used_leaves_the_sliders_at_their_start(state):
    assert positions(state, "here", SLIDERS) == (0, [0.5, -1.0, 0.0])


def test_positions_stay_within_reach():
    state = {"start": "here", "number": 5, "values": [99, -99, 1.25]}
    assert positions(state, "here", SLIDERS) == (5, [3.0, -4.0, 1.25])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, [1]])
def test_a_position_that_is_no_number_is_answered_by_the_start(value):
    state = {"start": "here", "number": 5, "values": [value, 1, 1]}
    assert positions(state, "here", SLIDERS) == (5, [0.5, -1.0, 0.0])
