"""A trained study of one's own data needs the prepared dataset alone: the files it was made of may be gone."""

import numpy as np
import pytest

from multibeta.cli import main
from multibeta.model import load_cell
from multibeta.results import StudyFolder
from multibeta.stages.measure import measure
from multibeta.stages.pack import pack
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.report import report
from multibeta.stages.shared.specs import read_cell, write_specs
from multibeta.stages.train import train
from multibeta.stages.unpack import unpack
from multibeta.study import Study

#: A shape and a condition that only the file tells.
CONFIG = {
    "name": "own",
    "datasets": {"mine": {"dataset": "arrays", "options": {"path": "mine.npz"}}},
    "variants": {"beta_vae": {}, "cvae": {"options": {"condition": "place"}}},
    "strengths": [1],
    "seeds": 1,
    "training": {"architecture": "mlp", "latents": 2, "budget": "5 steps"},
    "evaluation": {"metrics": ["kl", "mse"], "protocols": ["dlib19"], "codes": 40, "held_out": 10, "samples": 10},
    "running": {"device": "cpu"},
}


@pytest.fixture
def study(tmp_path, monkeypatch, one_thread):
    """A study, measured and reported; then the file of its dataset was moved away."""
    monkeypatch.chdir(tmp_path)
    place = np.arange(60) % 3
    images = np.zeros((60, 8, 8), np.uint8)
    images[np.arange(60), place] = 255
    np.savez("mine.npz", images=images, factors=place[:, None], factor_names=["place"])
    found = Study.parse(CONFIG)
    write_specs(found, tmp_path / "results")
    for cell in found.cells:
        folder = cell.folder(tmp_path / "results")
        prepare_of_cell(folder)
        train(folder)
        measure(folder)
    report(tmp_path / "results/own")
    (tmp_path / "mine.npz").rename("elsewhere.npz")
    return StudyFolder(tmp_path / "results/own")


def test_what_is_trained_is_drawn_reported_and_verified_when_the_files_are_gone(study, tmp_path, capsys):
    cell = study.cell("mine", "cvae", "1")
    before = study.summary.read_bytes()
    assert read_cell(cell).condition() == "place"
    assert load_cell(cell)[0].condition.size == 3
    assert main(["draw", str(cell.path)]) == 0
    assert main(["report", str(study.path)]) == 0
    assert study.summary.read_bytes() == before
    assert main(["verify", str(study.path), "--share", "1"]) == 0, capsys.readouterr()
    pack(study, tmp_path / "own.zip", weights=True)
    unpack(tmp_path / "own.zip", tmp_path / "there")
    assert main(["report", str(tmp_path / "there/results/own")]) == 0
    assert (tmp_path / "there/results/own/summary.csv").read_bytes() == before


def test_without_the_prepared_dataset_the_files_are_named(study, capsys):
    for card in study.root.glob(".data/*/card.json"):
        card.unlink()
    assert main(["report", str(study.path)]) == 1
    assert capsys.readouterr().err == "report: mine.npz: No such file or directory\n"
