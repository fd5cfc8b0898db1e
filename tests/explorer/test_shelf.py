"""What lies in a folder: every cell is opened, waits, or is named with what is wrong with it."""

import json
from pathlib import Path

import pytest

from multibeta.explorer.shelf import read_shelf, require_study

VARIANT = """
from multibeta.variants.beta_vae import BetaVAE


class Mine(BetaVAE):
    title = "mine"


open({path!r}, "w").close()
"""


def cells(folder):
    return {each.place: each for each in read_shelf(folder).cells}


def damage(path):
    """Cut a file in half, as a full disk or a broken copy does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_a_finished_study_is_read_in_its_own_order(finished):
    shelf = read_shelf(finished)
    assert [each.place for each in shelf.cells] == [
        ("sprites", "beta_vae", "0.1"),
        ("sprites", "beta_vae", "1"),
        ("digits", "beta_vae", "0.1"),
        ("digits", "beta_vae", "1"),
        ("digits", "cvae", "1"),
    ]
    assert all(each.finished == [0, 1] for each in shelf.cells)
    assert (shelf.problems, shelf.failures, shelf.waiting) == ([], [], 0)


def test_reading_writes_nothing(study):
    before = {path: path.stat().st_mtime_ns for path in study.parent.rglob("*")}
    read_shelf(study)
    assert {path: path.stat().st_mtime_ns for path in study.parent.rglob("*")} == before


def test_half_a_sweep_opens(study):
    for name in ("cell.json", "models.safetensors"):
        (study / "cells/digits/cvae/beta~1" / name).unlink()
    shelf = read_shelf(study)
    assert (shelf.waiting, shelf.problems) == (1, [])
    assert len(shelf.openable) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("models.safetensors", "models.safetensors: damaged ("),
        ("cell.json", "cell.json: damaged ("),
        ("spec.json", "spec.json: damaged ("),
    ],
)
def test_a_damaged_cell_is_named_and_the_rest_opens(study, name, message):
    damage(study / "cells/sprites/beta_vae/beta~1" / name)
    shelf = read_shelf(study)
    (problem,) = shelf.problems
    assert problem.startswith(f"sprites · beta_vae · 1: {message}")
    assert "\n" not in problem
    assert str(study) not in problem
    assert len(shelf.openable) == 4


@pytest.mark.parametrize("name", ["models.safetensors", "spec.json"])
def test_a_missing_file_is_named(study, name):
    (study / "cells/digits/beta_vae/beta~0.1" / name).unlink()
    assert read_shelf(study).problems == [f"digits · beta_vae · 0.1: {name} is missing"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "cell.json: damaged (runs: is required)"),
        ([], "cell.json: damaged ([]: must be a mapping)"),
        ({"runs": {"0": {"status": "done"}}}, "cell.json: damaged (runs.0.reason: is required (and 1 more))"),
    ],
)
def test_a_cell_json_of_another_shape_is_named(study, content, message):
    (study / "cells/digits/beta_vae/beta~0.1/cell.json").write_text(json.dumps(content))
    (problem,) = read_shelf(study).problems
    assert problem.startswith("digits · beta_vae · 0.1: ")
    assert message in problem


def test_a_spec_with_a_wrong_option_is_named(study):
    path = study / "cells/digits/beta_vae/beta~0.1/spec.json"
    spec = json.loads(path.read_text())
    spec["training"]["latents"] = 0
    path.write_text(json.dumps(spec))
    (problem,) = read_shelf(study).problems
    assert problem == "digits · beta_vae · 0.1: spec.json: training.latents = 0: must be ≥ 1"


def test_weights_that_lack_a_seed_are_named(study):
    path = study / "cells/digits/beta_vae/beta~1/cell.json"
    facts = json.loads(path.read_text())
    cell = cells(study)["digits", "beta_vae", "1"].cell
    facts["runs"]["7"] = {**facts["runs"]["0"], "fingerprint": cell.run_fingerprint(7)}
    path.write_text(json.dumps(facts))
    found = cells(study)["digits", "beta_vae", "1"]
    assert found.problem == "models.safetensors: has no weights of seed 7"


def test_a_run_that_diverged_is_told_with_its_reason(study):
    path = study / "cells/digits/beta_vae/beta~0.1/cell.json"
    facts = json.loads(path.read_text())
    facts["runs"]["1"] |= {"status": "diverged", "reason": "kl is not a number"}
    path.write_text(json.dumps(facts))
    shelf = read_shelf(study)
    assert shelf.failures == ["digits · beta_vae · 0.1, seed 1: diverged, kl is not a number"]
    assert cells(study)["digits", "beta_vae", "0.1"].finished == [0]


def test_a_run_of_another_spec_is_not_offered(study):
    path = study / "cells/digits/beta_vae/beta~0.1/spec.json"
    spec = json.loads(path.read_text())
    spec["training"]["learning_rate"] = 0.1
    path.write_text(json.dumps(spec))
    assert cells(study)["digits", "beta_vae", "0.1"].finished == []


def test_study_json_is_not_needed(study):
    damage(study / "study.json")
    shelf = read_shelf(study)
    assert len(shelf.openable) == 5
    assert shelf.problems[0].startswith("study.json: ")
    (study / "study.json").unlink()
    assert read_shelf(study).problems == []


def test_what_was_trained_from_the_explorer_stands_behind(study):
    own = study.parent / "explorer-quick/cells/digits/beta_vae"
    own.mkdir(parents=True)
    (study / "cells/digits/beta_vae/beta~0.1").rename(own / "beta~1")
    shelf = read_shelf(study)
    assert [each.study for each in shelf.cells] == ["tiny"] * 4 + ["explorer-quick"]
    assert read_shelf(study.parent / "explorer-quick").cells[0].is_own


def test_a_file_that_a_result_names_is_run_only_if_the_user_names_it_too(study, tmp_path):
    plugin, ran = tmp_path / "mine.py", tmp_path / "ran"
    plugin.write_text(VARIANT.format(path=str(ran)))
    path = study / "cells/digits/beta_vae/beta~0.1/spec.json"
    spec = json.loads(path.read_text())
    path.write_text(json.dumps({**spec, "plugins": [str(plugin)]}))
    (problem,) = read_shelf(study).problems
    assert problem.endswith(f"is made with {plugin}; if you trust that file, start with --plugin {plugin}")
    assert read_shelf(study, [plugin.resolve()]).problems == []
    assert not ran.exists()


def test_an_empty_folder_says_in_one_line_what_to_give(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^[^\n]+: holds no study \(no cells/[^\n]+multibeta train [^\n]+$"):
        require_study(tmp_path)


def test_the_folder_of_another_program_is_none(tmp_path):
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells/model.ckpt").write_bytes(b"\x80\x02")
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="holds no study"):
        require_study(tmp_path)


def test_the_folder_of_all_studies_names_them(finished):
    with pytest.raises(FileNotFoundError, match=f"give {finished.parent / 'tiny'}"):
        require_study(finished.parent)


def test_a_slip_of_the_finger_names_what_is_there(finished):
    with pytest.raises(FileNotFoundError, match=r"there is no such folder; give .*tiny"):
        require_study(finished.parent / "tniy")


def test_a_file_is_no_folder(finished):
    with pytest.raises(FileNotFoundError, match="is a file"):
        require_study(finished / "study.json")


def test_a_relative_path_reads_the_same(finished, monkeypatch):
    monkeypatch.chdir(finished.parent)
    shelf = read_shelf(Path("tiny"))
    assert len(shelf.openable) == 5
    assert shelf.cells[0].study == "tiny"
