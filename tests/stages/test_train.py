"""Training a cell: every seed on its own, none twice, and each with the end it really had."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from multibeta.cli import main
from multibeta.config_errors import ConfigError
from multibeta.files import read_json, read_table, write_json
from multibeta.results import state_folder
from multibeta.stages import train as stage
from multibeta.stages.encode import encode
from multibeta.stages.features import learn_features as _learn
from multibeta.stages.measure import measure, measure_ahead, take_measured
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import read_cell
from multibeta.stages.train import Interrupted, told_to_stop, train
from multibeta.training.lock import LockLost, _here
from multibeta.training.run import Training
from multibeta.training.state import RunState

torch = pytest.importorskip("torch")
from safetensors.torch import load_file  # noqa: E402 - needs torch

from multibeta.model import load_run  # noqa: E402 - needs torch

from .conftest import cell, no_training, same, weights  # noqa: E402 - needs torch

EXPLODES = {"learning_rate": 1.0, "likelihood": "gaussian", "noise_std": 1e-9}

pytestmark = pytest.mark.usefixtures("one_thread")


def learn_features(data):
    _learn(data, data / "features.safetensors")


def state(folder, seed=0):
    return RunState(state_folder(folder.root, read_cell(folder).run_fingerprint(seed)))


def test_a_cell_holds_weights_history_and_facts_of_every_seed(tmp_path):
    folder = cell(tmp_path, seeds=[0, 7])
    facts = train(folder)
    assert facts == read_json(folder.cell)
    assert {name.split("/")[0] for name in load_file(folder.models)} == {"seed0", "seed7"}
    history = read_table(folder.history)
    assert list(history.columns) == ["seed", "step", "loss", "reconstruction", "kl", "strength", "learning_rate"]
    assert history.groupby("seed").step.apply(list).to_dict() == {0: [5, 10, 15, 20], 7: [5, 10, 15, 20]}
    assert set(history.strength) == {2}
    for seed, run in facts["runs"].items():
        assert (run["status"], run["reason"], run["steps"], run["device"]) == ("done", "", 20, "cpu")
        assert run["epochs"] == pytest.approx(20 / (1617 // 64))
        assert run["seconds"] > 0
        assert run["fingerprint"] == read_cell(folder).run_fingerprint(int(seed))


def test_a_seed_does_not_depend_on_its_neighbours(tmp_path):
    alone, both = cell(tmp_path / "a", seeds=[7]), cell(tmp_path / "b", seeds=[0, 7])
    train(alone)
    train(both)
    same(weights(alone, 7), weights(both, 7))


def test_a_new_seed_leaves_the_old_ones_as_they_are(tmp_path):
    folder = cell(tmp_path, seeds=[0, 1])
    train(folder)
    old = weights(folder, 0) | weights(folder, 1)
    before = {seed: (state(folder, seed).folder / "finished.safetensors").stat().st_mtime_ns for seed in (0, 1)}
    train(cell(tmp_path, seeds=[0, 1, 2]))
    same(weights(folder, 0) | weights(folder, 1), old)
    assert weights(folder, 2)
    after = {seed: (state(folder, seed).folder / "finished.safetensors").stat().st_mtime_ns for seed in (0, 1)}
    assert after == before


def test_codes_of_the_models_before_are_gone_though_the_clock_was_set_back(tmp_path):
    folder = cell(tmp_path)
    train(folder)
    encode(folder)
    before = folder.codes.read_bytes()
    tomorrow = time.time() + 86400
    os.utime(folder.codes, (tomorrow, tomorrow))
    train(cell(tmp_path, learning_rate=0.01))
    measure(folder, ["encode"])
    assert folder.codes.read_bytes() != before


def test_measures_of_the_models_before_are_gone_and_those_of_the_same_models_stay(tmp_path):
    folder = cell(tmp_path)
    train(folder)
    measure(folder)
    before = {made: made.stat().st_mtime_ns for made in folder.measures}
    train(folder)
    assert {made: made.stat().st_mtime_ns for made in folder.measures} == before
    train(cell(tmp_path, learning_rate=0.01))
    assert not any(made.exists() for made in folder.measures)


def test_a_cell_is_not_measured_while_it_holds_other_runs_than_are_asked_for(tmp_path):
    folder = cell(tmp_path)
    train(folder)
    cell(tmp_path, seeds=[0, 1])
    with pytest.raises(ValueError, match="seed 1 is not trained yet; run multibeta train"):
        measure(folder)
    cell(tmp_path, learning_rate=0.01)
    with pytest.raises(ValueError, match="seed 0 is trained from another spec, as multibeta why tells"):
        measure(folder)
    assert not any(made.exists() for made in folder.measures)


def test_what_was_measured_ahead_of_one_model_is_not_taken_for_another(tmp_path, monkeypatch):
    folder = cell(tmp_path, seeds=[0, 1])
    learn_features(folder.root / ".data" / read_cell(folder).data_key)

    def fail(training, run_step=Training.run_step):
        if training.seed == 1:
            raise RuntimeError("of the machine")
        run_step(training)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "run_step", fail)
        assert main(["train", str(folder.path), "--measure"]) == 0
    train(folder)
    assert not take_measured(folder)
    measure_ahead(folder)
    assert take_measured(folder)
    assert "training error" not in folder.metrics.read_text()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, IndexError, OSError, LockLost])
def test_a_metric_that_fails_ahead_of_its_time_costs_no_training(tmp_path, monkeypatch, capsys, error):
    folder = cell(tmp_path)

    def fail(*_):
        raise error("too many images")

    monkeypatch.setattr("multibeta.stages.measure.measure_ahead", fail)
    assert main(["train", str(folder.path), "--measure"]) == 0
    assert f"train: not measured ahead: {error.__name__}: too many images" in capsys.readouterr().err
    assert folder.models.is_file()


def test_a_process_that_lost_its_cell_writes_none_of_its_files(tmp_path, capsys):
    folder = cell(tmp_path)

    def lost():
        raise LockLost("taken over")

    with pytest.raises(Interrupted, match="taken over"):
        train(folder, require_ours=lost)
    assert not any(path.exists() for path in (folder.models, folder.cell, folder.history))
    train(folder)
    for stages in (("encode",), ("encode", "evaluate"), ("draw",)):
        before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*") if path.is_file()}
        with pytest.raises(LockLost):
            measure(folder, stages, lost)
        assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*") if path.is_file()} == before
        measure(folder, stages)
    with pytest.raises(LockLost):
        measure_ahead(folder, lost)


def test_a_job_does_not_train_what_it_was_not_planned_for(tmp_path, capsys):
    folder = cell(tmp_path)
    planned = read_cell(folder).training_fingerprint
    cell(tmp_path, learning_rate=0.01)
    assert main(["train", str(folder.path), "--fingerprint", planned]) == 1
    assert (
        "another start has changed what it asks for since this job was planned; start again" in capsys.readouterr().err
    )
    assert not folder.models.exists()
    assert main(["train", str(folder.path), "--fingerprint", read_cell(folder).training_fingerprint]) == 0
    assert main(["measure", str(folder.path), "--fingerprint", "0123"]) == 1
    assert not folder.metrics.exists()


def test_a_trainer_that_lost_its_lock_writes_nothing(tmp_path, monkeypatch):
    folder, run_step = cell(tmp_path, running={"checkpoint_seconds": 1e-9}), Training.run_step

    def lose(training):
        run_step(training)
        if training.step == 7:
            (state(folder).folder / "lock").write_text("of the next")

    monkeypatch.setattr(Training, "run_step", lose)
    with pytest.raises(Interrupted, match="its lock was taken over while this process stood still"):
        train(folder)
    assert state(folder).checkpoint().facts["step"] == 6
    assert (state(folder).folder / "lock").read_text() == "of the next"
    assert not folder.models.exists()


def test_a_run_out_of_time_goes_on_when_it_may_take_longer(tmp_path):
    whole, folder = cell(tmp_path / "a"), cell(tmp_path / "b", running={"max_minutes": 1e-9})
    train(whole)
    assert train(folder)["runs"]["0"]["status"] == "timeout"
    assert train(folder)["runs"]["0"]["steps"] == 1
    cell(tmp_path / "b", running={"max_minutes": 10})
    assert train(folder)["runs"]["0"]["status"] == "done"
    assert folder.models.read_bytes() == whole.models.read_bytes()
    assert [path.name for path in state(folder).folder.iterdir()] == ["finished.safetensors"]


@pytest.mark.parametrize("error", [torch.AcceleratorError, RuntimeError])
def test_a_gpu_that_fails_is_no_result_of_the_run(tmp_path, monkeypatch, error):
    folder = cell(tmp_path)

    def fail(training):
        raise error("CUDA error: uncorrectable ECC error encountered")

    monkeypatch.setattr(Training, "run_step", fail)
    with pytest.raises(RuntimeError, match="ECC"):
        train(folder)
    assert not folder.cell.exists()


def test_a_gpu_that_slurm_gave_and_nobody_can_use_is_not_replaced_by_the_cpu(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_GPUS", "3")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="Slurm gave this job GPU 3, which PyTorch cannot use"):
        train(cell(tmp_path, running={"device": "auto"}))
    assert train(cell(tmp_path, running={"device": "cpu"}))["runs"]["0"]["status"] == "done"


def test_a_run_that_fails_before_its_first_row_has_a_history_without_rows(tmp_path, monkeypatch):
    def fail(training):
        raise KeyError("kl")

    monkeypatch.setattr(Training, "run_step", fail)
    folder = cell(tmp_path)
    train(folder)
    assert len(read_table(folder.history, ("seed", "step", "strength"))) == 0


def test_a_seed_that_another_process_trains_does_not_keep_others_waiting(tmp_path, monkeypatch):
    folder = cell(tmp_path, seeds=[0, 1, 2])
    first = min((0, 1, 2), key=read_cell(folder).run_fingerprint)
    state(folder, first).folder.mkdir(parents=True)
    lock = state(folder, first).folder / "lock"
    lock.write_text(json.dumps({"pid": os.getppid(), **_here()}))
    finish, ended = RunState.finish, []

    def finished(run, saved):
        finish(run, saved)
        ended.append(run.folder)
        if len(ended) == 2:
            lock.unlink()

    monkeypatch.setattr(RunState, "finish", finished)
    train(folder, side_by_side=True)
    assert ended[-1] == state(folder, first).folder
    assert len(ended) == 3


def test_a_trained_cell_is_put_together_without_training(tmp_path, monkeypatch):
    folder = cell(tmp_path)
    train(folder)
    models = folder.models.read_bytes()
    folder.models.unlink()
    monkeypatch.setattr(Training, "run_step", no_training)
    train(folder)
    assert folder.models.read_bytes() == models


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_with_a_checkpoint_and_the_same_call_goes_on(tmp_path, monkeypatch, number):
    whole, stopped = cell(tmp_path / "a"), cell(tmp_path / "b")
    train(whole)
    run_step, handler = Training.run_step, signal.getsignal(number)

    def step_and_signal(training):
        run_step(training)
        if training.step == 7:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Training, "run_step", step_and_signal)
    with pytest.raises(Interrupted, match="stopped at step 7 of 20 with a checkpoint"):
        train(stopped)
    assert signal.getsignal(number) is handler
    assert state(stopped).checkpoint().facts["step"] == 7
    assert not stopped.models.exists()
    train(stopped)
    assert stopped.models.read_bytes() == whole.models.read_bytes()
    assert stopped.history.read_bytes() == whole.history.read_bytes()
    assert [path.name for path in state(stopped).folder.iterdir()] == ["finished.safetensors"]


def test_out_of_minutes_it_stops_with_a_checkpoint(tmp_path):
    folder = cell(tmp_path)
    for step in (1, 2):
        with pytest.raises(Interrupted, match=f"stopped at step {step} of 20"):
            train(folder, lambda: True)


def test_what_killed_trainers_left_is_cleared_away(tmp_path):
    folder = cell(tmp_path)
    left = state(folder).folder / ".checkpoint.safetensors.x1y2.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    train(folder)
    assert [path.name for path in left.parent.iterdir()] == ["finished.safetensors"]


def test_a_damaged_state_is_trained_anew_with_the_same_bytes(tmp_path, capsys):
    folder = cell(tmp_path)
    train(folder)
    models = folder.models.read_bytes()
    finished = state(folder).folder / "finished.safetensors"
    finished.write_bytes(finished.read_bytes()[:1000])
    train(folder)
    assert folder.models.read_bytes() == models
    assert "finished.safetensors: unreadable" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "options", "running", "reason"),
    [
        ("diverged", EXPLODES, {}, "became"),
        ("timeout", {}, {"max_minutes": 1e-9}, "exceeded 1e-09 minutes at step 1 of 20"),
    ],
)
def test_an_end_that_is_a_result_is_kept_without_weights(tmp_path, monkeypatch, status, options, running, reason):
    folder = cell(tmp_path, running=running, **options)
    run = train(folder)["runs"]["0"]
    assert run["status"] == status
    assert reason in run["reason"]
    assert load_file(folder.models) == {}
    monkeypatch.setattr(Training, "run_step", no_training)
    assert train(folder)["runs"]["0"] == run


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (torch.OutOfMemoryError("tried to\n  allocate"), "out_of_memory", "tried to allocate"),
        (RuntimeError("shapes differ"), "error", "RuntimeError: shapes differ"),
        (KeyError("kl"), "error", "KeyError: 'kl'"),
    ],
    ids=["out of memory", "runtime error", "key error"],
)
def test_a_failure_is_recorded_and_tried_again(tmp_path, monkeypatch, error, status, reason):
    folder = cell(tmp_path, seeds=[0, 1])

    def fail(training, run_step=Training.run_step):
        if training.seed == 0:
            raise error
        run_step(training)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "run_step", fail)
        runs = train(folder)["runs"]
    assert (runs["0"]["status"], runs["0"]["reason"]) == (status, reason)
    assert runs["1"]["status"] == "done"
    assert {name.split("/")[0] for name in load_file(folder.models)} == {"seed1"}
    assert train(folder)["runs"]["0"]["status"] == "done"


# Side by side, as on a GPU.


def test_seeds_side_by_side_give_the_bytes_of_seeds_one_after_another(tmp_path):
    alone, beside = cell(tmp_path / "a", seeds=[0, 1, 2]), cell(tmp_path / "b", seeds=[0, 1, 2])
    train(alone)
    train(beside, side_by_side=True)
    assert beside.models.read_bytes() == alone.models.read_bytes()
    assert beside.history.read_bytes() == alone.history.read_bytes()


def test_seeds_side_by_side_take_turns(tmp_path, monkeypatch):
    seen, run_step = [], Training.run_step

    def watched(training):
        seen.append(training.seed)
        run_step(training)

    monkeypatch.setattr(Training, "run_step", watched)
    train(cell(tmp_path, seeds=[0, 1]), side_by_side=True)
    rows = [seen[start : start + 5] for start in range(0, 40, 5)]
    assert all(len(set(row)) == 1 for row in rows)  # a row of history is five steps
    assert [row[0] for row in rows] in ([0, 1] * 4, [1, 0] * 4)


def test_stopped_side_by_side_every_seed_leaves_a_checkpoint_and_goes_on(tmp_path, monkeypatch):
    whole, stopped = cell(tmp_path / "a", seeds=[0, 1]), cell(tmp_path / "b", seeds=[0, 1])
    train(whole)
    run_step = Training.run_step

    def step_and_signal(training):
        run_step(training)
        if training.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "run_step", step_and_signal)
        with pytest.raises(Interrupted):
            train(stopped, side_by_side=True)
    assert all(state(stopped, seed).checkpoint().facts["step"] >= 5 for seed in (0, 1))
    assert not any((state(stopped, seed).folder / "lock").exists() for seed in (0, 1))
    train(stopped, side_by_side=True)
    assert stopped.models.read_bytes() == whole.models.read_bytes()


def test_stopped_early_seeds_that_have_not_begun_do_not_begin(tmp_path, monkeypatch):
    folder, run_step, begun = cell(tmp_path, seeds=[0, 1, 2]), Training.run_step, set()

    def step_and_signal(training):
        begun.add(training.seed)
        run_step(training)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Training, "run_step", step_and_signal)
    with pytest.raises(Interrupted):
        train(folder, side_by_side=True)
    assert len(begun) == 1


def test_a_run_is_not_charged_for_the_turns_of_others(tmp_path, monkeypatch):
    run_step = Training.run_step

    def slow(training):
        time.sleep(0.01)
        run_step(training)

    monkeypatch.setattr(Training, "run_step", slow)
    started = time.monotonic()
    runs = train(cell(tmp_path, seeds=[0, 1, 2]), side_by_side=True)["runs"]
    assert sum(run["seconds"] for run in runs.values()) <= time.monotonic() - started


def test_a_seed_that_fails_beside_others_leaves_them_alone(tmp_path, monkeypatch):
    alone, beside = cell(tmp_path / "a", seeds=[1]), cell(tmp_path / "b", seeds=[0, 1])
    train(alone)

    def fail(training, run_step=Training.run_step):
        if training.seed == 0 and training.step == 6:
            raise RuntimeError("shapes differ")
        run_step(training)

    monkeypatch.setattr(Training, "run_step", fail)
    runs = train(beside, side_by_side=True)["runs"]
    assert {seed: run["status"] for seed, run in runs.items()} == {"0": "error", "1": "done"}
    same(weights(beside, 1), weights(alone, 1))


def test_a_full_disk_beside_others_releases_every_lock(tmp_path, monkeypatch):
    folder = cell(tmp_path, seeds=[0, 1])

    def full(self, saved):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunState, "finish", full)
    with pytest.raises(OSError, match="No space left"):
        train(folder, side_by_side=True)
    assert not any((state(folder, seed).folder / "lock").exists() for seed in (0, 1))


def test_a_run_that_another_process_trains_is_waited_for_until_told_to_stop(tmp_path, capsys):
    folder = cell(tmp_path)
    state(folder).folder.mkdir(parents=True)
    lock = state(folder).folder / "lock"
    lock.write_text(json.dumps({"pid": os.getppid(), **_here()}))
    with told_to_stop(1e-9) as should_stop, pytest.raises(Interrupted, match="while another process was waited for"):
        train(folder, should_stop)
    assert "another process works here" in capsys.readouterr().err
    lock.unlink()
    assert train(folder)["runs"]["0"]["status"] == "done"


def test_the_images_of_training_and_validation_are_never_the_same(tmp_path):
    folder = cell(tmp_path, variant="cvae")
    dataset = prepare_of_cell(folder)
    training, held_out = stage._images(dataset, read_cell(folder), "cpu")
    for images, there in ((training, ~dataset.held_out), (held_out, dataset.held_out)):
        given, told = images.batch(torch.arange(len(images)))
        assert np.array_equal(given.numpy(), dataset.images[there].transpose(0, 3, 1, 2) / np.float32(255))
        assert np.array_equal(told.numpy(), dataset.labels[there])


@pytest.mark.slow
def test_tensorboard_logs_are_written_on_request(tmp_path):
    folder = cell(tmp_path, running={"tensorboard": True})
    train(folder)
    assert list((folder.path / "tensorboard" / "seed0").glob("events.out.tfevents.*"))


@pytest.mark.slow
def test_two_processes_at_one_cell_take_turns(tmp_path):
    """What happens when a trainer outlives its Snakemake and Snakemake is started again."""
    folder = cell(tmp_path, budget="300 steps")
    command = [sys.executable, "-m", "multibeta.cli"]
    subprocess.run([*command, "features", tmp_path / ".data" / read_cell(folder).data_key], check=True)
    both = [subprocess.Popen([*command, "train", folder.path, "--measure"], stderr=subprocess.PIPE) for _ in range(2)]
    errors = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    subprocess.run([*command, "measure", folder.path], check=True)
    made = {"spec.json", "cell.json", "models.safetensors", "history.csv", "codes.npz", "metrics.csv", "costs.json"}
    made |= {"arrays.npz", "repeats.csv"}
    assert {path.name for path in folder.path.iterdir()} == {*made, "figures"}


def test_a_run_may_start_from_a_pretrained_one(tmp_path):
    source = cell(tmp_path / "source")
    train(source)
    folder = cell(tmp_path / "b", pretrained=str(source.path))
    images = stage._images(prepare_of_cell(folder), read_cell(folder), "cpu")
    started = Training(read_cell(folder), 0, *images, "cpu")
    same({f"seed0/{name}": tensor for name, tensor in started.network.state_dict().items()}, weights(source, 0))


def test_a_pretrained_run_is_part_of_the_fingerprint(tmp_path):
    source, other = cell(tmp_path / "source"), cell(tmp_path / "other", learning_rate=0.01)
    train(source)
    train(other)
    plain, one, two = (
        read_cell(cell(tmp_path / str(place), **options)).run_fingerprint(0)
        for place, options in enumerate([{}, {"pretrained": str(source.path)}, {"pretrained": str(other.path)}])
    )
    assert len({plain, one, two}) == 3


def test_a_pretrained_cell_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"training.pretrained = .*is not the folder of a trained cell"):
        cell(tmp_path, pretrained=str(tmp_path / "nowhere"))


def test_snapshots_are_kept_on_request(tmp_path):
    folder = cell(tmp_path, running={"snapshot_every": 8}, budget="20 steps")
    train(folder)
    assert {file.stem for file in state(folder).folder.glob("step~*")} == {"step~8", "step~16"}
    assert load_run(folder.path, step=8).encode(np.zeros((1, 1, 8, 8), np.float32))[0].shape
    with pytest.raises(ValueError, match="no weights of step 9; there are those of 8, 16"):
        load_run(folder.path, step=9)


def test_a_snapshot_is_of_its_step_not_of_the_best_so_far(tmp_path):
    """At a learning rate that ruins the model the best weights are early ones."""
    ruinous = {"select": "best", "validate_every": 2, "learning_rate": 0.05, "budget": "12 steps"}
    folder = cell(tmp_path, running={"snapshot_every": 10}, **ruinous)
    train(folder)
    other = cell(tmp_path / "other", **{**ruinous, "select": "last", "budget": "10 steps"})
    train(other)
    there = load_run(folder.path, step=10).network.state_dict()
    same({f"seed0/{name}": tensor for name, tensor in there.items()}, weights(other, 0))


def test_a_strength_conditioned_variant_is_trained_once_for_all_strengths(tmp_path, monkeypatch):
    folders = []
    for strength in ("0.5", "8"):
        folder = cell(tmp_path, variant="beta_conditioned_vae")
        spec = read_cell(folder).model_copy(update={"strength": strength})
        folders.append(spec.folder(tmp_path))
        write_json(folders[-1].spec, spec.model_dump(mode="json"))
    train(folders[0])
    monkeypatch.setattr(Training, "run_step", no_training)
    train(folders[1])
    images = np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32)
    same(weights(folders[0], 0), weights(folders[1], 0))
    weak, strong = (load_run(folder.path) for folder in folders)
    assert (weak.network.strength, strong.network.strength) == (0.5, 8)
    for one, other in zip(weak.encode(images), strong.encode(images), strict=True):
        assert not np.allclose(one, other, atol=1e-3)
    codes = np.ones((4, 2))
    assert not np.allclose(weak.decode(codes), strong.decode(codes), atol=1e-4)
