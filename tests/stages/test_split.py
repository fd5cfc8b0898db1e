"""A cell with a split of its own: what is held out is never trained on, and every stage holds out the same."""

import re
from pathlib import Path

import numpy as np
import pytest

from multibeta.cli import main
from multibeta.datasets import DataError, Dataset
from multibeta.files import read_json, read_table, write_json
from multibeta.options import EvaluationOptions, SplitOptions
from multibeta.results import StudyFolder
from multibeta.stages import train as stage
from multibeta.stages.features import learn_features
from multibeta.stages.measure import measure
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.references import write_references
from multibeta.stages.report import report
from multibeta.stages.shared.codes import EvaluationImages, read_codes
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell, write_specs
from multibeta.study import Study

SRC = Path(stage.__file__).parent
UNSEEN = {"kind": "combinations", "hold_out": {"shape": [2], "x": list(range(8, 16))}}
CORRELATED = {"correlate": {"factors": ["x", "y"], "spread": 0.2}, **UNSEEN}


def study(root, budget="3 epochs", **entries):
    config = {
        "name": "x",
        "datasets": {name: {"dataset": "sprites", "split": split} for name, split in entries.items()},
        "variants": ["beta_vae"],
        "strengths": [1],
        "seeds": 1,
        "training": {"architecture": "mlp", "latents": 2, "budget": budget, "select": "best"},
        "evaluation": {
            "metrics": ["reconstruction", "generalisation_gap", "kd_domain", "mig"],
            "protocols": ["dlib19"],
            "codes": 600,
            "held_out": 60,
            "samples": 60,
        },
        "running": {"device": "cpu"},
    }
    parsed = Study.parse(config)
    write_specs(parsed, root)
    return [cell.folder(root) for cell in parsed.cells]


@pytest.mark.parametrize("split", [UNSEEN, CORRELATED], ids=["combinations", "and correlated"])
def test_no_batch_holds_an_image_that_is_held_out_and_all_others_come(tmp_path, monkeypatch, split):
    (folder,) = study(tmp_path, unseen=split)
    dataset = prepare_of_cell(folder)
    values = dataset.factors
    out = (values[:, 0] == 2) & (values[:, 2] >= 8)
    assert np.array_equal(dataset.held_out, out)
    seen, validated = set(), set()
    batch = stage.Images.batch

    def spied(images, indices):
        (seen if len(images) == (~out).sum() else validated).update(images._positions[indices.numpy()].tolist())
        return batch(images, indices)

    monkeypatch.setattr(stage.Images, "batch", spied)
    assert stage.train(folder)["runs"]["0"]["status"] == "done"
    assert seen <= set(dataset.train.tolist())
    assert not out[list(seen)].any()
    assert validated == set(np.flatnonzero(out).tolist())
    # Each epoch leaves out less than a batch, another one each time.
    assert len(seen) > 0.99 * len(set(dataset.train.tolist()))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Cells of the dataset's own split and of another, from prepared to measured."""
    root = tmp_path_factory.mktemp("results")
    folders = study(root, own={}, unseen=UNSEEN)
    data = prepare_of_cell(folders[0])
    learn_features(data.folder, data.folder / "features.safetensors")
    for folder in folders:
        prepare_of_cell(folder)
        stage.train(folder)
        measure(folder)
    return folders


def test_one_folder_of_data_and_of_features_serves_all_splits(measured):
    own, unseen = (read_cell(folder) for folder in measured)
    assert own.data_key == unseen.data_key
    assert len(list((measured[0].root / ".data").iterdir())) == 1


def test_a_split_is_measured_on_what_it_holds_out_and_samples_against_what_the_dataset_does(measured):
    own, unseen = (read_codes(folder)[0] for folder in measured)
    assert np.array_equal(own.code_table, unseen.code_table)
    assert np.array_equal(own.real, own.held_out)
    assert np.array_equal(own.real, unseen.real)
    dataset = open_dataset(read_cell(measured[1]), measured[1].root)
    assert dataset.held_out[unseen.held_out].all()
    for chosen, folder in zip((own, unseen), measured, strict=True):
        held_out = open_dataset(read_cell(folder), folder.root).held_out
        assert not held_out[chosen.trained_on].any()
        assert set(chosen.trained_on) <= set(chosen.code_table)
        assert len(chosen.trained_on) == len(chosen.held_out) == 60


def test_images_trained_on_are_drawn_as_training_draws_them(measured):
    folder = read_cell(measured[0]).folder(measured[0].root)
    data = open_dataset(read_cell(folder), folder.root).folder
    split = SplitOptions(correlate={"factors": ["x", "y"], "spread": 0.05})
    dataset = Dataset(data, split)
    chosen = EvaluationImages.choose(dataset, EvaluationOptions())
    x, y = dataset.factors[chosen.trained_on][:, 2] / 15, dataset.factors[chosen.trained_on][:, 3] / 7
    assert np.corrcoef(x, y)[0, 1] > 0.9
    x, y = dataset.factors[chosen.held_out].T[2:]
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.3


def test_the_gap_is_the_reconstruction_of_held_out_images_less_that_of_images_trained_on(measured):
    for folder in measured:
        table = read_table(folder.metrics)
        assert set(table.status) == {"done"}
        value = table[table.factor == ""].drop_duplicates("metric").set_index("metric").value
        assert value.generalisation_gap < value.reconstruction
    gaps = [read_table(folder.metrics).set_index("metric").value.generalisation_gap for folder in measured]
    assert gaps[0] != gaps[1]


def test_the_report_says_what_is_held_out(measured):
    folder = StudyFolder(measured[0].root / "x")
    for name in ("own", "unseen"):
        write_references(folder, name)
    text = report(folder.path).with_name("report.md").read_text(encoding="utf-8")
    assert "384 held out from training; split: every image with shape 2 and x 8 … 15 held out" in text
    assert text.count("held out from training; split: ") == 1
    assert "Generalisation gap" in text


def test_references_of_another_split_are_other_references(measured):
    folder = StudyFolder(measured[0].root / "x")
    prints = {read_json(write_references(folder, name))["fingerprint"] for name in ("own", "unseen")}
    assert len(prints) == 2


def test_codes_from_before_there_were_splits_are_made_anew(measured):
    folder = measured[1]
    with np.load(folder.codes) as stored:
        arrays = {name: array for name, array in stored.items() if name not in ("real", "trained_on")}
    np.savez(folder.codes, **arrays)
    measure(folder, ("encode",))
    assert len(read_codes(folder)[0].real) == 60


def test_a_split_that_only_the_images_show_to_be_impossible_is_one_line_when_they_are_opened(tmp_path):
    (folder,) = study(tmp_path, all={"kind": "random", "share": 0.5})
    spec = read_json(folder.spec)
    spec["split"] = {"kind": "random", "share": 1e-6}
    write_json(folder.spec, spec)
    with pytest.raises(DataError, match=r"^dataset sprites: split = .*: holds out 0 of 2304 images"):
        prepare_of_cell(folder)


def test_a_cell_is_split_by_hand(tmp_path, capsys):
    split = "{kind: extrapolation, factors: [x], share: 0.25}"
    command = f"train --dataset sprites --architecture mlp --latents 2 --steps 5 --results {tmp_path}".split()
    assert main([*command, "--set", f"datasets.sprites.split={split}"]) == 0
    folder = read_cell(stage.CellFolder(Path(capsys.readouterr().out.splitlines()[-1])))
    assert open_dataset(folder, tmp_path).held_out.sum() == 2304 // 4


def test_every_stage_opens_a_cells_dataset_with_its_split():
    """Without one only where the dataset itself is meant: prepared, and its features learnt."""
    bare = {
        str(path.relative_to(SRC))
        for path in SRC.rglob("*.py")
        if re.search(r"\bDataset\((?![^()]*split)", path.read_text(encoding="utf-8").replace("class ", ""))
    }
    assert bare - {"shared/opened.py"} == {"prepare.py", "features.py"}
    opened = (SRC / "shared" / "opened.py").read_text(encoding="utf-8")
    assert re.findall(r"\bDataset\(.*\)", opened) == ["Dataset(folder, cell.split)"]
