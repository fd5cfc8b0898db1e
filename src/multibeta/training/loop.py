"""The training loop: one seed of a cell, from its initial weights or its checkpoint to its last step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from multibeta.training.run import Training
from multibeta.training.state import RunState


class Interrupted(Exception):
    """Training was told to stop; what it has done is kept."""


class TimeLimit(Exception):
    """Training took longer than ``running.max_minutes``; there is a checkpoint, to go on from under a longer limit."""


def run_to_end(
    training: Training,
    state: RunState,
    should_stop: Callable[[], bool],
    on_log: Callable[[Training], None],
    on_last_step: Callable[[Training], None] = lambda _: None,
) -> Iterator[bool]:
    """Train to the last step, writing checkpoints on the way.

    Yields, False, whenever it is about to wait for the device, so that others can give it work meanwhile.

    Args:
        training: at its start, or restored from a checkpoint.
        state: where checkpoints go.
        should_stop: asked at every step; when it says yes, a checkpoint is written and `Interrupted` raised.
        on_log: called after every row of history.
        on_last_step: called after the last step, before it is logged, with the state from which a longer training goes
        on.

    Raises:
        Interrupted, Diverged, TimeLimit: see there.
    """
    running = training.cell.running
    limit = training.cell.seconds_allowed
    before, started = training.seconds, time.monotonic()
    next_checkpoint = started + running.checkpoint_seconds
    training.capture()
    if not training.step_is_finished:
        training.finish_step()  # the last one of a training of fewer steps, which goes on here
    while not training.has_ended:
        rows = len(training.history)
        training.run_step()
        if training.step == training.steps:
            on_last_step(training)
        if training.ends_row:
            others = time.monotonic()
            yield False
            started += time.monotonic() - others  # their turns are not this run's time
        training.finish_step()
        now = time.monotonic()
        training.seconds = before + now - started
        if len(training.history) > rows:
            on_log(training)
        every = running.snapshot_every
        if every is not None and training.step % every == 0 and not training.has_ended:
            state.write_snapshot(training.step, training.weights_of_step())
        if not training.has_ended and (should_stop() or now > next_checkpoint):
            state.write_checkpoint(training.state())
            next_checkpoint = time.monotonic() + running.checkpoint_seconds
            if should_stop():
                raise Interrupted(f"stopped at step {training.step} of {training.steps} with a checkpoint")
        if training.seconds > limit and not training.has_ended:
            state.write_checkpoint(training.state())
            raise TimeLimit(f"exceeded {running.max_minutes:g} minutes at step {training.step} of {training.steps}")
