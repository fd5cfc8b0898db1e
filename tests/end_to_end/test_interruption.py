"""Killed at any moment, the same command goes on and ends with the same bytes."""

import os
import random
import signal
import subprocess
import time

import pytest

from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study
from multibeta.training.state import RunState

pytestmark = pytest.mark.slow
CELL = "results/tiny/cells/digits/beta_vae/beta~1"
STEPS = 1000
LONGER = {
    "variants": ["beta_vae"],
    "strengths": [1],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 3, "budget": f"{STEPS} steps", "learning_rate": 0.002},
    "running": {"checkpoint_seconds": 0.05},
}


class Work:
    """The tiny study with one cell that trains for some seconds."""

    def __init__(self, place):
        self.place = place
        place.configure(**LONGER)
        self.study = Study.read(place.path / "config.yaml")
        write_specs(self.study, place.path / "results")
        cell = self.study.cells[0]
        self.states = [RunState(place.path / "results/.state" / cell.run_fingerprint(seed)) for seed in cell.seeds]

    def start(self, *arguments, **keywords):
        """A process with a group of its own, whose output nobody waits for."""
        return self.place.start(*arguments, start_new_session=True, stdout=subprocess.DEVNULL, **keywords)

    def wait_for_checkpoint(self, process, newer_than=0):
        """Until the training has gone on beyond a step; the step of its checkpoint."""
        while (step := self.step()) <= newer_than:
            assert process.poll() is None
            time.sleep(0.01)
        return step

    def step(self):
        """How far the two trainings are, by what is on the disk."""
        steps = 0
        for state in self.states:
            if state.finished():
                steps += STEPS
            elif checkpoint := state.checkpoint():
                steps += checkpoint.facts["step"]
        return steps

    def trained(self):
        return [(self.place.path / CELL / name).read_bytes() for name in ("models.safetensors", "history.csv")]

    def left_over(self):
        """Locks, checkpoints and temporary files that outlived the training."""
        states = [path for path in (self.place.path / "results/.state").rglob("*") if path.is_file()]
        hidden = [path for path in (self.place.path / CELL).rglob(".*") if path.is_file()]
        hidden = [path for path in hidden if path.name != ".snakemake_timestamp"]
        return [path for path in states if path.name != "finished.safetensors"] + hidden


@pytest.fixture(scope="module")
def uninterrupted(place, tmp_path_factory):
    work = Work(place(tmp_path_factory.mktemp("uninterrupted") / "work"))
    work.place.run("train", CELL, program="multibeta")
    return work.trained()


@pytest.fixture
def work(place, tmp_path):
    return Work(place(tmp_path / "work"))


@pytest.fixture
def moments():
    """Seconds after the first checkpoint of a process, another three in every run of the tests."""
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"moments of seed {seed}")
    drawn = random.Random(seed)
    return [drawn.uniform(0, 0.6) for _ in range(3)]


def test_a_trainer_killed_at_random_moments(work, uninterrupted, moments):
    steps = [0]
    for moment in moments:
        process = work.start("train", CELL, program="multibeta")
        work.wait_for_checkpoint(process, newer_than=steps[-1])
        time.sleep(moment)
        process.kill()
        process.wait()
        steps.append(work.step())
    assert steps == sorted(set(steps)), "each process went on where the one before was killed"
    assert not (work.place.path / CELL / "models.safetensors").exists()
    work.place.run("train", CELL, program="multibeta")
    assert work.trained() == uninterrupted
    assert work.left_over() == []


def test_snakemake_stopped_and_killed_with_and_without_its_trainer(work, uninterrupted, moments):
    process = work.start("--cores", "2")
    step = work.wait_for_checkpoint(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 1
    log = (work.place.path / CELL / "train.log").read_text(encoding="utf-8")
    assert "with a checkpoint; run the same command to go on" in log

    process = work.start("--cores", "2")
    step = work.wait_for_checkpoint(process, newer_than=step)
    time.sleep(moments[0])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    process = work.start("--cores", "2")
    work.wait_for_checkpoint(process, newer_than=step)
    time.sleep(moments[1])
    process.kill()  # Its trainer lives on, and the next one has to wait for it.
    process.wait()

    work.place.study()
    assert work.trained() == uninterrupted
    assert work.left_over() == []
    assert work.place.jobs() == {}


def test_told_to_stop_a_trainer_leaves_a_checkpoint_and_says_so(work):
    process = work.place.start("train", CELL, program="multibeta")
    work.wait_for_checkpoint(process)
    process.terminate()
    output, _ = process.communicate()
    assert process.returncode == 75, output
    assert output.splitlines()[-1].endswith("with a checkpoint; run the same command to go on")
    assert 0 < work.step() < 2 * STEPS
