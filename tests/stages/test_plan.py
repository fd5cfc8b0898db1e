"""What a study will take is said before it is started, and a very large one is only started when that is meant."""

import json
import re
import time

import pytest
from tiny_study import TINY

from multibeta.cli import main
from multibeta.config_errors import ConfigError
from multibeta.stages.measure import measure
from multibeta.stages.plan import Left, in_words, plan
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import read_cell, write_specs
from multibeta.stages.train import train
from multibeta.study import Study
from multibeta.training.pace import Pace, pace

CONFIG = {**TINY, "strengths": [1, 4], "seeds": 2, "running": {"device": "cpu"}}
ONE_CELL = {"variants": {"beta_vae": {}}, "strengths": [1]}
#: A second a step, ten to end with, 1 kB of weights, 3 kB of state.
SECOND = Pace(1.0, 0.0, 10.0, 1.0, 1000, 3000)


@pytest.fixture(autouse=True)
def start_up(request, monkeypatch):
    """Two seconds to start a process, which only the test of the command measures."""
    if "capsys" not in request.fixturenames:
        monkeypatch.setattr("multibeta.stages.plan._start_up", lambda: 2.0)


def planned(root, measured=None, jobs=1, **changed):
    """The plan of the tiny study, every net of which takes a second a step."""
    asked = [] if measured is None else measured
    return plan(Study.parse({**CONFIG, **changed}), root, jobs, lambda cell, _: asked.append(cell) or SECOND)


def prepared(root, **changed):
    """The first cell of the tiny study, ready to be trained."""
    study = Study.parse({**CONFIG, **changed})
    write_specs(study, root)
    folder = study.cells[0].folder(root)
    prepare_of_cell(folder)
    return folder


def test_steps_and_seconds_are_those_of_all_runs(tmp_path):
    found = planned(tmp_path)
    assert found.trainings == 8
    assert [(left.trainings, left.steps, left.seconds, left.runs) for left in found.left] == [(2, 80, 100.0, 2)] * 4
    assert found.measuring is None
    assert found.wall == 4 * (100 + 2 * 2.0)
    assert planned(tmp_path, jobs=3).wall == 2 * (100 + 2 * 2.0)
    assert list(tmp_path.iterdir()) == []


def test_a_net_is_measured_once_whatever_it_is_called(tmp_path):
    measured = []
    variants = {"one": {"variant": "beta_vae"}, "slow": {"variant": "beta_vae", "training": {"learning_rate": 0.1}}}
    found = planned(
        tmp_path, measured, variants={**variants, "small": {"variant": "beta_vae", "training": {"latents": 2}}}
    )
    assert [cell.variant.name for cell in measured] == ["one", "small"]
    assert [(net.entries, net.cells, net.runs) for net in found.nets] == [
        ((("digits", "one"), ("digits", "slow")), 4, 8),
        ((("digits", "small"),), 2, 4),
    ]


def test_what_is_done_is_not_planned_again_and_tells_what_measuring_takes(tmp_path, one_thread):
    folder = prepared(tmp_path)
    train(folder)
    (first, *others) = planned(tmp_path).left
    assert (first.trainings, first.runs, first.processes) == (0, 2, 1)
    assert {(left.trainings, left.runs, left.processes) for left in others} == {(2, 2, 2)}
    measure(folder, ("encode", "evaluate"))
    found = planned(tmp_path)
    assert found.left[0] == Left(0, 0, 0.0, 0, 0)
    seconds = json.loads(folder.costs.read_text())
    assert found.measuring == pytest.approx((seconds["0"] + seconds["1"]) / 2)
    assert "6 runs to measure" in in_words(found)
    # What another evaluation took says nothing of this one.
    found = planned(tmp_path, evaluation={**CONFIG["evaluation"], "metrics": ["kl"]})
    assert found.measuring is None
    assert "measuring: not known before a run is measured by this evaluation\n" in in_words(found)


def test_one_of_a_kind_is_said_as_one(tmp_path):
    text = in_words(planned(tmp_path, **{**ONE_CELL, "seeds": 1}))
    assert text.startswith("tiny: 1 cell, 1 run; to go: 1 training of 40 steps, 1 run to measure\n")
    assert "1 cell, 1 run, then 10.0 s" in text
    assert "with 1 job at once" in text


def test_equal_runs_are_trained_once(tmp_path):
    found = planned(tmp_path, variants={"one": {"variant": "beta_vae"}, "same": {"variant": "beta_vae"}})
    assert (len(found.found.runs), found.trainings) == (8, 4)
    assert [left.trainings for left in found.left] == [2, 2, 0, 0]
    assert "8 runs (4 trainings: equal runs are one)" in in_words(found)


def test_a_seed_more_has_all_seeds_of_its_cells_measured_again(tmp_path, one_thread):
    folder = prepared(tmp_path, **ONE_CELL)
    train(folder)
    folder.metrics.write_text("dataset\n")
    assert planned(tmp_path, **ONE_CELL).left == [Left(0, 0, 0.0, 0, 0)]
    (left,) = planned(tmp_path, **ONE_CELL, seeds=3).left
    assert (left.trainings, left.runs, left.processes) == (1, 3, 2)
    # One less, and the cell is written anew without it.
    (left,) = planned(tmp_path, **ONE_CELL, seeds=1).left
    assert (left.trainings, left.runs, left.processes) == (0, 1, 2)


def test_a_longer_training_goes_on_where_the_shorter_one_ended(tmp_path, one_thread):
    folder = prepared(tmp_path, **ONE_CELL)
    train(folder)
    training = {**CONFIG["training"], "budget": "100 steps"}
    assert planned(tmp_path, **ONE_CELL, training=training).left == [Left(2, 120, 140.0, 2, 2)]
    kept = planned(tmp_path, **ONE_CELL, training=training, running={"device": "cpu", "extendable": False})
    assert kept.left[0].steps == 200
    # A learning rate that falls to the end is that of another path.
    (left,) = planned(tmp_path, **ONE_CELL, training={**training, "learning_rate_schedule": "cosine"}).left
    assert left.steps == 200
    shorter = {**CONFIG["training"], "budget": "20 steps"}
    assert planned(tmp_path, **ONE_CELL, training=shorter).left[0].steps == 40


def test_what_is_trained_for_another_cell_takes_its_processes_all_the_same(tmp_path):
    found = planned(tmp_path, variants={"one": {"variant": "beta_vae"}, "same": {"variant": "beta_vae"}})
    assert [(left.trainings, left.runs, left.processes) for left in found.left] == [(2, 2, 2)] * 2 + [(0, 2, 2)] * 2


def test_epochs_need_a_prepared_dataset(tmp_path):
    training = {**CONFIG["training"], "budget": "3 epochs", "batch_size": 100}
    found = planned(tmp_path, training=training)
    assert found.uncounted == ["digits"]
    text = in_words(found)
    assert text.startswith("tiny: 4 cells, 8 runs; to go: 8 trainings, 8 runs to measure\n")
    assert "\ntraining:  not known, see below\n" in text
    assert "\ntogether:  not known, see below\n" in text
    assert text.endswith("prepare digits first:\n  snakemake --cores all --configfile config --until prepare")
    prepared(tmp_path, training=training)
    found = planned(tmp_path, training=training)
    assert not found.uncounted
    assert "8 trainings of 384 steps" in in_words(found)
    assert "not known, see below" not in in_words(found)
    assert found.left[0].steps == 2 * 3 * 16  # of 1,617 images for training


def test_disk_space_and_files_are_those_of_a_finished_cell(tmp_path, one_thread):
    folder = prepared(tmp_path, **ONE_CELL)
    train(folder)
    measure(folder)
    of_cell = [path for path in folder.path.rglob("*") if path.is_file()]
    of_runs = [path for name in (".state", ".lineage") for path in (tmp_path / name).rglob("*") if path.is_file()]
    found = plan(Study.parse({**CONFIG, **ONE_CELL}), tmp_path)
    # The logs and the mark in the folder of figures are Snakemake's, and this variant has no class-conditional samples.
    assert len(of_cell) == found.files_of_cell - 4
    assert len(of_cell) + len(of_runs) == found.files - 4
    assert sum(path.stat().st_size for path in of_cell + of_runs) == pytest.approx(found.size, rel=0.5)
    without = planned(tmp_path, **ONE_CELL, evaluation={**CONFIG["evaluation"], "figures": False})
    assert (without.files_of_cell, without.files) == (12, 16)


def test_many_figures_are_left_for_when_they_are_wanted(tmp_path):
    many = {"variants": ["beta_vae"], "strengths": list(range(1, 801)), "seeds": 1}
    assert "figures are 10,400 of these files; with `evaluation: {figures: false}`" in in_words(
        planned(tmp_path, **many)
    )
    without = planned(tmp_path, **many, evaluation={**CONFIG["evaluation"], "figures": False})
    assert (without.figures, without.files) == (0, 800 * 14)
    assert "figures" not in in_words(without)


@pytest.mark.parametrize("variant", ["beta_vae", "cvae", "factor_vae"])
def test_a_step_takes_as_long_on_noise_as_in_a_training(tmp_path, one_thread, variant):
    options = {"width": 16} if variant == "factor_vae" else {}
    training = {**CONFIG["training"], "budget": "400 steps"}
    folder = prepared(tmp_path, variants={variant: {"options": options}}, strengths=[1], seeds=1, training=training)
    found = pace(read_cell(folder), "cpu")
    assert 0 < found.share <= 1.1
    before = time.process_time()
    trained = train(folder)["runs"]["0"]
    # Beside its steps it opens the dataset and writes files.
    assert found.step * 400 == pytest.approx(time.process_time() - before, rel=0.6)
    assert found.weights == trained["parameters"] * 4


def test_a_net_that_cannot_be_trained_is_named(tmp_path):
    def fail(*_):
        raise RuntimeError("shapes differ")

    with pytest.raises(ValueError, match=r"digits beta_vae: cannot be trained \(RuntimeError: shapes differ\)"):
        plan(Study.parse(CONFIG), tmp_path, 1, fail)


def test_the_command_says_it_and_writes_nothing(tmp_path, capsys):
    config = tmp_path / "mine.yaml"
    config.write_text(json.dumps({**CONFIG, "variants": ["beta_vae"]}))
    assert main(["plan", str(config), "--results", str(tmp_path / "results"), "--jobs", "2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("tiny: 2 cells, 4 runs; to go: 4 trainings of 160 steps, 4 runs to measure\n")
    assert "measuring: not known before a run is measured" in text
    assert re.search(
        r"^together:  .* one job at a time, measuring not counted; .* by the clock with 2 jobs at once", text, re.M
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    with pytest.raises(SystemExit):
        main(["plan", str(config), "--jobs", "0"])
    assert "'0': must be a whole number ≥ 1" in capsys.readouterr().err


def test_a_very_large_study_has_to_be_meant():
    large = {**CONFIG, "strengths": [1, 4], "variants": ["beta_vae"], "seeds": 5000}
    with pytest.raises(
        ConfigError, match=r"running.large = False: this study starts 10,000 runs in 2 cells; `multibeta"
    ):
        Study.parse(large).require_meant()
    Study.parse({**large, "seeds": 4999}).require_meant()
    Study.parse({**large, "running": {"large": True}}).require_meant()
