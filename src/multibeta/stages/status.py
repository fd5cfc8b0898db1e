"""Stage status: what has become of every run of a study, read from its folder while a sweep runs or long after."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from multibeta.records import (
    BoardRecord,
    CellRecord,
    CostsRecord,
    ProgressRecord,
    StateRecord,
    is_by,
    is_measured,
    read,
)
from multibeta.report.text import counted
from multibeta.results import StudyFolder, state_folder
from multibeta.stages.shared.longer import goes_on
from multibeta.training.lock import is_held

#: What may have become of a run, in the order of a board.
STATES = ("done", "diverged", "timeout", "error", "out_of_memory", "trained", "running", "partial", "stale", "missing")
#: What the states are, beside those that the run itself ends with.
MEANINGS = {
    "running": "is being trained",
    "partial": "has a checkpoint, from which the next call goes on",
    "trained": "is trained; its cell is still to be written or measured",
    "stale": "what lies there is of another spec: trained anew, unless a longer training goes on from it",
    "missing": "not begun",
    "done": "trained and measured",
}
#: States from which nothing is left to do.
ENDED = frozenset({"done", "diverged", "timeout"})
#: Lines of a board that are not cut off.
MOST = 40


@dataclass(frozen=True)
class RunStatus:
    """One run of the study.

    Attributes:
        place: dataset, variant, β.
        state: one of `STATES`.
        told: what more there is to say: a reason, a holder, what changed.
        step, steps, speed: of a training that runs or has stopped; steps per second. None where not known.
        seconds, device: what the training took and where, where it has ended.
        fingerprint: of the run as it is asked for; equal ones are one training.
        written: its cell holds it, and just the seeds that are asked for, so the cell need not be written anew.
    """

    place: tuple[str, str, str]
    seed: int
    state: str
    told: str = ""
    step: int | None = None
    steps: int | None = None
    speed: float | None = None
    seconds: float = 0.0
    device: str = ""
    fingerprint: str = ""
    written: bool = False


@dataclass(frozen=True)
class Status:
    """All runs of a study, in its order.

    Attributes:
        evaluation_seconds: what measuring took, by whatever evaluation.
        evaluation_mean: seconds that measuring a run takes, by those measured as is asked for; None where none was.
    """

    name: str
    runs: Sequence[RunStatus]
    evaluation_seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    evaluation_mean: float | None = None

    @property
    def cells(self) -> Iterator[list[RunStatus]]:
        return (list(runs) for _, runs in groupby(self.runs, lambda run: run.place))


def is_left(cell: Sequence[RunStatus]) -> bool:
    """Is anything left to do of a cell's runs? Then all of them are measured, also those that were already."""
    return not all(run.state in ENDED and run.written for run in cell)


def status(folder: StudyFolder, asked: Mapping[str, Any] | None = None) -> Status:
    """Look at every run of a study; nothing is written.

    Args:
        folder: ``results/<study>``.
        asked: what `multibeta.study.Study.resolved` says of the study as its file is now; None: as it was last started.

    Raises:
        FileNotFoundError: the folder holds no study, and none is asked for.
    """
    if asked is None and not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing); give results/<study>")
    study = read(folder.study, BoardRecord) if asked is None else asked
    states = {entry.name for entry in _entries(folder.root / ".state")}
    runs: list[RunStatus] = []
    spent, by_this = list[float](), list[float]()
    for cell in study["cells"]:
        place = (cell["dataset"]["name"], cell["variant"]["name"], cell["strength"])
        files = folder.cell(*place)
        facts = _json(files.cell, CellRecord).get("runs", {})
        costs = _json(files.costs, CostsRecord) if facts else {}
        has_measures = files.metrics.exists() if facts else False
        evaluation = cell.get("evaluation_fingerprint", "")
        seconds = [costs[str(seed)] for seed in cell["seeds"] if str(seed) in costs]
        spent += seconds
        by_this += seconds if is_by(costs, evaluation) else []
        complete = list(facts) == list(map(str, cell["seeds"]))
        for seed in cell["seeds"]:
            wanted = cell["fingerprints"][str(seed)]
            lacks = _lacks(costs, seed, wanted, evaluation) if has_measures else "not measured yet"
            runs.append(_run(folder.root, place, seed, wanted, facts.get(str(seed)), lacks, complete, states, cell))
    mean = sum(by_this) / len(by_this) if by_this else None
    return Status(study["name"], runs, sum(spent), Counter(run.state for run in runs), mean)


def in_words(found: Status, everything: bool = False) -> str:
    """The board: counts, a line for each dataset and variant, what runs, what failed and why, what it costs."""
    total = len(found.runs)
    ended = sum(found.counts[state] for state in ENDED)
    counts = ", ".join(f"{found.counts[state]} {_word(state)}" for state in STATES if found.counts[state])
    lines = [f"{found.name}: {ended} of {total} runs ended ({counts})", ""]
    lines += _grid(found)
    for state in STATES:
        some = [run for run in found.runs if run.state == state and (run.told or run.step is not None)]
        if some and state != "done":
            lines += ["", f"{_word(state)}: {MEANINGS.get(state, 'ended so')}", *_cut(map(_line, some), everything)]
    return "\n".join([*lines, "", *_costs(found)])


def _lacks(costs: Mapping[str, Any], seed: int, run: str, evaluation: str) -> str:
    """Why a cell's measures are not those of a run by this evaluation; nothing where they are."""
    if is_measured(costs, seed, run, evaluation):
        return ""
    by_another = is_measured(costs, seed, run, "")
    return "measured by another evaluation; only measured again" if by_another else "not measured yet"


def _run(
    root: Path,
    place: tuple[str, str, str],
    seed: int,
    fingerprint: str,
    facts: Mapping[str, Any] | None,
    lacks: str,
    complete: bool,
    states: set[str],
    cell: Mapping[str, Any],
) -> RunStatus:
    own = facts if facts is not None and facts["fingerprint"] == fingerprint else None
    if own is not None:
        unmeasured = lacks and own["status"] == "done"
        state, told = ("trained", lacks) if unmeasured else (own["status"], own.get("reason", ""))
        seconds, device = own.get("seconds") or 0.0, str(own.get("device", ""))
        return RunStatus(place, seed, state, told, None, None, None, seconds, device, fingerprint, complete)
    begun = _begun(state_folder(root, fingerprint), place, seed) if fingerprint in states else None
    if begun is None and facts is not None:
        step, steps = goes_on(root, facts, fingerprint, cell) or (None, None)
        told = f"{'a longer training goes on from there; ' if step else ''}multibeta why says what changed"
        return RunStatus(place, seed, "stale", told, step, steps, fingerprint=fingerprint)
    return begun or RunStatus(place, seed, "missing", fingerprint=fingerprint)


def _begun(state: Path, place: tuple[str, str, str], seed: int) -> RunStatus | None:
    """A run that its cell does not hold yet, by what lies in its state; None if nothing does."""
    if (state / "finished.safetensors").exists():
        return RunStatus(place, seed, "trained", fingerprint=state.name)
    progress, holder = _json(state / "progress.json", ProgressRecord), is_held(state)
    step, steps, speed = (progress.get(name) for name in ("step", "steps", "steps_per_second"))
    if holder is not None:
        told = f"process {holder['pid']} on {holder['host']}"
        return RunStatus(place, seed, "running", told, step, steps, speed, fingerprint=state.name)
    if (checkpoint := state / "checkpoint.safetensors").exists():
        kept = _step_of(checkpoint)
        told = "" if kept is not None else "the checkpoint is damaged; the next call starts anew"
        return RunStatus(place, seed, "partial", told, kept, steps, fingerprint=state.name)
    return None


def _step_of(checkpoint: Path) -> int | None:
    """The step from which a training goes on, by the head of its checkpoint; None if that cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(checkpoint, framework="np") as file:
            return StateRecord.model_validate_json(file.metadata()["facts"]).step
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def _grid(found: Status) -> Iterator[str]:
    """A line for each dataset and variant, by strength: ``β 4: 3 done, 2 running``."""
    cells: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for run in found.runs:
        dataset, variant, beta = run.place
        cells.setdefault((dataset, variant), {}).setdefault(beta, Counter())[run.state] += 1
    width = max((len(f"{dataset} {variant}") for dataset, variant in cells), default=0)
    for (dataset, variant), by_beta in cells.items():
        alike: dict[str, list[str]] = {}
        for beta, counts in by_beta.items():
            said = ", ".join(f"{counts[state]} {_word(state)}" for state in STATES if counts[state])
            alike.setdefault(said, []).append(beta)
        said = "; ".join(f"{_some(betas)}: {text}" for text, betas in alike.items())
        yield f"{f'{dataset} {variant}':<{width}}  {said}"


def _some(betas: Sequence[str]) -> str:
    return ", ".join(betas) if len(betas) <= 8 else f"{', '.join(betas[:3])} … {betas[-1]} ({len(betas)})"


def _line(run: RunStatus) -> str:
    parts = [f"  {' '.join(run.place[:2])} at {run.place[2]}, seed {run.seed}"]
    if run.step is not None and run.steps:
        text = f"step {run.step} of {run.steps}"
        if run.speed:
            text += f", {run.speed:.3g} steps/s, {_time((run.steps - run.step) / run.speed)} left"
        parts.append(text)
    if run.told:
        parts.append(run.told)
    return ": ".join([parts[0], "; ".join(parts[1:])]) if len(parts) > 1 else parts[0]


def _costs(found: Status) -> Iterator[str]:
    """Hours that runs took by the clock so far, and to go by the mean of what was trained and measured."""
    trained = _once(run for run in found.runs if run.seconds)
    on_gpu = sum(run.seconds for run in trained if not run.device.startswith("cpu"))
    total = sum(run.seconds for run in trained) + found.evaluation_seconds
    gpu = f", {on_gpu / 3600:.2f} of them training on a GPU" if on_gpu else ""
    yield f"so far: {total / 3600:.2f} hours of runs{gpu}"
    left = _once(run for run in found.runs if run.state not in ENDED and run.state != "trained")
    measuring = sum(len(cell) for cell in found.cells if is_left(cell))
    if left or measuring:
        hours = _to_go(found, trained, left, measuring)
        yield f"to go: {counted(len(left), 'training')}, {counted(measuring, 'run')} to measure; {hours}"


def _to_go(found: Status, trained: Sequence[RunStatus], left: Sequence[RunStatus], measuring: int) -> str:
    """The hours that are left, by what is known: of the runs of a dataset and variant, or of all where none of these is
    trained. What failed was not trained to its end, and says nothing."""
    means: dict[tuple[str, ...], list[float]] = {}
    for run in trained:
        if run.state in ENDED or run.state == "trained":
            for key in ((), run.place[:2]):
                means.setdefault(key, []).append(run.seconds)
    if left and not means:
        return "none is trained, so what they take is not known yet"
    seconds = 0.0
    for run in left:
        of = means.get(run.place[:2], means[()])
        share = 1 - (run.step / run.steps if run.step and run.steps else 0)
        seconds += share * sum(of) / len(of)
    mean = found.evaluation_mean
    about = f"about {max((seconds + measuring * (mean or 0.0)) / 3600, 0.01):.2f} hours of runs"
    if mean is not None or not measuring:
        return f"{about}, by the mean of those trained and measured"
    training = f"{about} to train, by the mean of those trained; " if left else ""
    return f"{training}none is measured by this evaluation, so what that takes is not known yet"


def _once(runs: Iterable[RunStatus]) -> list[RunStatus]:
    """Trainings: of the runs that share one, only the first."""
    return list({run.fingerprint: run for run in runs}.values())


def _cut(lines: Iterator[str], everything: bool) -> list[str]:
    found = list(lines)
    if everything or len(found) <= MOST:
        return found
    return [*found[:MOST], f"  … and {len(found) - MOST} more (--all)"]


def _word(state: str) -> str:
    return state.replace("_", " ")


def _time(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds < 86_400 else f"{seconds / 86_400:.1f} days"


def _json(path: Path, form: type[BaseModel]) -> dict[str, Any]:
    """A file that may be missing or damaged; then empty, for a board tells the rest."""
    try:
        return read(path, form)
    except (OSError, ValueError):
        return {}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
