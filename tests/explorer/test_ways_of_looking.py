"""Interpolations, samples, points, curves and figures: what the panels show of a run."""

import json

import numpy as np
import pytest

from multibeta.explorer.between import between
from multibeta.explorer.conditional import PER_VALUE, _fitted, attributes, samples
from multibeta.explorer.curves import curves
from multibeta.explorer.scatter import colourings, points, told_of
from multibeta.explorer.shelf import read_shelf
from multibeta.explorer.tradeoff import FIGURES, measured, tradeoff_figure


def ends(found, *positions):
    return np.stack([found.image(position) for position in positions])


def test_the_ends_of_an_interpolation_are_reconstructions(opened):
    found = opened("sprites", "beta_vae", "0.1")
    images = ends(found, 5, 900)
    strip, weights = between(found, images, (0, 0), 5)
    assert weights.tolist() == [0, 0.25, 0.5, 0.75, 1]
    codes = found.encode(images, np.zeros(2, int))
    assert np.allclose(strip[[0, -1]], found.decode(codes, np.zeros(2, int)), atol=1e-6)
    middle = found.decode(codes.mean(0, keepdims=True), np.zeros(1, int))
    assert np.allclose(strip[2], middle, atol=1e-5)


def test_on_the_way_a_conditional_model_is_told_what_is_true_of_the_nearer_end(opened):
    found = opened("digits", "cvae", "1")
    images = ends(found, 0, 1)
    strip, _ = between(found, images, (3, 8), 4)
    codes = found.encode(images, np.array([3, 8]))
    third = codes[0] + (codes[1] - codes[0]) * np.array([[1 / 3], [2 / 3]])
    assert np.allclose(strip[1:3], found.decode(third, np.array([3, 8])), atol=1e-5)


def test_a_conditional_model_is_told_each_value(opened):
    found = opened("digits", "cvae", "1")
    assert attributes(found) == ["label"]
    drawn = samples(found, "label", 0)
    assert drawn.images.shape == (10, PER_VALUE, 1, 8, 8)
    assert (drawn.names, drawn.among) == ([str(digit) for digit in range(10)], 10)
    assert not np.allclose(drawn.images[0], drawn.images[1])
    assert np.array_equal(drawn.images, samples(found, "label", 0).images)
    assert not np.array_equal(drawn.images, samples(found, "label", 1).images)


def test_of_any_other_model_samples_come_from_where_the_codes_of_a_value_lie(opened):
    found = opened("sprites", "beta_vae", "0.1")
    assert attributes(found) == ["shape", "scale", "x", "y"]
    drawn = samples(found, "x", 0)
    assert drawn.images.shape == (16, PER_VALUE, 1, 32, 32)
    assert "fitted" in drawn.how


def test_a_fitted_gaussian_has_the_mean_and_covariance_of_the_codes():
    generator = np.random.default_rng(0)
    codes = generator.standard_normal((4000, 3)) @ np.array([[2, 0, 0], [1, 0.5, 0], [0, 0, 1e-3]]) + [5, 0, -1]
    drawn = _fitted(codes, generator.standard_normal((200_000, 3)).astype(np.float32))
    assert np.allclose(drawn.mean(0), codes.mean(0), atol=0.02)
    assert np.allclose(np.cov(drawn, rowvar=False), np.cov(codes, rowvar=False), atol=0.05)


def test_points_are_codes_of_the_code_table(opened):
    found = opened("sprites", "beta_vae", "0.1")
    drawn = points(found, 2, 0, most=50)
    rows = np.searchsorted(found.chosen.code_table, drawn.position)
    assert len(set(drawn.position.tolist())) == 50
    assert np.array_equal(drawn.across, found.codes.mean[rows, 2])
    assert np.array_equal(drawn.up, found.codes.mean[rows, 0])
    assert np.array_equal(drawn.facts["x"], found.dataset.factors[drawn.position, 2])
    assert list(drawn.facts) == list(colourings(found)) == ["shape", "scale", "x", "y", "held out"]
    held_out = found.dataset.held_out[drawn.position]
    assert np.array_equal(drawn.facts["held out"] == "held out", held_out)


def test_points_of_two_models_are_of_the_same_images(opened):
    one, other = (points(opened("sprites", "beta_vae", beta), 0, 1, most=50) for beta in ("0.1", "1"))
    assert np.array_equal(one.position, other.position)


def test_a_label_colours_by_its_class(opened):
    found = opened("digits", "beta_vae", "0.1")
    drawn = points(found, 0, 1, most=20)
    assert drawn.facts["label"].tolist() == [str(found.dataset.labels[position]) for position in drawn.position]
    assert told_of(found, 0).startswith(f"label {found.dataset.labels[0]}, ")


def test_curves_are_those_of_history(finished):
    cell = read_shelf(finished).cells[0]
    table = curves(cell)
    assert list(dict.fromkeys(table.term)) == ["loss", "reconstruction", "kl", "strength", "learning_rate"]
    assert table[(table.seed == 1) & (table.term == "kl")].step.tolist() == [50, 100, 150, 200]


def test_curves_that_are_missing_or_damaged_say_so(study):
    cell = read_shelf(study).cells[0]
    cell.folder.history.write_text("something,else\n1,2\n")
    with pytest.raises(ValueError, match=r"history\.csv: damaged"):
        curves(cell)
    cell.folder.history.write_text("")
    with pytest.raises(ValueError, match=r"history\.csv: damaged"):
        curves(cell)
    cell.folder.history.unlink()
    with pytest.raises(ValueError, match=r"history\.csv is missing"):
        curves(cell)


@pytest.mark.parametrize("name", FIGURES)
def test_the_chosen_cell_is_marked_in_every_figure(finished, name):
    shelf = read_shelf(finished)
    one, other = (tradeoff_figure(shelf, shelf.cells[k], name) for k in (0, 1))
    assert one[0].startswith(b"\x89PNG")
    assert one[0] != other[0]
    assert one[1] == []


def test_figures_show_what_metrics_say(finished):
    shelf = read_shelf(finished)
    findings, _ = measured(shelf, ["sprites"])
    rows = findings.metrics[(findings.metrics.metric == "kl") & (findings.metrics.beta == "1")]
    column = findings.column("kl")
    (mean,) = [row.mean for place, row in findings.numbers(column).items() if place[2] == "1"]
    assert mean == pytest.approx(rows.value.mean())
    assert {cell.dataset for cell in findings.cells} == {"sprites"}


def test_a_damaged_table_is_named_and_the_others_are_drawn(study):
    (study / "cells/sprites/beta_vae/beta~1/metrics.csv").write_text("a,b\n1\n2,3,4\n")
    shelf = read_shelf(study)
    picture, (problem,) = tradeoff_figure(shelf, shelf.cells[0], "rate_distortion")
    assert picture.startswith(b"\x89PNG")
    assert problem.startswith("sprites · beta_vae · 1: ")
    assert "beta~1/metrics.csv: damaged (" in problem


def test_without_any_measure_a_line_says_so(study):
    for path in study.rglob("metrics.csv"):
        path.unlink()
    shelf = read_shelf(study)
    with pytest.raises(ValueError, match="no cell of sprites, digits is measured yet"):
        tradeoff_figure(shelf, shelf.cells[0], "rate_distortion")


def test_a_figure_of_what_the_study_does_not_ask_for_is_a_line(study):
    for path in study.rglob("spec.json"):
        spec = json.loads(path.read_text(encoding="utf-8"))
        spec["evaluation"]["metrics"] = ["mig"]
        path.write_text(json.dumps(spec), encoding="utf-8")
    shelf = read_shelf(study)
    assert tradeoff_figure(shelf, shelf.cells[0], "tradeoff")[0].startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="the study does not ask for KL or Reconstruction"):
        tradeoff_figure(shelf, shelf.cells[0], "rate_distortion")
