"""Two sweeps that share all their runs, started at once, one of them killed: every run is trained once."""

import collections
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import yaml
from tiny_study import TINY

from multibeta.cli import main
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

CELLS = 20
#: Of two Snakemakes, which start a process for each: a handful, unless the environment asks for more.
SNAKEMAKE_CELLS = int(os.environ.get("SHARED_CELLS", "3"))
#: Imported by every Python that starts.
NO_FLOCK = """
    import errno, fcntl, os

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fcntl.flock = refuse
"""
#: A sweep in one process, from one end of the cells or the other, so that both train. It notes which trainings have
#: ended, and is killed within its fifth where that is asked.
SWEEP = """
    import errno, os, signal, sys, time
    from pathlib import Path
    from multibeta.cli import main
    from multibeta.stages import train

    study, locks, fate = sys.argv[1:]
    real, begun = train.run_to_end, []

    def noted(training, state, *rest):
        begun.append(state)
        if fate == "killed" and len(begun) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from real(training, state, *rest)
        with Path("ended").open("a") as file:
            file.write(state.folder.name + "\\n")

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    train.run_to_end = noted
    if locks == "without":
        import fcntl
        fcntl.flock = refuse
    Path(study + ".ready").touch()
    while len(list(Path().glob("*.ready"))) < 2:
        time.sleep(0.01)
    cells = sorted(Path("results", study, "cells").glob("*/*/*"), reverse=fate == "killed")
    sys.exit(max(main(["train", str(cell)]) for cell in cells))
"""


@pytest.mark.slow
@pytest.mark.parametrize("locks", ["with", "without"])
def test_runs_shared_by_two_sweeps_are_trained_once_though_one_is_killed(tmp_path, monkeypatch, locks):
    monkeypatch.chdir(tmp_path)
    changes = {"variants": ["beta_vae"], "strengths": list(range(1, CELLS + 1)), "seeds": 1}
    studies = [Study.parse({**TINY, **changes, "name": name}, "config.yaml") for name in ("one", "other")]
    for study in studies:
        write_specs(study, tmp_path / "results")
    assert main(["prepare", "--dataset", "digits"]) == 0
    sweeps = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(SWEEP), study.name, locks, fate])
        for study, fate in zip(studies, ("killed", "lives"), strict=True)
    ]
    started = time.monotonic()
    assert [sweep.wait(timeout=100) for sweep in sweeps] == [-signal.SIGKILL, 0]
    assert time.monotonic() - started < 80, "nobody waits 90 s for a dead holder of this machine"
    ended = collections.Counter((tmp_path / "ended").read_text().split())
    assert ended == {cell.run_fingerprint(0): 1 for cell in studies[0].cells}
    assert len(list(tmp_path.glob("results/other/cells/*/*/*/models.safetensors"))) == CELLS
    assert not list(tmp_path.glob("results/.state/*/lock*"))


def trains(states, group):
    """Is a trainer of that process group in the middle of a run?"""
    for path in states.glob("*/lock"):
        if not path.with_name("checkpoint.safetensors").exists():
            continue
        try:
            if os.getpgid(json.loads(path.read_text())["pid"]) == group:
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False


def trained(study):
    """How often each strength of a study was trained to its end, by the bars in its logs."""
    ended = collections.Counter()
    for log in study.glob("cells/*/*/*/train.log"):
        # A run that is there already has no bar; a bar may tell its end twice, and just before it.
        whole = (log.parent / "cell.json").is_file()
        ended[log.parent.name] += whole and "seed 0: 100%" in log.read_text()
    return ended


@pytest.mark.slow
@pytest.mark.parametrize("locks", ["with", "without"])
def test_two_snakemakes_train_each_shared_run_once_though_one_is_killed_with_its_trainer(
    place, tmp_path, monkeypatch, locks
):
    if locks == "without":
        (tmp_path / "site").mkdir()
        (tmp_path / "site/sitecustomize.py").write_text(textwrap.dedent(NO_FLOCK))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    work = place(tmp_path / "work")
    study = {**TINY, "variants": ["beta_vae"], "strengths": list(range(1, SNAKEMAKE_CELLS + 1)), "seeds": 1}
    study["training"] = {**TINY["training"], "budget": "2000 steps"}
    study["running"] = {"checkpoint_seconds": 0.05}
    for name in ("one", "other"):
        work.write(f"{name}.yaml", yaml.safe_dump({**study, "name": name}))
    results = work.path / "results"
    models = [f"results/{{}}/cells/digits/beta_vae/beta~{beta}/models.safetensors" for beta in study["strengths"]]

    def start(name):
        log = (tmp_path / f"{name}.log").open("w")
        targets = [model.format(name) for model in models]
        command = ["--cores", "1", "--configfile", f"{name}.yaml", "--", *targets]
        return work.start(*command, start_new_session=True, stdout=log)

    def within(name):
        """Is that sweep training: its first of a few cells, its fifth of twenty?"""
        return trained(results / name).total() >= len(models) // 5 and trains(results / ".state", sweeps[name].pid)

    sweeps = {name: start(name) for name in ("one", "other")}
    # Both go the same way, so that one may train all runs and the other only follow: who trains is killed.
    while not (killed := next(filter(within, sweeps), None)):
        assert None in [sweep.poll() for sweep in sweeps.values()], (tmp_path / "one.log").read_text()
        time.sleep(0.02)
    doomed = sweeps.pop(killed)
    (lives,) = sweeps
    os.killpg(doomed.pid, signal.SIGKILL)
    assert doomed.wait() == -signal.SIGKILL
    fallen = time.monotonic()
    assert sweeps[lives].wait(timeout=60 * SNAKEMAKE_CELLS) == 0, (tmp_path / f"{lives}.log").read_text()
    print(f"ended {time.monotonic() - fallen:.0f} s after the other was killed")
    every = {f"beta~{beta}": 1 for beta in study["strengths"]}
    ended = trained(results / killed), trained(results / lives)
    assert ended[0] + ended[1] == every, (tmp_path / f"{lives}.log").read_text()
    assert not list(results.glob(".state/*/lock*"))

    again = start(killed)
    assert again.wait(timeout=60 * SNAKEMAKE_CELLS) == 0, (tmp_path / f"{killed}.log").read_text()
    assert (trained(results / killed) + ended[1]).keys() <= every.keys()
    for model in models:
        assert (work.path / model.format(killed)).read_bytes() == (work.path / model.format(lives)).read_bytes()
