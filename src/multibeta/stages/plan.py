"""Stage plan: what a study will take on this machine, before it is started: runs, steps, hours, bytes and files."""

from __future__ import annotations

import heapq
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from multibeta.cell import Cell
from multibeta.report.text import counted
from multibeta.stages.shared.longer import longest
from multibeta.stages.shared.nets import Entry, Net, entry_of, nets_of
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.provenance import hardware
from multibeta.stages.shared.room import FIGURES, files_of_cell, kept_of_cell, kept_of_run
from multibeta.stages.status import ENDED, Status, is_left, status
from multibeta.study import Study
from multibeta.training.devices import claim_device, device_name
from multibeta.training.pace import Pace, pace
from multibeta.training.schedules import total_steps

#: Figures above which the plan says that they may be left for when they are wanted.
MANY_FIGURES = 10_000
#: What rests on steps while those of a dataset are not known.
NOT_KNOWN = "not known, see below"
#: Share of a processor below which others are said to be at work.
BUSY = 0.8


@dataclass(frozen=True)
class Left:
    """What is left to do of a cell: runs to train, their steps and seconds, and runs to measure.

    Attributes:
        processes: one trains, or takes what is trained already, and measures; one takes what was measured.
    """

    trainings: int
    steps: int
    seconds: float
    runs: int
    processes: int


@dataclass(frozen=True)
class Plan:
    """What a study takes.

    Attributes:
        config: the file that asks for it.
        found: what has become of its runs so far.
        left: of each cell.
        trainings: runs that differ; equal ones, such as one training for all strengths, are trained once.
        measuring: seconds a run, by those that were measured by this evaluation; None while there are none.
        device: where, and what it is called.
        start_up: seconds that a process takes before it trains.
        jobs: cells that are trained at once.
        uncounted: datasets that are not prepared and of which epochs are to be trained: their steps are not known.
        size, files: bytes and number of the files of all cells and runs when the study is finished.
        figures: how many of these files are figures.
        files_of_cell: at most.
    """

    config: str
    found: Status
    nets: Sequence[Net]
    left: Sequence[Left]
    device: str
    trainings: int
    measuring: float | None
    start_up: float
    jobs: int
    uncounted: Sequence[str]
    size: int
    files: int
    figures: int
    files_of_cell: int

    def seconds(self, left: Left) -> float:
        """What is left of a cell, its jobs one after another."""
        return left.seconds + left.runs * (self.measuring or 0.0) + left.processes * self.start_up

    @property
    def wall(self) -> float:
        """Seconds until all is done: a cell is begun, in their order, wherever one has ended."""
        busy = [0.0] * self.jobs
        for left in self.left:
            heapq.heapreplace(busy, busy[0] + self.seconds(left))
        return max(busy)


def plan(study: Study, root: Path, jobs: int | None = None, measure: Callable[[Cell, str], Pace] = pace) -> Plan:
    """Measure a step of each net of a study here, and reckon with what is done already. Nothing is written.

    Args:
        root: the folder of all studies.
        jobs: cells that are trained at once; None: as many as this machine has GPUs or cores.
        measure: what a training of a cell takes on a device.

    Raises:
        RuntimeError: the study wants a GPU and there is none.
        ValueError: a net cannot be trained; the message names it.
    """
    found = status(study.folder(root), study.resolved())
    with claim_device(study.options.running.device) as device:
        nets = nets_of(study.cells, device, measure)
        name = f"{hardware()['processor']}, one thread" if device == "cpu" else device_name(device)
    paces = {entry: net.pace for net in nets for entry in net.entries}
    steps = {entry_of(cell): _steps(cell, root) for cell in {entry_of(cell): cell for cell in study.cells}.values()}
    trainings = {cell.run_fingerprint(seed): cell for cell in study.cells for seed in cell.seeds}
    kept = [kept_of_cell(cell, paces[entry_of(cell)]) for cell in study.cells]
    kept += [kept_of_run(cell, paces[entry_of(cell)], steps[entry_of(cell)] or 0) for cell in trainings.values()]
    left = list(_left(study.cells, found, paces, steps, root))
    unknown = {
        cell.dataset.name
        for cell, of_cell in zip(study.cells, left, strict=True)
        if of_cell.trainings and steps[entry_of(cell)] is None
    }
    return Plan(
        config=study.where,
        found=found,
        nets=nets,
        left=left,
        device=name,
        trainings=len(trainings),
        measuring=found.evaluation_mean,
        start_up=_start_up(),
        jobs=jobs or _at_once(device),
        uncounted=sorted(unknown),
        size=sum(size for size, _ in kept),
        files=sum(files for _, files in kept),
        figures=FIGURES * sum(cell.evaluation.figures for cell in study.cells),
        files_of_cell=max(files_of_cell(cell) for cell in study.cells),
    )


def in_words(planned: Plan) -> str:
    """The plan as text, with what is not in its numbers."""
    found, left = planned.found, planned.left
    trainings, steps, runs = (sum(getattr(each, name) for each in left) for name in ("trainings", "steps", "runs"))
    known = not planned.uncounted
    one = f" ({counted(planned.trainings, 'training')}: equal runs are one)"
    same = "" if planned.trainings == len(found.runs) else one
    lines = [
        f"{found.name}: {counted(len(left), 'cell')}, {counted(len(found.runs), 'run')}{same}; to go: "
        f"{counted(trainings, 'training')}{f' of {steps:,} steps' if known else ''}, {counted(runs, 'run')} to measure",
        "",
        f"a step here, on random images ({planned.device}):",
    ]
    rows = [
        (", ".join(" ".join(entry) for entry in net.entries[:3]) + (" …" if len(net.entries) > 3 else ""), net)
        for net in planned.nets
    ]
    width = max(len(title) for title, _ in rows)
    for title, net in rows:
        after = f", then {net.pace.finish:.1f} s after the last" if net.pace.finish >= 0.1 else ""
        lines.append(
            f"  {title:<{width}}  {net.architecture:<12} {1000 * net.pace.step:8.2f} ms  "
            f"{counted(net.cells, 'cell')}, {counted(net.runs, 'run')}{after}"
        )
    processes = sum(each.processes for each in left)
    measuring = (
        "not known before a run is measured by this evaluation"
        if planned.measuring is None
        else f"{_time(runs * planned.measuring)}, {planned.measuring:.1f} s a run, by the mean of those measured"
    )
    total = sum(map(planned.seconds, left))
    unknown = ", measuring not counted" if planned.measuring is None and runs else ""
    together = (
        f"{_time(total)} one job at a time{unknown}; {_time(planned.wall)} by the clock with "
        f"{counted(planned.jobs, 'job')} at once, if they do not slow each other"
    )
    lines += [
        "",
        f"training:  {_time(sum(each.seconds for each in left)) if known else NOT_KNOWN}",
        f"measuring: {measuring}",
        f"starting:  {_time(processes * planned.start_up)}, {planned.start_up:.1f} s a process",
        f"together:  {together if known else NOT_KNOWN}",
        f"on disk:   {planned.size / 1e9:.2f} GB in {planned.files:,} files when finished, at most "
        f"{planned.files_of_cell} a cell; datasets{'' if known else ', snapshots'} and report not counted",
    ]
    if planned.figures >= MANY_FIGURES:
        lines.append(
            f"figures are {planned.figures:,} of these files; with `evaluation: {{figures: false}}` a cell is drawn "
            "when `multibeta draw` is called on it"
        )
    share = min(net.pace.share for net in planned.nets)
    if share < BUSY:
        lines.append(f"others are at work here: steps had {share:.0%} of a processor, and take longer meanwhile")
    if not known:
        lines += [
            f"the steps of epochs are known once a dataset is prepared; prepare {', '.join(planned.uncounted)} first:",
            f"  snakemake --cores all --configfile {shlex.quote(planned.config)} --until prepare",
        ]
    return "\n".join(lines)


def _steps(cell: Cell, root: Path) -> int | None:
    """Steps of a run; None if it is asked for epochs of a dataset that is not prepared."""
    options = cell.training
    if options.budget.endswith("steps"):
        return total_steps(options.budget, 0, options.batch_size)
    try:
        images = len(open_dataset(cell, root).train)
    except FileNotFoundError:
        return None
    return total_steps(options.budget, images, min(options.batch_size, images))


def _left(
    cells: Sequence[Cell],
    found: Status,
    paces: Mapping[Entry, Pace],
    steps: Mapping[Entry, int | None],
    root: Path,
) -> Iterator[Left]:
    reckoned = set[str]()
    for cell, runs in zip(cells, found.cells, strict=True):
        wanted, here = steps[entry_of(cell)] or 0, paces[entry_of(cell)]
        trainings = steps_left = 0
        seconds = 0.0
        for seed, run in zip(cell.seeds, runs, strict=True):
            if run.state in ENDED or run.state == "trained" or run.fingerprint in reckoned:
                continue
            reckoned.add(run.fingerprint)
            begun = min(run.step or _shorter(cell, seed, root, wanted), wanted)
            trainings, steps_left = trainings + 1, steps_left + wanted - begun
            seconds += (wanted - begun) * here.step + here.finish + _validations(cell, begun, wanted) * here.validation
        trains = trainings > 0 or not all(run.written for run in runs)
        measured = len(runs) if is_left(runs) else 0
        yield Left(trainings, steps_left, seconds, measured, trains + bool(measured))


def _shorter(cell: Cell, seed: int, root: Path, steps: int) -> int:
    """The steps of the longest training that is the same but for a smaller budget: a run goes on from there."""
    lineage = cell.lineage(seed) if cell.running.extendable else None
    return 0 if lineage is None else longest(root, lineage, steps)


def _validations(cell: Cell, begun: int, steps: int) -> int:
    every = cell.training.validate_every or max(steps // 10, 1)
    return -(-steps // every) - begun // every


def _start_up() -> float:
    """Processor seconds of a process that imports what training and measuring need, the second: most find it cached."""
    command = [sys.executable, "-c", "import multibeta.stages.train, multibeta.stages.measure"]
    spent = [_of_children()]
    for _ in range(2):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent.append(_of_children())
    return spent[2] - spent[1]


def _of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _at_once(device: str) -> int:
    if device != "cpu":
        import torch

        return torch.cuda.device_count()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _time(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
