"""On a real Slurm: whatever happens to jobs, nodes and controller, the study ends with the bytes of a local run."""

import os
import subprocess
import time

import pytest
from slurm_cluster import Cluster, missing
from tiny_study import BIN, ROOT, SLOW

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

STEPS = 400
#: Two seeds of so many seconds a step train for 100: longer than a job's limit, which Slurm counts in minutes.
PAUSE = 0.125
STRENGTHS = [1, 2, 4, 8]
FLAGS = ("--workflow-profile", "site", "--slurm-init-seconds-before-status-checks", "1")
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
        running={"checkpoint_seconds": 1, "device": "cpu"},
    )
    return place


def site(place, **changes):
    """The profile as somebody makes it fit their cluster: the last lines of these keys changed."""
    lines = (ROOT / "profiles/slurm/config.yaml").read_text().splitlines()
    for key, value in changes.items():
        last = max(number for number, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        lines[last] = lines[last].partition(":")[0] + f": {value}"
    (place.path / "site").mkdir()
    place.write("site/config.yaml", "\n".join(lines))


def snakemake(cluster, place, *arguments, pause=0.0):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CI": "true", "PAUSE": str(pause)}
    with (place.path / "log").open("w") as log:
        command = [str(BIN / "snakemake"), *FLAGS, *arguments]
        return cluster.start(*command, cwd=place.path, env=environment, stdout=log, stderr=subprocess.STDOUT)


def test_a_study_outlives_all_that_happens_to_a_cluster(cluster, place, tmp_path):
    local = study_of(place, tmp_path / "local", STRENGTHS, STEPS)
    undisturbed = local.start("--cores", "1", stdout=subprocess.DEVNULL)
    far = study_of(place, tmp_path / "far", STRENGTHS, STEPS)
    # The trainer of β = 8 knows its limit from the profile, and stops before it.
    site(far, runtime="\"1 if wildcards.beta == '8' and attempt == 1 else 10\"")
    process = snakemake(cluster, far, pause=PAUSE)

    def log():
        return (far.path / "log").read_text()

    def trainings():
        """The number of each running training by its strength, which the comment of its job ends with."""
        running = cluster.jobs("running").items()
        return {int(does.split("_")[-1]): number for number, does in running if does.startswith("rule_train_")}

    def all_are_training():
        assert process.poll() is None, log()
        return len(trainings()) == len(list(far.path.glob("results/.state/*/checkpoint.safetensors"))) == len(STRENGTHS)

    cluster.wait_for(all_are_training, seconds=300)
    first = trainings()
    nodes = {strength: cluster.node_of(number) for strength, number in first.items()}
    there, here = nodes[8], ({*nodes.values()} - {nodes[8]}).pop()
    cancelled, late = (strength for strength in STRENGTHS if nodes[strength] == here)
    (requeued,) = (strength for strength in STRENGTHS if nodes[strength] == there and strength != 8)

    # Of this limit only Slurm knows.
    cluster.run("scontrol", "update", f"JobId={first[late]}", "TimeLimit=1")
    cluster.run("scancel", first[cancelled])
    cluster.run("scontrol", "requeue", first[requeued])
    cluster.wait_for(lambda: cluster.facts(first[cancelled])["JobState"] == "CANCELLED", seconds=300)
    cluster.wait_for(lambda: cluster.facts(first[requeued])["Restarts"] == "1", seconds=300)
    time.sleep(6)  # a controller that is killed forgets what it did not write yet
    cluster.restart_controller(pause=5)
    cluster.crash(there)
    cluster.wait_for(lambda: "down" in cluster.nodes(), seconds=300)
    cluster.start_daemon(there)
    cluster.wait_for(lambda: cluster.facts(first[late])["JobState"] == "TIMEOUT", seconds=300)

    # Trainings whose node is thought dead live on, and are begun elsewhere.
    cluster.wait_for(trainings, seconds=300)
    theirs = cluster.node_of(next(iter(trainings().values()), first[late])) or here
    cluster.kill_daemon(theirs)
    cluster.wait_for(lambda: "down" in cluster.nodes(), seconds=300)
    cluster.start_daemon(theirs)

    assert process.wait(timeout=600) == 0, log()
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
    site(far, cells_per_job="3", gpus="0", mem_mb="8000\n    gres: \"'gpu:1'\"")
    process = snakemake(cluster, far, "--until", "train")
    assert process.wait(timeout=300) == 0, (far.path / "log").read_text()
    assert len(far.files("tiny/cells/**/models.safetensors")) == len(STRENGTHS)
    shared = [cluster.facts(number) for number, does in cluster.jobs().items() if "trainings" in does]
    # Three cells in one job and the fourth in another, each for as long as its cells are given one after another.
    assert sorted(job["TimeLimit"] for job in shared) == ["04:00:00", "12:00:00"]
    assert all(job["TresPerNode"] == "gres:gpu:1" for job in shared)
    assert all(job["NumCPUs"] == "1" for job in shared)
