"""Schedules: the strength of each step, and the images of each batch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.options import TrainingOptions


def strength_at(step: int, strength: float, options: TrainingOptions, steps: int) -> float:
    """The strength of a step: from ``schedule_start`` × strength to the strength over ``schedule_steps``.

    ``linear`` (Bowman et al. 2016) and ``cosine`` run the path once; ``cyclic`` (Fu et al. 2019) climbs over the first
    half of every ``schedule_steps`` and stays at full strength over the second.

    Args:
        steps: of the whole training, of which ``schedule_steps`` may be a share.
    """
    length = options.schedule_steps
    if length < 1:
        length = round(length * steps)
    if options.strength_schedule == "constant" or length == 0:
        return strength
    fraction = min(step / length, 1.0)
    if options.strength_schedule == "cyclic":
        fraction = min(2 * (step % length) / length, 1.0)
    elif options.strength_schedule == "cosine":
        fraction = (1 - math.cos(math.pi * fraction)) / 2
    return strength * (options.schedule_start + (1 - options.schedule_start) * fraction)


def rate_at(step: int, options: TrainingOptions, steps: int) -> float:
    """The learning rate of a step: up over the warm-up (Goyal et al. 2017), then down to 0 if the schedule says so."""
    rate, warmup = options.learning_rate, options.learning_rate_warmup
    if step < warmup:
        return rate * (step + 1) / (warmup + 1)
    left = 1 - (step - warmup) / max(steps - warmup, 1)
    if options.learning_rate_schedule == "linear":
        return rate * left
    if options.learning_rate_schedule == "cosine":  # Loshchilov & Hutter 2017, without restarts
        return rate * (1 - math.cos(math.pi * left)) / 2
    return rate


def total_steps(budget: str, images: int, batch_size: int) -> int:
    """The steps of a budget such as ``10 epochs``; an epoch has ⌊images / batch size⌋ steps, at least one."""
    count, unit = budget.split()
    return int(count) * (max(images // batch_size, 1) if unit == "epochs" else 1)


class BatchOrder:
    """The order of the images of one run: a new permutation each epoch, keyed by (seed, epoch).

    The remainder of an epoch that fills no batch is dropped; the next permutation draws it again.
    """

    def __init__(self, images: int, batch_size: int, seed: int) -> None:
        self.images, self.seed = images, seed
        self.batch_size = min(batch_size, images)
        self.per_epoch = images // self.batch_size

    def place(self, step: int) -> tuple[int, slice]:
        """The epoch of a step, and where in its permutation the step's images are."""
        epoch, position = divmod(step, self.per_epoch)
        return epoch, slice(position * self.batch_size, (position + 1) * self.batch_size)

    def permutation(self, epoch: int) -> NDArray[np.int64]:
        """Positions (N,) of all images in the order of an epoch."""
        return randomness.numpy_generator(self.seed, "batch order", epoch).permutation(self.images)

    def indices(self, step: int) -> NDArray[np.int64]:
        """Positions (batch size,) of the images of a step."""
        epoch, place = self.place(step)
        return self.permutation(epoch)[place]
