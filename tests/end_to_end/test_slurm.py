"""On a real Slurm: whatever happens to jobs, nodes and controller, the study ends with the bytes of a local run."""

import os
import re
import subprocess
import time

import pytest
from slurm_cluster import Cluster, missing
from tiny_study import BIN, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

#: A β-VAE that waits in every step, if it is told to: time to be disturbed in.
SLOW = """
import os
import time

from multibeta.variants.beta_vae import BetaVAE


class Slow(BetaVAE):
    title = "slow β-VAE"
    source = "none"

    def loss(self, forward, strength):
        time.sleep(float(os.environ.get("PAUSE", "0")))
        return super().loss(forward, strength)
"""
STEPS = 400
#: Two seeds of so many seconds a step train for two minutes: longer than a job's limit, which Slurm counts in minutes.
PAUSE = 0.15
STRENGTHS = [1, 2, 4, 8]
FLAGS = ("--workflow-profile", "site", "--slurm-no-account", "--slurm-init-seconds-before-status-checks", "1")
#: What a study is, without times and places.
RESULTS = ("models.safetensors", "history.csv", "codes.npz", "metrics.csv", "repeats.csv", "arrays.npz")
REPORT = ("metrics.csv", "summary.csv", "comparisons.csv", "rate.csv", "recommended.csv", "pareto.csv", "numbers.tex")


@pytest.fixture
def cluster():
    with Cluster() as cluster:
        yield cluster


def study_of(place, path, strengths, steps):
    place = place(path)
    place.write("slow.py", SLOW)
    place.configure(
        plugins=["slow.py"],
        variants=["slow"],
        strengths=strengths,
        training={"architecture": "mlp", "latents": 3, "budget": f"{steps} steps", "learning_rate": 0.002},
        running={"checkpoint_seconds": 1},
    )
    return place


def site(place, **changes):
    """The profile as somebody makes it fit their cluster: the last lines of these keys changed."""
    text = (ROOT / "profiles/slurm/config.yaml").read_text()
    for key, value in changes.items():
        first, line, last = re.split(rf"^( *{key}: ).*$", text, flags=re.MULTILINE)[-3:]
        before = text[: len(text) - len(last)]
        text = before[: before.rindex(line)] + line + value + last
    (place.path / "site").mkdir()
    place.write("site/config.yaml", text)


def snakemake(cluster, place, pause=0.0):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CI": "true", "PAUSE": str(pause)}
    with (place.path / "log").open("w") as log:
        command = [str(BIN / "snakemake"), *FLAGS]
        return cluster.start(*command, cwd=place.path, env=environment, stdout=log, stderr=subprocess.STDOUT)


def training_of(strength):
    """The comment of a training's job, which names its cell."""
    return f"rule_train_wildcards_tiny_digits_slow_{strength}"


def test_a_study_outlives_all_that_happens_to_a_cluster(cluster, place, tmp_path):
    local = study_of(place, tmp_path / "local", STRENGTHS, STEPS)
    undisturbed = local.start("--cores", "1")
    far = study_of(place, tmp_path / "far", STRENGTHS, STEPS)
    site(far, runtime="\"1 if wildcards.beta == '1' else 10\"")
    process = snakemake(cluster, far, PAUSE)

    def log():
        return (far.path / "log").read_text()

    def all_are_training():
        assert process.poll() is None, log()
        begun = list(far.path.glob("results/.state/*/checkpoint.safetensors"))
        running = cluster.jobs("running")
        return len(begun) >= len(STRENGTHS) and all(training_of(strength) in running for strength in STRENGTHS)

    def on(node):
        jobs = cluster.jobs("running")
        return [number for number in jobs.values() if cluster.node_of(number) == node]

    cluster.wait_for(all_are_training, seconds=120)
    first = {strength: cluster.jobs("running")[training_of(strength)] for strength in STRENGTHS}
    here = [strength for strength in STRENGTHS if cluster.node_of(first[strength]) == "n1"]
    there = [strength for strength in STRENGTHS if strength not in here]
    assert len(here) == len(there) == 2
    (cancelled, late), requeued = here, there[0]

    # The trainer of β = 1 knows its limit from the profile. Of this one only Slurm knows.
    cluster.run("scontrol", "update", f"JobId={first[late]}", "TimeLimit=1")
    cluster.run("scancel", first[cancelled])
    cluster.run("scontrol", "requeue", first[requeued])
    cluster.wait_for(lambda: cluster.facts(first[cancelled])["JobState"] == "CANCELLED", seconds=60)
    cluster.wait_for(lambda: cluster.facts(first[requeued])["Restarts"] == "1", seconds=60)
    time.sleep(6)  # a controller that is killed forgets what it did not write yet
    cluster.restart_controller(pause=5)
    cluster.crash("n2")
    cluster.wait_for(lambda: "down" in cluster.nodes(), seconds=120)
    cluster.start_daemon("n2")
    cluster.wait_for(lambda: cluster.facts(first[late])["JobState"] == "TIMEOUT", seconds=180)

    # Trainings whose node is thought dead live on, and are begun elsewhere.
    cluster.wait_for(lambda: on("n1"), seconds=120)
    orphans = on("n1")
    cluster.kill_daemon("n1")
    cluster.wait_for(lambda: "down" in cluster.nodes(), seconds=120)
    cluster.start_daemon("n1")

    assert process.wait(timeout=600) == 0, log()
    assert all(int(cluster.facts(number)["Restarts"]) >= 1 for number in orphans)
    assert "13 of 13 steps (100%) done" in log()
    assert undisturbed.wait(timeout=600) == 0
    for pattern in [*(f"tiny/cells/**/{name}" for name in RESULTS), *(f"tiny/{name}" for name in REPORT)]:
        expected = local.files(pattern)
        assert expected
        assert far.files(pattern) == expected
    left = [path.name for path in far.path.glob("results/.state/*/*")]
    assert left == ["finished.safetensors"] * len(STRENGTHS) * 2


def test_small_cells_share_jobs(cluster, place, tmp_path):
    far = study_of(place, tmp_path / "far", STRENGTHS, steps=20)
    site(far, cells_per_job="3", runtime="4")
    process = snakemake(cluster, far)
    seen = {}
    while process.poll() is None:
        seen |= {number: comment for comment, number in cluster.jobs().items()}
        time.sleep(0.5)
    assert process.returncode == 0, (far.path / "log").read_text()
    counts = {comment.split("_wildcards")[0]: 0 for comment in seen.values()}
    for comment in seen.values():
        counts[comment.split("_wildcards")[0]] += 1
    print(counts, [cluster.facts(n) for n in seen])
