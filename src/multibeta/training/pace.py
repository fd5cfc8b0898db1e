"""How long a step of a training takes on this machine: the loop itself for a second or two, on random images."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from multibeta.cell import Cell
from multibeta.datasets import _storage
from multibeta.training.images import Images
from multibeta.training.run import VALIDATION_IMAGES, Diverged, Training

#: Blocks of steps that are not counted, in which memory is taken and libraries choose their kernels.
WARM_UP = 3
#: Blocks that are counted at least, and seconds after which no other is begun.
LEAST, SECONDS = 5, 1.5
#: Steps of a block on a GPU, which is waited for only at its end, as in a training at each row of its history.
BLOCK = 20
#: Images to draw batches from; a variant may be shown as many before the first step.
IMAGES = 2_048


@dataclass(frozen=True)
class Pace:
    """What a training takes, wherever its strength, its seed and its learning rate stand.

    Seconds are those of a GPU, or of one processor that has nothing else to do.

    Attributes:
        step: the median of some steps.
        validation: on `VALIDATION_IMAGES` held-out images; none to speak of where none is asked for.
        finish: of what the variant fits after the last step.
        share: of the time that passed, what the processor gave to the steps: below 1 where others were at work.
        weights: bytes of the weights that are kept.
        state: bytes of all that a training goes on from.
    """

    step: float
    validation: float
    finish: float
    share: float
    weights: int
    state: int


def pace(cell: Cell, device: str) -> Pace:
    """Train a cell's net for a second or two on random images of its dataset's shape and conditions; nothing is kept.

    The dataset need not be prepared. What images cost that are made of others as they are read is therefore not in it,
    nor what a disk costs that is read from. On a CPU one thread is used, as the pipeline does.

    Args:
        device: ``cpu`` or ``cuda:<i>``.
    """
    options = cell.training.model_copy(update={"pretrained": None})
    cell = cell.model_copy(update={"training": options})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        images = _random_images(cell, max(IMAGES, options.batch_size), device)
        training = Training(cell, cell.seeds[0], images, images, device)
        training.capture()
        step, share = _steps(training)
        training.validate_every = 1
        validation = _seconds(lambda: _validate(training), device)[0] * VALIDATION_IMAGES / len(images)
        finish = _seconds(training.finish, device)[0]
    finally:
        torch.set_num_threads(threads)
    weights = sum(tensor.nbytes for tensor in training.weights().values())
    state = sum(tensor.nbytes for tensor in training.tensors().values())
    return Pace(step, validation, finish, share, weights, state)


def _steps(training: Training) -> tuple[float, float]:
    """Seconds of a step, and the share of the time that passed which they are."""
    block = 1 if training.device == "cpu" else BLOCK
    found: list[tuple[float, float]] = []
    began = time.perf_counter()
    while len(found) < WARM_UP + LEAST or time.perf_counter() - began < SECONDS:
        found.append(_seconds(lambda: _do_steps(training, block), training.device))
    own, passed = zip(*found[WARM_UP:], strict=True)
    return statistics.median(own) / block, sum(own) / sum(passed)


def _do_steps(training: Training, count: int) -> None:
    for _ in range(count):
        training.run_step()


def _validate(training: Training) -> None:
    with contextlib.suppress(Diverged):  # on noise, which is nobody's result
        training.finish_step()


def _seconds(do: Callable[[], object], device: str) -> tuple[float, float]:
    """Seconds of the device, and those that passed; on a CPU the work of others is not in the first."""
    started, began = time.perf_counter(), time.process_time()
    do()
    if device != "cpu":
        torch.cuda.synchronize(device)
    passed = time.perf_counter() - started
    return (passed if device != "cpu" else time.process_time() - began), passed


def _random_images(cell: Cell, count: int, device: str) -> Images:
    """Noise of the shape that the dataset's images have, as bits where they are kept as bits."""
    source, generator = cell.dataset.make("dataset"), np.random.default_rng(0)
    channels, height, width = source.shape
    shape = (height, width, channels)
    stored = generator.integers(256, size=(count, *shape), dtype=np.uint8)
    if source.binary and not source.derives():
        bits = np.packbits(stored.reshape(count, -1) < 128, axis=1)
        stored = _storage.Images(bits, shape, shape, packed=True)  # type: ignore[assignment]
    size = cell.condition_size()
    return Images(stored, generator.integers(size, size=count) if size else None, device=device)
