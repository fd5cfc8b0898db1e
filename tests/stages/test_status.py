"""What has become of every run is read from a study's folder, and why one would be trained again is said."""

import json
import os
import subprocess
import sys
import time

import pytest
from tiny_study import TINY

from multibeta.cli import main
from multibeta.files import write_json
from multibeta.results import StudyFolder, state_folder
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.status import RunStatus, Status, in_words, status
from multibeta.stages.train import Interrupted, train
from multibeta.stages.why import changes, why
from multibeta.study import Study
from multibeta.training.lock import _here

CONFIG = {**TINY, "variants": {"beta_vae": {}}, "strengths": [1, 4], "seeds": 2}


def study(root, **changed):
    found = Study.parse({**CONFIG, **changed})
    write_specs(found, root)
    return found


@pytest.fixture
def begun(tmp_path, one_thread):
    """A study of two cells of which the first is trained."""
    found = study(tmp_path)
    folder = found.cells[0].folder(tmp_path)
    prepare_of_cell(folder)
    train(folder)
    return tmp_path, found


def asks(root, **changed):
    """A config file that asks for the study with something changed."""
    config = root / "asked.yaml"
    config.write_text(json.dumps({**CONFIG, **changed}))
    return config


def states(root, name="tiny"):
    return {(*run.place[1:], run.seed): run.state for run in status(StudyFolder(root / name)).runs}


def test_every_run_is_on_the_board(begun):
    root, found = begun
    assert states(root) == {
        ("beta_vae", "1", 0): "trained",
        ("beta_vae", "1", 1): "trained",
        ("beta_vae", "4", 0): "missing",
        ("beta_vae", "4", 1): "missing",
    }
    found.cells[0].folder(root).metrics.write_text("dataset\n")
    assert set(states(root).values()) == {"done", "missing"}


def test_a_run_that_is_trained_now_is_shown_with_its_holder_and_its_progress(begun):
    root, found = begun
    folder = state_folder(root, found.cells[1].run_fingerprint(0))
    write_json(folder / "progress.json", {"step": 10, "steps": 40, "steps_per_second": 2.0})
    write_json(folder / "lock", {"pid": os.getpid(), **_here()})
    (run,) = (run for run in status(StudyFolder(root / "tiny")).runs if run.state == "running")
    assert (run.step, run.steps, run.speed) == (10, 40, 2.0)
    text = in_words(status(StudyFolder(root / "tiny")))
    assert f"seed 0: step 10 of 40, 2 steps/s, 00:00:15 left; process {os.getpid()} on" in text
    # A lock whose holder is dead is nobody's.
    write_json(folder / "lock", {"pid": 2**22 + 1, **_here()})
    (folder / "checkpoint.safetensors").touch()
    assert states(root)["beta_vae", "4", 0] == "partial"
    text = in_words(status(StudyFolder(root / "tiny")))
    assert "seed 0: the checkpoint is damaged; the next call starts anew" in text


def test_a_training_that_was_stopped_is_where_its_checkpoint_is(begun):
    root, found = begun
    stops = iter([False] * 15 + [True] * 100)
    with pytest.raises(Interrupted):
        train(found.cells[1].folder(root), lambda: next(stops))
    folder = state_folder(root, found.cells[1].run_fingerprint(0))
    write_json(folder / "progress.json", {"step": 39, "steps": 40, "steps_per_second": 2.0})
    (run,) = (run for run in status(StudyFolder(root / "tiny")).runs if run.state == "partial")
    assert 0 < run.step < 20
    assert f"digits beta_vae at 4, seed 0: step {run.step} of 40" in in_words(status(StudyFolder(root / "tiny")))


def test_a_reader_that_has_read_enough_ends_the_command_quietly(begun):
    root, _ = begun
    command = [sys.executable, "-m", "multibeta.cli", "status", str(root / "tiny"), "--watch", "0.1"]
    ended = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert ended.stdout.readline()
    ended.stdout.close()
    assert ended.wait(60) == 0
    assert ended.stderr.read() == ""


def test_a_failed_run_says_why(begun):
    root, found = begun
    folder = found.cells[0].folder(root)
    facts = json.loads(folder.cell.read_text())
    facts["runs"]["0"] |= {"status": "diverged", "reason": "the loss is not finite at step 7"}
    write_json(folder.cell, facts)
    text = in_words(status(StudyFolder(root / "tiny")))
    assert "digits beta_vae at 1, seed 0: the loss is not finite at step 7" in text


def test_another_spec_makes_runs_stale_and_why_says_which_key(begun, tmp_path, capsys):
    root, found = begun
    folder = found.cells[0].folder(root)
    assert why(folder) == []
    changed = study(root, training={**CONFIG["training"], "latents": 5, "batch_size": 32})
    assert states(root)["beta_vae", "1", 0] == "stale"
    assert why(folder) == ["training.batch_size: 64 (its default) → 32", "training.latents: 3 → 5"]
    assert why(folder, found.cells[0]) == []
    more = study(root, seeds=[1, 7])
    assert why(folder) == ["seed 7: not trained yet"]
    assert why(more.cells[1].folder(root)) == ["not trained yet"]
    assert len(changed.cells) == 2
    assert main(["why", str(folder.path)]) == 0
    assert capsys.readouterr().out == "seed 7: not trained yet\n"


def test_another_evaluation_is_named_and_has_runs_measured_again_alone(begun, capsys):
    root, found = begun
    cell = found.cells[0]
    folder = cell.folder(root)
    folder.metrics.write_text("dataset\n")
    write_json(folder.costs, {"0": 2.0, "1": 4.0, "evaluation": cell.evaluation_fingerprint})
    assert (why(folder), states(root)["beta_vae", "1", 0]) == ([], "done")
    change = {"seeds": 3, "evaluation": {**CONFIG["evaluation"], "metrics": ["mig", "kl"], "protocols": ["ours"]}}
    config = str(asks(root, **change))
    assert main(["status", str(root / "tiny"), "--config", config]) == 0
    text = capsys.readouterr().out
    assert "seed 0: measured by another evaluation; only measured again\n" in text
    assert "not measured yet" not in text
    # Measures of another run are none of this one, whatever they were made by.
    write_json(folder.costs, {"0": 2.0, "evaluation": "of another", "runs": {"0": "of another"}})
    assert {run.told for run in status(StudyFolder(root / "tiny")).runs if run.state == "trained"} == {
        "not measured yet"
    }
    write_json(folder.costs, {"0": 2.0, "1": 4.0, "evaluation": cell.evaluation_fingerprint})
    assert main(["why", str(folder.path), "--config", config]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "seeds 0, 1: evaluation.metrics: all (its default) → [mig, kl]: measured again, not trained",
        "seeds 0, 1: evaluation.protocols: [dlib19] → [ours]: measured again, not trained",
        "seed 2: not trained yet",
    ]
    # Once started, the spec is the new one, and of the former evaluation there is a fingerprint alone.
    study(root, **{**change, "seeds": 2})
    assert why(folder) == [
        "measured by another evaluation, whose options are no longer kept: measured again, not trained"
    ]
    folder.spec.unlink()
    assert why(folder, Study.parse({**CONFIG, **change, "seeds": 2}).cells[0])[0].startswith("measured by another")


def test_a_longer_training_is_where_the_shorter_one_ended(begun):
    root, found = begun

    def steps(**training):
        study(root, training={**CONFIG["training"], **training})
        (run, *_) = status(StudyFolder(root / "tiny")).runs
        return run.step, run.steps, "a longer training goes on from there" in run.told

    assert CONFIG["training"]["budget"] == "40 steps"
    assert steps(budget="100 steps") == (40, 100, True)
    assert "trained anew, unless a longer training goes on from it\n" in in_words(status(StudyFolder(root / "tiny")))
    assert steps(budget="20000 steps") == (40, 20_000, True)  # the default, which no identity has
    assert steps(budget="3 epochs", batch_size=64) == (40, 75, True)
    assert steps(budget="20 steps") == (None, None, False)
    folder = found.cells[0].folder(root)
    facts = json.loads(folder.cell.read_text())
    for epochs in (0, None, 1e-320):
        facts["runs"]["0"]["epochs"] = epochs
        write_json(folder.cell, facts)
        assert steps(budget="3 epochs", batch_size=64) == (None, None, False)
    assert steps(budget="100 steps", latents=5) == (None, None, False)
    study(root, training={**CONFIG["training"], "budget": "100 steps"}, running={"extendable": False})
    assert status(StudyFolder(root / "tiny")).runs[0].step is None


def test_a_file_that_asks_for_something_else_is_held_against_what_is_there(begun, capsys):
    root, found = begun
    config = asks(root, strengths=[1, 8], seeds=3)
    assert main(["status", str(root / "tiny"), "--config", str(config)]) == 0
    text = capsys.readouterr().out
    assert "0 of 6 runs ended (2 trained, 4 missing)" in text
    assert main(["why", str(found.cells[1].folder(root).path), "--config", str(config)]) == 1
    assert "cell = 'digits/beta_vae/beta~4': is not in the study" in capsys.readouterr().err


def test_a_file_of_another_study_is_refused(begun, capsys):
    root, found = begun
    config = asks(root, name="sibling")
    place = found.cells[0].folder(root).path
    for command in (["status", str(root / "tiny")], ["why", str(place)]):
        assert main([*command, "--config", str(config)]) == 1
        told = f"{config}: asks for study sibling, but {root / 'tiny'} is of study tiny; give results/sibling\n"
        assert capsys.readouterr().err == f"{command[0]}: {told}"
    # Not started yet, it has no study.json; moved elsewhere, it has another name.
    assert main(["status", str(root / "sibling"), "--config", str(config)]) == 0
    (root / "tiny").rename(root / "moved")
    assert main(["status", str(root / "moved"), "--config", str(asks(root))]) == 0


def test_a_run_that_is_trained_under_another_name_only_needs_its_cell(begun, capsys):
    root, _ = begun
    config = asks(root, variants={"renamed": {"variant": "beta_vae"}})
    assert main(["status", str(root / "tiny"), "--config", str(config)]) == 0
    assert "digits renamed  1: 2 trained; 4: 2 missing" in capsys.readouterr().out
    for beta, told in (("1", "trained already; only its cell is to be written"), ("4", "not trained yet")):
        place = root / f"tiny/cells/digits/renamed/beta~{beta}"
        assert main(["why", str(place), "--config", str(config)]) == 0
        assert capsys.readouterr().out == f"{told}\n"


@pytest.mark.parametrize("more", [[], ["--config", "tiny.yaml"]])
def test_what_is_no_folder_of_a_cell_is_named(more, capsys):
    for place in ("/", "/tmp", "results/tiny/cells/digits/beta_vae", "a/b/c/beta~1"):
        assert main(["why", place, *more]) == 1
        told = f"why: {place}: no folder of a cell; give results/<study>/cells/<dataset>/<variant>/beta~<β>\n"
        assert capsys.readouterr().err == told


PLACE = ("digits", "beta_vae", "1")


def run(seed, state, place=PLACE, **more):
    """A run whose cell holds it if it has ended."""
    more = {"fingerprint": f"{place} {seed}", "written": state in ("done", "trained"), "device": "cpu", **more}
    return RunStatus(place, seed, state, **more)


def test_costs_to_go_are_by_those_that_have_ended():
    ended, half = run(0, "done", seconds=3600.0), run(1, "partial", step=5, steps=10)
    text = in_words(Status("x", [ended, half, run(2, "missing")], 360.0, evaluation_mean=360.0))
    assert "so far: 1.10 hours of runs\n" in text
    # A seed more, and all seeds of the cell are measured again.
    assert "to go: 2 trainings, 3 runs to measure; about 1.80 hours of runs, by the mean of those" in text


def test_what_is_not_known_yet_is_said():
    none = in_words(Status("x", [run(0, "running"), run(1, "error", seconds=1.0)]))
    assert "to go: 2 trainings, 2 runs to measure; none is trained, so what they take is not known yet" in none
    trained = in_words(Status("x", [run(0, "trained", seconds=7200.0), run(1, "missing")]))
    assert "about 2.00 hours of runs to train, by the mean of those trained; none is measured by this" in trained
    both = in_words(Status("x", [run(0, "trained", seconds=7200.0)]))
    assert "to go: 0 trainings, 1 run to measure; none is measured by this evaluation, so what that takes" in both
    assert "to go" not in in_words(Status("x", [run(0, "done", seconds=7200.0)], 1.0, evaluation_mean=1.0))


def test_a_training_that_cells_share_is_counted_once():
    places = [("digits", "beta_conditioned_vae", beta) for beta in ("1", "2", "4")]
    done = [run(0, "done", place, seconds=3600.0, fingerprint="a") for place in places]
    missing = [run(1, "missing", place, fingerprint="b") for place in places]
    runs = [each for pair in zip(done, missing, strict=True) for each in pair]
    text = in_words(Status("x", runs, evaluation_mean=0.0))
    assert "so far: 1.00 hours of runs\n" in text
    assert "to go: 1 training, 6 runs to measure; about 1.00 hours of runs, by" in text


def test_measuring_is_the_mean_of_all_that_were_measured(begun):
    root, found = begun
    folder = found.cells[0].folder(root)
    folder.metrics.write_text("dataset\n")
    write_json(folder.costs, {"0": 2.0, "1": 4.0})
    assert status(StudyFolder(root / "tiny")).evaluation_mean == 3.0
    study(root, training={**CONFIG["training"], "latents": 5})  # all that was measured is stale now
    assert states(root)["beta_vae", "1", 0] == "stale"
    assert status(StudyFolder(root / "tiny")).evaluation_mean == 3.0


def test_what_another_evaluation_took_says_nothing_of_this_one(begun):
    root, found = begun
    first, second = (cell.folder(root) for cell in found.cells)
    first.metrics.write_text("dataset\n")
    write_json(first.costs, {"0": 3600.0, "1": 3600.0, "evaluation": "of another"})
    board = status(StudyFolder(root / "tiny"))
    assert board.evaluation_mean is None
    assert "so far: 2.00 hours of runs\n" in in_words(board)
    assert "none is measured by this evaluation, so what that takes is not known yet" in in_words(board)
    train(second)
    write_json(second.costs, {"0": 1.0, "1": 3.0, "evaluation": found.cells[1].evaluation_fingerprint})
    assert status(StudyFolder(root / "tiny")).evaluation_mean == 2.0


def test_a_training_on_a_gpu_is_told_apart():
    done = [run(0, "done", seconds=3600.0), run(1, "done", seconds=1800.0, device="NVIDIA H100")]
    assert "so far: 1.50 hours of runs, 0.50 of them training on a GPU\n" in in_words(Status("x", done)) + "\n"


def test_looking_writes_nothing(begun):
    root, _ = begun
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    status(StudyFolder(root / "tiny"))
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_folder_without_a_study_is_named(tmp_path, capsys):
    assert main(["status", str(tmp_path)]) == 1
    assert "no study there (study.json is missing); give results/<study>" in capsys.readouterr().err


def test_a_training_leaves_word_of_where_it_is_and_takes_it_away(tmp_path, one_thread, monkeypatch):
    from multibeta.training.state import RunState

    told = []
    monkeypatch.setattr("multibeta.stages.train.TELL_SECONDS", 0.0)
    keep = RunState.tell
    monkeypatch.setattr(RunState, "tell", lambda self, progress: (told.append(progress), keep(self, progress)))
    found = study(tmp_path, strengths=[1], seeds=1)
    folder = found.cells[0].folder(tmp_path)
    prepare_of_cell(folder)
    train(folder)
    assert [each["step"] for each in told] == [20, 40]
    assert all(each["steps"] == 40 and each["steps_per_second"] > 0 for each in told)
    assert not list((tmp_path / ".state").rglob("progress.json"))


def test_changes_are_named_by_their_path():
    before, after = {"a": 1, "b": {"c": [1], "d": 2}}, {"a": 1, "b": {"c": [2], "e": None}}
    assert list(changes(before, after)) == ["b.c: [1] → [2]", "b.d: 2 → its default", "b.e: its default → None"]


def test_of_options_the_key_that_differs_is_named_and_what_its_default_is(tmp_path, one_thread):
    variants = {"cvae": {}}
    found = study(tmp_path, variants=variants, strengths=[1], seeds=1)
    folder = found.cells[0].folder(tmp_path)
    prepare_of_cell(folder)
    train(folder)
    split = {"kind": "random", "share": 0.5}
    more = {"variants": {"cvae": {"options": {"condition": "digit"}}}, "datasets": {"digits": {"split": split}}}
    study(tmp_path, **{"variants": variants, "strengths": [1], "seeds": 1, **more})
    assert why(folder) == [
        "split.kind: own (its default) → random",
        "split.share: None (its default) → 0.5",
        "variant.options.condition: auto (its default) → digit",
    ]
    assert list(changes({"a": {"b": 1}}, {"a": {}}, {"a": {}})) == ["a.b: 1 → none"]


def test_ten_thousand_cells_are_looked_at_in_seconds(tmp_path):
    cell = {"dataset": {"name": "d"}, "variant": {"name": "v"}, "seeds": [0]}
    cells = [{**cell, "strength": str(i), "fingerprints": {"0": f"{i:016x}"}} for i in range(10_000)]
    write_json(tmp_path / "big/study.json", {"name": "big", "cells": cells})
    started = time.monotonic()
    text = in_words(status(StudyFolder(tmp_path / "big")))
    assert "0 of 10000 runs ended (10000 missing)" in text
    assert time.monotonic() - started < 60  # a bound for a hang; the benchmark measures
