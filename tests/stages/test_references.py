"""The references decode what they should, and are the ceilings and floors that the pages say they are."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from multibeta.datasets import Dataset
from multibeta.options import EvaluationOptions
from multibeta.stages.features import learn_features
from multibeta.stages.prepare import prepare
from multibeta.stages.references import reference_scores, references
from multibeta.stages.shared.codes import EvaluationImages, float_images
from multibeta.study import Study

PAGES = Path(__file__).parents[2] / "docs" / "metrics"
TITLES = ["perfect codes", "rotated perfect codes", "random codes", "constant decoder"]
CONTROL = ["controllability", "control_effect", "control_monotonicity", "control_leakage"]


CELL = Study.parse(
    {
        "name": "x",
        "datasets": ["sprites"],
        "variants": ["beta_vae"],
        "strengths": [1],
        "evaluation": {"metrics": ["mig", "controllability", "attribute_edit"]},
    }
).cells[0]


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    return prepare("sprites", {}, tmp_path_factory.mktemp("sprites")).folder


@pytest.fixture(scope="module")
def scores(sprites, tmp_path_factory):
    """Of sprites with its features learnt."""
    folder = tmp_path_factory.mktemp("learnt")
    for file in sprites.iterdir():
        (folder / file.name).symlink_to(file)
    learn_features(folder, folder / "features.safetensors")
    return reference_scores(CELL, Dataset(folder))


def control(scores, title, score="controllability"):
    return scores[title].get((score, "traversal7", "traversal"))


def test_the_true_renderer_is_the_ceiling_and_a_rotation_costs_more_than_half_of_it(scores):
    assert list(scores) == TITLES
    perfect, rotated, random, constant = (control(scores, title) for title in TITLES)
    assert perfect > 0.95
    assert 0.25 < rotated < perfect / 2
    assert 0 < random < 0.05
    assert constant == 0


def test_a_rotation_leaves_effect_and_monotonicity_and_leaks(scores):
    aligned, rotated = ([control(scores, title, score) for score in CONTROL[1:]] for title in TITLES[:2])
    assert min(*aligned[:2], *rotated[:2]) > 0.9
    assert aligned[2] < 0.05
    assert rotated[2] > 0.5


def test_random_images_go_back_and_forth(scores):
    assert control(scores, "random codes", "control_effect") > 0.8
    assert control(scores, "random codes", "control_monotonicity") < 0.2


def test_the_table_of_the_page_is_what_is_measured(scores):
    for title in TITLES:
        (row,) = re.findall(rf"^\| {title} \|(.*)\|$", (PAGES / "controllability.md").read_text(encoding="utf-8"), re.M)
        for cell_text, score in zip(row.split("|"), CONTROL, strict=True):
            measured = control(scores, title, score)
            assert (cell_text.strip() == "—") == (measured is None)
            if measured is not None:
                assert float(cell_text) == pytest.approx(measured, abs=0.015)


def test_edits_of_the_true_renderer_are_alone_and_a_rotation_costs_nothing(scores):
    for recipe in ("mean_difference", "mean_difference_alone", "classifier", "classifier_alone"):
        for title in ("perfect codes", "rotated perfect codes"):
            assert scores[title]["edit_selectivity", recipe, "edit"] > 0.99
        effects = [scores[title]["edit_effect", recipe, "edit"] for title in TITLES[:3]]
        assert effects[0] == pytest.approx(effects[1], abs=0.02)
        assert effects[0] > 0.85
        assert effects[2] < 0.4


def test_the_table_of_edits_is_what_is_measured(scores):
    for title in TITLES[:3]:
        (row,) = re.findall(rf"^\| {title} \|(.*)\|$", (PAGES / "attribute_edit.md").read_text(encoding="utf-8"), re.M)
        for text, score in zip(row.split("|"), ("edit_effect", "edit_selectivity"), strict=True):
            assert float(text) == pytest.approx(scores[title][score, "mean_difference", "edit"], abs=0.015)


def test_codes_are_scored_beside_the_traversals(scores):
    mig = {title: found.get(("mig", "dlib19", "mean")) for title, found in scores.items()}
    assert mig["perfect codes"] > 0.95
    assert mig["rotated perfect codes"] < 0.4
    assert mig["random codes"] < 0.01
    assert mig["constant decoder"] is None


def test_without_features_codes_alone_are_scored(sprites):
    scores = reference_scores(CELL, Dataset(sprites))
    assert list(scores) == TITLES[:3]
    assert {metric for found in scores.values() for metric, _, _ in found} == {"mig"}


def test_a_label_alone_cannot_be_rotated_nor_rendered(sprites, tmp_path):
    shape = np.load(sprites / "factors.npy")[:, 0]
    for name in ("images.npy", "held_out.npy"):
        (tmp_path / name).symlink_to(sprites / name)
    np.save(tmp_path / "labels.npy", shape)
    card = {"name": "shapes", "factors": [], "classes": ["square", "ellipse", "triangle"], "grid": False}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert list(reference_scores(CELL, Dataset(tmp_path))) == ["perfect codes", "random codes"]


@pytest.fixture(scope="module")
def drawn(sprites):
    dataset = Dataset(sprites)
    chosen = EvaluationImages.choose(dataset, EvaluationOptions())
    return dataset, chosen, references(dataset, chosen, 10, 0)


@pytest.mark.parametrize("title", TITLES[:2])
def test_the_renderer_decodes_codes_to_the_images_they_are_of(drawn, title):
    dataset, chosen, found = drawn
    for codes, rows in (
        (found[title].codes.mean, chosen.code_table),
        (found[title].codes.held_out_mean, chosen.held_out),
    ):
        assert codes.shape == (len(rows), 10)
        assert np.array_equal(found[title].decode(codes), float_images(dataset, rows))


def test_a_latent_beyond_the_factors_range_stays_at_its_end(drawn):
    dataset, _, found = drawn
    ends = found["perfect codes"].decode(np.array([[-9.0] * 10, [9.0] * 10]))
    assert np.array_equal(ends, float_images(dataset, np.array([0, -1])))


def test_perfect_codes_have_the_variance_of_the_prior(drawn):
    codes = drawn[2]["perfect codes"].codes.mean
    assert codes.mean(0) == pytest.approx(0, abs=0.1)
    assert codes.std(0) == pytest.approx(1, abs=0.1)
    rotated = drawn[2]["rotated perfect codes"].codes.mean
    assert np.allclose((rotated**2).sum(1), (codes**2).sum(1), rtol=1e-4)
    assert np.array_equal(rotated[:, 4:], codes[:, 4:])


def test_random_codes_give_any_image_and_the_same_code_the_same(drawn):
    _, _, found = drawn
    z = np.random.default_rng(0).normal(size=(500, 10)).astype(np.float32)
    positions = found["random codes"].position(z)
    assert np.array_equal(positions, found["random codes"].position(z))
    assert len(np.unique(positions)) > 400
    assert (found["constant decoder"].position(z) == 0).all()


def test_there_is_a_latent_of_noise_at_least(sprites):
    dataset = Dataset(sprites)
    chosen = EvaluationImages.choose(dataset, EvaluationOptions())
    assert references(dataset, chosen, 2, 0)["perfect codes"].codes.mean.shape[1] == 5
