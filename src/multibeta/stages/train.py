"""Stage train: a cell's spec and its dataset become models.safetensors, history.csv and cell.json."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from inspect import GEN_CREATED, getgeneratorstate
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.files import write_bytes, write_json, write_rows
from multibeta.plain import in_one_line
from multibeta.records import CellRecord, read
from multibeta.results import CellFolder, lineage_folder, state_folder
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.provenance import git_commit, hardware, versions
from multibeta.stages.shared.specs import read_cell
from multibeta.training.devices import claim_device, device_name, peak_memory_mb
from multibeta.training.images import Images
from multibeta.training.lock import POLL_SECONDS, LockLost, RunLock, unlocked
from multibeta.training.loop import Interrupted, TimeLimit, run_to_end
from multibeta.training.run import VALIDATION_IMAGES, Diverged, Training
from multibeta.training.state import Lineage, RunState, Saved, tensors_file

__all__ = ["Interrupted", "stop_waiting", "told_to_stop", "train"]


#: Between words of where a training is.
TELL_SECONDS = 5.0
#: A training that is resumed until it ends, and gives way whenever it would wait: for its device, or, which it then
#: says, for another process that trains the same run.
Turns = Generator[bool, None, Saved]


def train(
    folder: CellFolder,
    should_stop: Callable[[], bool] | None = None,
    side_by_side: bool | None = None,
    require_ours: Callable[[], None] = unlocked,
) -> dict[str, Any]:
    """Train every seed of the cell that is not trained yet, then write the cell's files.

    Args:
        folder: holds ``spec.json``; the prepared dataset lies in ``.data`` of the results folder.
        should_stop: asked at every step; when it says yes, training stops with a checkpoint. None: `told_to_stop`.
        side_by_side: train all seeds at once, in turns; None: on a GPU, which one of these nets does not fill.
        require_ours: called before the cell's files are written; what it raises prevents that.

    Returns:
        The content of ``cell.json``.

    Raises:
        Interrupted: out of time, or told to stop by a signal; the same call goes on where it stopped.
        OSError: the results folder cannot be written.
    """
    if should_stop is None:
        with told_to_stop() as told:
            return train(folder, told, side_by_side, require_ours)
    cell = read_cell(folder)
    dataset = open_dataset(cell, folder.root)
    with claim_device(cell.running.device) as device:
        images = cache(lambda: _images(dataset, cell, device))
        # In this order, so that two processes with some of the same runs never wait for each other.
        runs = {
            seed: _seed(cell, seed, images, device, should_stop, folder)
            for seed in sorted(cell.seeds, key=cell.run_fingerprint)
        }
        at_once = device != "cpu" if side_by_side is None else side_by_side
        ended: dict[int, Saved] = {}
        for some in [runs] if at_once else [{seed: runs[seed]} for seed in cell.seeds]:
            ended |= _in_turns(some, device)
    try:
        return _write_cell(folder, cell, {seed: ended[seed] for seed in cell.seeds}, require_ours)
    except LockLost as reason:
        raise Interrupted(str(reason)) from None


def _in_turns(runs: Mapping[int, Turns], device: str) -> dict[int, Saved]:
    """Give the run of every seed its turn until all have ended, on a GPU each on a stream of its own.

    When one is told to stop, so are the others, and each leaves its checkpoint.

    Raises:
        Interrupted: a run was stopped.
        OSError: the results folder cannot be written.
    """
    on_gpu = device != "cpu"
    streams = {seed: torch.cuda.Stream(device) if on_gpu else None for seed in runs}
    ended: dict[int, Saved] = {}
    interrupted: Interrupted | None = None
    live = dict(runs)
    try:
        while live:
            waiting = True
            for seed, run in list(live.items()):
                if interrupted and getgeneratorstate(run) == GEN_CREATED:
                    del live[seed]  # it has not begun, so it has nothing to keep
                    continue
                with torch.cuda.stream(streams[seed]) if on_gpu else nullcontext():
                    try:
                        waiting &= next(run)
                        continue
                    except StopIteration as end:
                        ended[seed] = end.value
                    except Interrupted as reason:
                        interrupted = reason
                    except LockLost as reason:
                        interrupted = Interrupted(str(reason))
                waiting = False
                del live[seed]
            if waiting:
                time.sleep(POLL_SECONDS)
    finally:
        for run in live.values():
            run.close()  # its lock is released
    if interrupted is not None:
        raise interrupted
    return ended


def _seed(
    cell: Cell,
    seed: int,
    images: Callable[[], tuple[Images, Images]],
    device: str,
    should_stop: Callable[[], bool],
    folder: CellFolder,
) -> Turns:
    """One seed of a cell, trained unless it is already; its lock is held meanwhile."""
    lock = RunLock(state_folder(folder.root, cell.run_fingerprint(seed)))
    while not lock.take():
        stop_waiting(should_stop)
        yield True
    with lock.held() as require_ours:
        state = RunState(lock.folder, require_ours)
        saved = state.finished()
        if saved is not None:
            state.tidy(saved)
        if saved is None or cell.may_go_on(saved.facts):
            lineage = cell.lineage(seed) if cell.running.extendable else None
            kept = None if lineage is None else Lineage(lineage_folder(folder.root, lineage))
            training = Training(cell, seed, *images(), device)
            saved = yield from _train_seed(training, state, kept, should_stop, folder)
    return saved


def _train_seed(
    training: Training,
    state: RunState,
    lineage: Lineage | None,
    should_stop: Callable[[], bool],
    folder: CellFolder,
) -> Turns:
    """Train one run to its end, whatever end that is, and keep it.

    It goes on from its checkpoint, or from the last state of a shorter training that is otherwise the same.
    """
    shorter = None if lineage is None else lineage.longest(training.steps)
    for earlier in (state.checkpoint(), shorter):
        if earlier is None:
            continue
        try:
            training.restore(earlier)
            break
        except ValueError as error:
            why = f"{state.folder}: a state of another training lies there ({error}); training this run from its start"
            print(in_one_line(why), file=sys.stderr)

    def keep(training: Training) -> None:
        if lineage is not None:
            lineage.keep(training.state())

    status, reason = "done", ""
    weights: dict[str, torch.Tensor] = {}
    with _progress(training, folder, state) as on_log:
        try:
            yield from run_to_end(training, state, should_stop, on_log, keep)
            weights = training.finish()
        except Diverged as error:
            status, reason = "diverged", str(error)
        except TimeLimit as error:
            status, reason = "timeout", str(error)
        except torch.OutOfMemoryError as error:
            status, reason = "out_of_memory", " ".join(str(error).split())
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            if _of_the_device(error):
                raise  # no result of this run: another try, on another machine perhaps, goes on from its checkpoint
            # A variant or an architecture that fails is a result of this run, not the end of the sweep.
            traceback.print_exc()
            status, reason = "error", f"{type(error).__name__}: {' '.join(str(error).split())}"
    saved = Saved(
        {f"network/{name}": tensor for name, tensor in weights.items()},
        {
            "status": status,
            "reason": reason,
            "steps": training.step,
            "epochs": training.step / training.order.per_epoch,
            "seconds": training.seconds,
            "images_per_second": training.step * training.order.batch_size / max(training.seconds, 1e-9),
            "device": device_name(training.device),
            "threads": torch.get_num_threads(),
            "git_commit": _commit(),
            "peak_memory_mb": peak_memory_mb(training.device),
            "parameters": sum(parameter.numel() for parameter in training.parameters),
            "columns": training.columns,
        },
    )
    saved.tensors["history"] = torch.tensor(training.history, dtype=torch.float64)
    if status in ("done", "diverged", "timeout"):
        state.finish(saved)
    return saved


def _of_the_device(error: Exception) -> bool:
    """Did a GPU fail, rather than what it was given?"""
    return isinstance(error, torch.AcceleratorError) or str(error).startswith(("CUDA error", "cuDNN error"))


@cache
def _commit() -> str:
    """Of the code that trains: a process does not change it."""
    return git_commit()


def _write_cell(
    folder: CellFolder, cell: Cell, ended: dict[int, Saved], require_ours: Callable[[], None]
) -> dict[str, Any]:
    weights: dict[str, torch.Tensor] = {}
    columns: dict[str, None] = {"seed": None, "step": None}
    rows: list[dict[str, float]] = []
    runs: dict[str, Any] = {}
    for seed, saved in ended.items():
        weights |= {f"seed{seed}/{name}": tensor for name, tensor in saved.group("network").items()}
        terms = saved.facts["columns"]
        columns |= dict.fromkeys(terms)
        for step, *values in saved.tensors["history"].reshape(-1, len(terms) + 1).tolist():
            rows.append({"seed": seed, "step": int(step), **dict(zip(terms, values, strict=True))})
        facts = {name: value for name, value in saved.facts.items() if name != "columns"}
        runs[str(seed)] = {**facts, "fingerprint": cell.run_fingerprint(seed), "identity": cell.run_identity(seed)}
    variant = cell.variant.make("variant")
    description = {
        "dataset": cell.dataset.name,
        "variant": cell.variant.name,
        "beta": cell.strength,
        "symbol": variant.symbol,
        "condition": cell.condition(),
        "runs": runs,
        "versions": versions(),
        "hardware": hardware(),
    }
    columns |= {"strength": None}  # which no row has of a run that failed before the first
    models = tensors_file(weights)
    require_ours()
    if not _holds(folder, models, runs):
        folder.forget_measures()  # which are of other models
    write_bytes(folder.models, models)
    write_rows(folder.history, list(columns), rows)
    write_json(folder.cell, description)
    return description


def _holds(folder: CellFolder, models: bytes, runs: Mapping[str, Any]) -> bool:
    """Does the cell hold these models already, of runs that ended alike? Its measures are then still theirs."""
    try:
        then = read(folder.cell, CellRecord)["runs"]
        same_models = folder.models.read_bytes() == models
    except (OSError, ValueError):
        return False
    ends = [{seed: (run["fingerprint"], run["status"]) for seed, run in each.items()} for each in (then, runs)]
    return same_models and ends[0] == ends[1]


def _images(dataset: Dataset, cell: Cell, device: str) -> tuple[Images, Images]:
    """The training images and up to 2,000 held-out ones."""
    condition = cell.condition()
    values = None if condition is None else dataset.column(condition)[0].astype("int64")
    parts = [
        Images(dataset.images, None if values is None else values[positions], positions, device)
        for positions in (dataset.train, dataset.held_out.nonzero()[0][:VALIDATION_IMAGES])
    ]
    if device != "cpu":
        torch.cuda.synchronize(device)  # runs read them on streams of their own
    return parts[0], parts[1]


@contextmanager
def told_to_stop(minutes: float | None = None) -> Iterator[Callable[[], bool]]:
    """A question to ask at every step: has a signal or the clock told us to stop?

    Args:
        minutes: the job's wall-clock limit; the answer is yes from 3 minutes before it on, or a tenth of it.
    """
    stopped = False
    deadline = time.monotonic() + 60 * (minutes - min(3, minutes / 10)) if minutes else float("inf")

    def stop(_signal: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: stopped or time.monotonic() > deadline
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_waiting(should_stop: Callable[[], bool]) -> None:
    """End the wait for another process when told to.

    Raises:
        Interrupted: see there.
    """
    if should_stop():
        raise Interrupted("stopped while another process was waited for")


@contextmanager
def _progress(training: Training, folder: CellFolder, state: RunState) -> Iterator[Callable[[Training], None]]:
    """A bar with loss terms, speed and time left, word of it for `multibeta status`, TensorBoard logs if asked for."""
    cell = training.cell
    writer = _tensorboard(folder.path / "tensorboard" / f"seed{training.seed}") if cell.running.tensorboard else None
    title = f"{cell.dataset.name} {cell.variant.name} β={cell.strength} seed {training.seed}"
    # Seldom in the log of a job, unless tqdm's own variable says how often.
    often: dict[str, Any] = {} if sys.stderr.isatty() or "TQDM_MININTERVAL" in os.environ else {"mininterval": 10.0}
    start, began, told = training.step, training.seconds, 0.0
    with tqdm(total=training.steps, initial=training.step, desc=title, unit="step", **often) as bar:

        def on_log(training: Training) -> None:
            step, *values = training.history[-1]
            terms = dict(zip(training.columns, values, strict=True))
            bar.set_postfix(
                {name: f"{value:.4g}" for name, value in terms.items() if name != "learning_rate"}, refresh=False
            )
            bar.update(int(step) - bar.n)
            nonlocal told
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                speed = (training.step - start) / max(training.seconds - began, 1e-9)
                state.tell({"step": training.step, "steps": training.steps, "steps_per_second": speed})
            if writer is not None:
                for name, value in terms.items():
                    writer.add_scalar(name, value, int(step))

        yield on_log
    if writer is not None:
        writer.close()


def _tensorboard(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder)
