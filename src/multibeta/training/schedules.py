"""Schedules: the strength of each step, and the images of each batch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.options import TrainingOptions


def strength_at(step: int, strength: float, options: TrainingOptions) -> float:
    """The strength of a step: from ``schedule_start`` × strength to the strength over ``schedule_steps``.

    ``linear`` (Bowman et al. 2016) and ``cosine`` run the path once; ``cyclic`` (Fu et al. 2019) climbs over the first
    half of every ``schedule_steps`` and stays at full strength over the second.
    """
    length = options.schedule_steps
    if options.strength_schedule == "constant" or length == 0:
        return strength
    fraction = min(step / length, 1.0)
    if options.strength_schedule == "cyclic":
        fraction = min(2 * (step % length) / length, 1.0)
    elif options.strength_schedule == "cosine":
        fraction = (1 - math.cos(math.pi * fraction)) / 2
    return strength * (options.schedule_start + (1 - options.schedule_start) * fraction)


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
