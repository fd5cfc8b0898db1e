"""Two sweeps that share all their runs, started at once, one of them killed: every run is trained once."""

import collections
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from tiny_study import TINY

from multibeta.cli import main
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

CELLS = 20
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
