"""Killed at any moment, the same command goes on and ends with the same bytes."""

import os
import random
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow
LONGER = {
    "variants": ["beta_vae"],
    "strengths": [1, 4],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 3, "budget": "1500 steps", "learning_rate": 0.002},
    "running": {"checkpoint_seconds": 0.1},
}
CELL = "results/tiny/cells/digits/beta_vae/beta~1"


def trained(work):
    return work.files("tiny/**/models.safetensors"), work.files("tiny/**/history.csv")


@pytest.fixture(scope="module")
def uninterrupted(place, tmp_path_factory):
    work = place(tmp_path_factory.mktemp("uninterrupted") / "work")
    work.configure(**LONGER)
    work.study()
    return trained(work)


def trainers(work):
    found = subprocess.run(["pgrep", "-f", "multibeta train"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split() if _folder(pid) == str(work.path)]


def _folder(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def test_killed_trainers_and_killed_snakemakes(place, tmp_path, uninterrupted):
    work = place(tmp_path / "work")
    work.configure(**LONGER)
    moments = random.Random(0)
    for attempt in range(5):
        process = work.start("--cores", "2", start_new_session=True)
        time.sleep(moments.uniform(4, 8))
        if attempt % 2:
            process.kill()
        else:
            for pid in trainers(work):
                os.kill(pid, signal.SIGKILL)
        process.communicate()
    work.study()
    assert trained(work) == uninterrupted
    assert not list(work.path.glob("results/.state/*/lock*"))


def test_told_to_stop_a_trainer_leaves_a_checkpoint_and_says_so(place, tmp_path, uninterrupted):
    work = place(tmp_path / "work")
    work.configure(**LONGER)
    work.study("--until", "prepare")
    process = work.start("train", CELL, program="multibeta")
    while not list(work.path.glob("results/.state/*/checkpoint.safetensors")):
        time.sleep(0.05)
        assert process.poll() is None
    process.terminate()
    output, _ = process.communicate()
    assert process.returncode == 75, output
    assert "run the same command to go on" in output
    out_of_time = work.run("train", CELL, "--minutes", "0.001", program="multibeta", status=75)
    assert "stopped at step" in out_of_time
    work.run("train", CELL, program="multibeta")
    models, history = trained(work)
    assert models.items() <= uninterrupted[0].items()
    assert history.items() <= uninterrupted[1].items()
