"""profiles/lsf and profiles/pbs on stand-ins for these systems: time limits, a job ended from outside, requests."""

import os
import re
import subprocess
import time

import pytest
import stand_in_batch
from tiny_study import BIN, ROOT, SLOW

pytestmark = pytest.mark.slow
pytest.importorskip("snakemake_executor_plugin_cluster_generic", reason="its executor is not installed")

#: What a training asks for: a GPU, and the minutes that the profile gives it.
GPU = {"lsf": "-gpu\nnum=1", "pbs": "ngpus=1"}
TIME = {"lsf": "-W\n240", "pbs": "walltime=14400"}
CANCEL = {"lsf": "bkill", "pbs": "qdel"}
#: One of them runs to the report.
UNTIL = {"lsf": ("--until", "train"), "pbs": ()}


@pytest.fixture(params=["lsf", "pbs"])
def system(request):
    return request.param


def slow_study(place, path):
    place = place(path)
    place.write("slow.py", SLOW)
    place.configure(plugins=["slow.py"], variants=["slow"], strengths=[1], running={"checkpoint_seconds": 1})
    return place


def test_a_study_outlives_time_limits_and_cancelled_jobs(system, place, tmp_path):
    local = slow_study(place, tmp_path / "local")
    undisturbed = local.start("--cores", "1", "--until", "train", stdout=subprocess.DEVNULL)
    far = slow_study(place, tmp_path / "far")
    jobs, programs = tmp_path / "jobs", tmp_path / "bin"
    stand_in_batch.install(jobs, programs)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PAUSE": "0.15",
        "OMP_NUM_THREADS": "1",
    }
    with (far.path / "log").open("w") as log:
        snakemake = subprocess.Popen(
            [
                *(str(BIN / "snakemake"), "--workflow-profile", f"profiles/{system}"),
                *("--max-status-checks-per-second", "10", "--seconds-between-status-checks", "1"),
                *UNTIL[system],
            ],
            cwd=far.path,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            first = training_under_way(far, jobs, snakemake, 1)
            stand_in_batch.end(jobs, first)
            training_under_way(far, jobs, snakemake, 2)
            subprocess.run(["bash", "-c", ending_all(system)], cwd=far.path, env=environment, check=True)
            assert snakemake.wait(300) == 0, (far.path / "log").read_text()
        finally:
            snakemake.kill()
    assert undisturbed.wait() == 0
    trainings = trainings_of(jobs)
    # Out of time, ended from outside, through.
    assert [(jobs / f"{number}.status").read_text() == "0" for number in trainings] == [False, False, True]
    # Each attempt went on from where the one before was.
    assert far.files("tiny/cells/**/models.safetensors") == local.files("tiny/cells/**/models.safetensors")
    assert (far.path / "results/tiny/report.html").is_file() or UNTIL[system]
    assert all(TIME[system] in (jobs / f"{number}.arguments").read_text() for number in trainings)
    # Trainings ask for a GPU, nothing else does.
    asked = {path.stem: path.read_text() for path in jobs.glob("*.arguments")}
    assert {number for number, arguments in asked.items() if GPU[system] in arguments} == set(trainings)


def ending_all(system):
    """The command of the how-to page that ends the jobs of one run."""
    (command,) = re.findall(r"^    (grep .* bkill)$", (ROOT / "docs/how-to/lsf-pbs.md").read_text(), re.M)
    return command.replace("NAME", "*").replace("bkill", CANCEL[system])


def trainings_of(jobs):
    """Numbers of the jobs that train, in their order."""
    found = [path.stem for path in jobs.glob("*.arguments") if re.search(r"^train\.\d+$", path.read_text(), re.M)]
    return sorted(found, key=int)


def training_under_way(place, jobs, snakemake, number):
    """The job of that attempt, when it has begun to write checkpoints."""

    def checkpoints():
        return {path: path.stat().st_mtime_ns for path in place.path.glob("results/.state/*/checkpoint.safetensors")}

    def wait_for(happened):
        while not happened():
            assert snakemake.poll() is None, (place.path / "log").read_text()
            time.sleep(0.1)

    wait_for(lambda: len(trainings_of(jobs)) == number)
    before = checkpoints()
    wait_for(lambda: checkpoints() != before)
    return trainings_of(jobs)[number - 1]


def test_a_job_that_the_system_knows_nothing_of_has_failed_and_one_that_waits_has_not(system, place, tmp_path):
    place = place(tmp_path / "study")
    jobs, programs = tmp_path / "jobs", tmp_path / "bin"
    stand_in_batch.install(jobs, programs)

    def status(number, **environment):
        command = [place.path / f"profiles/{system}/status", number]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    path = f"{programs}:{os.environ['PATH']}"
    assert status("7", PATH=path) == "failed"
    assert status("None", PATH=path) == "failed"
    (jobs / "7.arguments").write_text("")
    assert status("7", PATH=path) == "running"
    for ended, word in {"0": "success", "1": "failed", "-15": "failed"}.items():
        (jobs / "7.status").write_text(ended)
        assert status("7", PATH=path) == word
    # Without the system's commands there is no answer, which is no reason to give a job up.
    assert status("7", PATH="/usr/bin:/bin") == "running"


def test_a_refused_job_is_an_error_that_says_why(system, place, tmp_path):
    place = place(tmp_path / "study")
    jobs, programs = tmp_path / "jobs", tmp_path / "bin"
    stand_in_batch.install(jobs, programs)
    (jobs / "refusal").write_text("User cannot use the queue. Job not submitted.")
    done = subprocess.run(
        [BIN / "snakemake", "--workflow-profile", f"profiles/{system}"],
        cwd=place.path,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "User cannot use the queue" in done.stderr
    assert not trainings_of(jobs)


def test_the_number_of_a_job_is_found_however_bsub_is_told_to_print_it(place, tmp_path):
    place, programs = place(tmp_path / "study"), tmp_path / "bin"
    programs.mkdir()

    def submit(answer, **environment):
        (programs / "bsub").write_text(f"#!/bin/sh\n{answer}\n")
        (programs / "bsub").chmod(0o755)
        command = [place.path / "profiles/lsf/submit", "train.1", "gpu", "1", "240", "16000", "1", "job.sh"]
        environment |= {"PATH": f"{programs}:{os.environ['PATH']}"}
        return subprocess.run(command, cwd=place.path, env=environment, capture_output=True, text=True, check=False)

    told = 'test "$BSUB_QUIET" || echo "Job <12> is submitted to queue <gpu>."'
    assert submit(told, BSUB_QUIET="y").stdout == "12\n"
    assert submit("echo for your information; " + told).stdout == "12\n"
    for refusal in ("echo Request aborted by esub.", "echo Request aborted by esub.; exit 255"):
        refused = submit(refusal)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "Request aborted by esub." in refused.stderr
