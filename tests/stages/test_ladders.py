"""Ladders of trained models: latents matched by their codes, decoded the same way round; what cannot be is named."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multibeta.files import write_table
from multibeta.report.matching import match
from multibeta.results import METRICS_COLUMNS, StudyFolder
from multibeta.stages import ladders
from multibeta.stages.draw import Drawing
from multibeta.stages.encode import encode
from multibeta.stages.prepare import prepare, prepare_of_cell
from multibeta.stages.shared.codes import Codes, read_codes
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.train import train
from multibeta.study import Study

ORDER, SIGNS = np.array([2, 0, 3, 1]), np.array([1, -1, -1, 1], np.float32)
CONFIG = {
    "name": "x",
    "datasets": ["digits"],
    "variants": ["beta_vae", "cvae"],
    "strengths": [0.1, 1],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 4, "budget": "150 steps", "learning_rate": 0.003},
    "evaluation": {"codes": 300, "held_out": 60},
    "running": {"device": "cpu"},
}


class Linear:
    """A model whose code is a few pixels, in any order and with any signs, and whose images are linear in the code."""

    latents, condition, shape = 4, None, (1, 8, 8)

    def __init__(self, order, signs):
        self.order, self.signs = order, signs

    def encode(self, images, condition=None):
        mean = images.reshape(len(images), -1)[:, 20:24][:, self.order] * self.signs
        return mean, np.zeros_like(mean)

    def decode(self, z, condition=None):
        own = np.empty_like(z)
        own[:, self.order] = z * self.signs
        weights = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
        return (own @ weights).reshape(-1, 1, 8, 8)


def test_a_model_permuted_and_flipped_by_hand_has_the_very_strips_of_the_original(tmp_path):
    digits = prepare("digits", {}, tmp_path)
    codes = np.random.default_rng(1).standard_normal((500, 4)).astype(np.float32)
    drawn = []
    for order, signs in ((np.arange(4), np.ones(4, np.float32)), (ORDER, SIGNS)):
        own = codes[:, order] * signs
        drawing = Drawing(Linear(order, signs), digits, Codes(own, own * 0, own, own * 0), "")
        drawn.append(ladders._strips(drawing, match(codes, own), 3))
    assert np.array_equal(*drawn)
    assert drawn[0].shape == (3, len(ladders.VALUES), 1, 8, 8)
    assert np.ptp(drawn[0], axis=1).max() > 1


def test_a_latent_without_a_match_is_not_decoded(tmp_path):
    codes = np.random.default_rng(1).standard_normal((500, 4)).astype(np.float32)
    drawing = Drawing(Linear(np.arange(4), np.ones(4, np.float32)), prepare("digits", {}, tmp_path), None, "")
    strips = ladders._strips(drawing, match(codes, codes, np.array([True, False, True, True])), 4)
    assert strips.any((1, 2, 3, 4)).tolist() == [True, False, True, True]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Eight runs of digits, trained and encoded, not measured."""
    pytest.importorskip("torch")
    root = tmp_path_factory.mktemp("results")
    study = Study.parse(CONFIG)
    write_specs(study, root)
    for cell in study.cells:
        folder = cell.folder(root)
        prepare_of_cell(folder)
        train(folder)
        encode(folder)
    return root


@pytest.fixture
def study(trained, tmp_path):
    """A copy of it to spoil."""
    shutil.copytree(trained, tmp_path / "results")
    return StudyFolder(tmp_path / "results" / "x")


def figures(study):
    return {path.name: path.read_bytes() for path in study.figures.glob("*")}


def test_every_run_is_matched_to_the_first_one_at_the_reference_strength(study, one_thread):
    found = ladders.draw_ladders(study, gather(study))["digits"]
    assert found.reference == "β-VAE, β = 1, seed 0, the first run at the reference strength"
    assert (found.runs, found.among, found.left_out) == (8, 8, [])
    assert found.latents == found.active > 0
    assert found.strips == 7 * found.latents
    assert set(figures(study)) == {"ladder_digits.png", "ladder_digits.svg", "ladder_digits.pdf"}
    first = figures(study)
    ladders.draw_ladders(study, gather(study))
    assert figures(study) == first


def test_with_scores_the_reference_is_the_first_variants_run_of_highest_mig(study):
    scores = {("beta_vae", "0.1", 1): 0.4, ("beta_vae", "1", 0): 0.3, ("cvae", "1", 0): 0.9}
    facts = {"dataset": "digits", "protocol": "dlib19", "representation": "mean", "metric": "mig", "factor": ""}
    for (variant, beta, seed), value in scores.items():
        row = {**facts, "variant": variant, "beta": beta, "seed": seed, "value": value, "n": 9, "status": "done"}
        table = pd.DataFrame([row], columns=list(METRICS_COLUMNS))
        write_table(study.cell("digits", variant, beta).metrics, table)
    found = ladders.draw_ladders(study, gather(study))["digits"]
    assert found.reference == "β-VAE, β = 0.1, seed 1, of that variant's runs shown the one of highest MIG"


def test_what_is_damaged_is_named_and_the_rest_is_drawn(study):
    study.cell("digits", "beta_vae", "0.1").codes.write_bytes(b"no codes")
    study.cell("digits", "cvae", "1").models.write_bytes(b"no weights")
    found = ladders.draw_ladders(study, gather(study))["digits"]
    codes, weights = found.left_out
    assert codes.startswith("β-VAE, β = 0.1 (")
    assert "codes.npz: damaged" in codes
    assert weights.startswith("CVAE, β = 1 (")
    assert "models.safetensors: damaged" in weights
    assert found.runs == 4
    assert figures(study)


def test_codes_of_other_images_are_not_matched(study):
    folder = study.cell("digits", "cvae", "1")
    images, _ = read_codes(folder)
    arrays = dict(np.load(folder.codes))
    np.savez(folder.codes, **{**arrays, "code_table": images.code_table + 10_000})
    found = ladders.draw_ladders(study, gather(study))["digits"]
    assert len(found.left_out) == 2
    assert "CVAE, β = 1, seed 0 (its codes share 0 images with the reference)" in found.left_out
    assert found.runs == 6


def test_a_collapsed_study_has_no_ladder_and_says_why(study):
    for folder in (study.cell("digits", variant, beta) for variant in ("beta_vae", "cvae") for beta in ("0.1", "1")):
        arrays = dict(np.load(folder.codes))
        np.savez(folder.codes, **{name: array * ("mean" not in name) for name, array in arrays.items()})
    found = ladders.draw_ladders(study, gather(study))["digits"]
    assert found.missing == "none of the runs has an active latent"
    assert not study.figures.exists()


def test_cells_that_shall_not_be_drawn_are_not(study):
    findings = gather(study)
    undrawn = {place: {**spec, "evaluation": {"figures": place[1] == "cvae"}} for place, spec in findings.specs.items()}
    found = ladders.draw_ladders(study, replace(findings, specs=undrawn))["digits"]
    assert found.runs == found.among == 4
    assert found.reference.startswith("CVAE")


def test_without_weights_or_codes_there_is_no_ladder_and_torch_is_not_needed(study):
    for path in study.path.rglob("models.safetensors"):
        path.unlink()
    script = (
        "import sys; from pathlib import Path; from multibeta.results import StudyFolder;"
        "from multibeta.stages.ladders import draw_ladders; from multibeta.stages.shared.gather import gather;"
        f"study = StudyFolder(Path({str(study.path)!r}));"
        "print(draw_ladders(study, gather(study))['digits'].missing, 'torch' in sys.modules, sep=chr(10))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["no finished run with its weights and codes", "False"]


def test_the_dataset_must_be_there(study):
    shutil.rmtree(study.root / ".data")
    found = ladders.draw_ladders(study, gather(study))["digits"]
    assert found.missing == "its reference cannot be decoded"
    assert len(found.left_out) == 4
