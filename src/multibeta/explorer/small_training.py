"""A small model trained beside the study that is looked at: in a process and a study of its own, a minute at most."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from multibeta.cell import Cell
from multibeta.config_errors import ConfigError
from multibeta.explorer.shelf import OWN
from multibeta.option_values import NAME
from multibeta.records import CellRecord, read
from multibeta.results import CellFolder
from multibeta.stages.shared.specs_by_hand import apply_settings
from multibeta.study import Study

#: Of a dataset that can be trained on here, the options that the default study trains it with.
DATASETS = {
    "sprites": ("architecture=small_conv", "batch_size=32", "learning_rate=0.001"),
    "digits": ("architecture=mlp", "batch_size=64", "learning_rate=0.002"),
}
#: Fewest, most and usual number of steps.
STEPS = (100, 3_000, 1_500)
#: A training that is not done within them stops with a checkpoint, from which another start goes on.
MINUTES = 1
#: Exit status of `multibeta train` that stopped with a checkpoint.
STOPPED = 75
#: Of tqdm: steps done and wanted, time left, and the terms of the loss.
BAR = re.compile(r"\|\s*(\d+)/(\d+) \[[^<]*<([^,\]]+)(?:,[^,\]]*)?(?:, ([^\]]*))?\]")


@dataclass(frozen=True)
class Wish:
    """What is to be trained."""

    name: str
    dataset: str
    variant: str
    beta: float
    latents: int = 10
    steps: int = STEPS[2]
    seed: int = 0

    @property
    def study(self) -> str:
        return f"{OWN}{self.name}"

    def folder(self, root: Path) -> Path:
        """The folder of the cell, below the folder of all studies."""
        return self._cell(root).folder(root).path

    def check(self, looked_at: Path) -> None:
        """Raise a `ConfigError`, of one line, if it cannot be trained, or would write into the study looked at."""
        if not re.fullmatch(NAME, self.name):
            raise ConfigError("the name must be made of letters, digits, - and _")
        if self.study == looked_at.absolute().name:
            raise ConfigError(f"{self.study} is the study that is looked at; give another name")
        self._cell(looked_at.absolute().parent)

    def command(self, root: Path) -> list[str]:
        """The arguments of ``multibeta`` that train it."""
        arguments = ["train", "--dataset", self.dataset, "--variant", self.variant, "--beta", f"{self.beta:g}"]
        arguments += ["--seeds", str(self.seed), "--steps", str(self.steps), "--latents", str(self.latents)]
        arguments += ["--device", "cpu", "--minutes", str(MINUTES), "--name", self.study, "--results", str(root)]
        for setting in self.settings:
            arguments += ["--set", setting]
        return arguments

    @property
    def settings(self) -> list[str]:
        return [f"training.{setting}" for setting in DATASETS[self.dataset]]

    def _cell(self, root: Path) -> Cell:
        config: dict[str, Any] = {
            "name": self.study,
            "datasets": {self.dataset: {}},
            "variants": {self.variant: {}},
            "strengths": [self.beta],
            "seeds": [self.seed],
            "training": {"budget": f"{self.steps} steps", "latents": self.latents},
        }
        apply_settings(config, self.settings)
        return Study.parse(config, "train").cells[0]


class Training:
    """A wish being carried out in processes of its own: trained, then measured.

    Attributes:
        share: of the steps that are done, 0 … 1.
        words: what is going on.
        state: ``running``, ``done``, ``stopped`` with a checkpoint, or ``failed``; ``words`` then says why.
    """

    def __init__(self, wish: Wish, root: Path) -> None:
        self.wish = wish
        self.folder = wish.folder(root)
        self.share = 0.0
        self.words = "starting"
        self.state = "running"
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop with a checkpoint; a measuring that is stopped leaves the trained model."""
        self._stopping = True
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float | None = None) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.state, self.words = self._carry_out()
        except OSError as error:
            self.state, self.words = "failed", str(error)

    def _carry_out(self) -> tuple[str, str]:
        status, last = self._command(self.wish.command(self._root))
        if status == STOPPED:
            ended = "stopped" if self._stopping else f"not done within {MINUTES} minute"
            return "stopped", f"{ended}; train it again to go on from here"
        if status:
            return "failed", last or f"ended with status {status}"
        if ended := failure(self.folder, self.wish.seed):
            return "failed", ended
        self.share, self.words = 1.0, "trained; measuring"
        status, last = self._command(["measure", str(self.folder)])
        return "done", "trained and measured" if status == 0 else f"trained, but not measured: {last}"

    def _command(self, arguments: list[str]) -> tuple[int, str]:
        """Run a command of the package to its end: its exit status and the last line that it told."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_MININTERVAL": "0.2"}
        command = [sys.executable, "-m", "multibeta.cli", *arguments]
        last = ""
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
            self._process = process
            assert process.stderr is not None
            for line in _lines(process.stderr):
                if found := BAR.search(line):
                    self.share, self.words = progress(found)
                elif line:
                    last = line
        return process.returncode, last


def failure(folder: Path, seed: int) -> str:
    """How a run of a trained cell ended, if it left no model."""
    run = read(CellFolder(folder).cell, CellRecord)["runs"][str(seed)]
    return "" if run["status"] == "done" else f"{run['status']}: {run['reason']}"


def progress(bar: re.Match[str]) -> tuple[float, str]:
    """The share of the steps that is done and the bar in words, of what `BAR` finds."""
    done, wanted, left, terms = bar.groups()
    known = [f"{left} left"] if "?" not in left else []
    return int(done) / int(wanted), ", ".join([f"step {done} of {wanted}", *known, *([terms] if terms else [])])


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as they come, of which a bar ends its own by a carriage return."""
    rest = ""
    while chunk := os.read(stream.fileno(), 4096):
        *lines, rest = re.split(r"[\r\n]+", rest + chunk.decode(errors="replace"))
        yield from (line.strip() for line in lines)
    yield rest.strip()
