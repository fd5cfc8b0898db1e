"""One step of a run as a CUDA graph: launching the kernels of these small nets takes longer than running them.

A graph launches all kernels of a step at once, and those of several runs, on streams of their own, fill one GPU.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from multibeta.training.run import Training

#: Steps run before a capture: in the first ones libraries choose their kernels and take their memory.
WARM_UP = 3
#: Does a step, given the indices (B,) of its images, its noise (B, D), its strength and draws (B, D) of the prior.
Update = Callable[[Tensor, Tensor, float, Tensor | None], None]


def captured(training: Training) -> Update:
    """`Training.update` of a run on a GPU as a graph, or as it is where it cannot be captured, which is said.

    A step that waits for the device cannot be, such as that of a variant which asks for ``.item()``.

    Args:
        training: at its start or restored; it is as before afterwards.
    """
    device = torch.device(training.device)
    indices = torch.zeros(training.order.batch_size, dtype=torch.int64, device=device)
    noise = torch.zeros(len(indices), training.network.latents, device=device)
    strength = torch.ones((), device=device)
    chance = torch.zeros_like(noise) if training.variant.draws_prior else None
    graph = torch.cuda.CUDAGraph()
    beside = torch.cuda.Stream(device)
    with _unchanged(training):
        beside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                training.update(indices, noise, strength, chance)
        torch.cuda.current_stream(device).wait_stream(beside)
        _forget_gradients(training)
        try:
            # On a stream of its own: libraries keep their working memory by stream, and graphs run side by side.
            with torch.cuda.graph(graph, stream=beside):
                training.update(indices, noise, strength, chance)
        except RuntimeError as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            print(f"seed {training.seed}: trains without a CUDA graph ({reason})", file=sys.stderr)
            _forget_gradients(training)
            return training.update

    def replay(of_step: Tensor, noise_of_step: Tensor, strength_of_step: float, chance_of_step: Tensor | None) -> None:
        indices.copy_(of_step)
        noise.copy_(noise_of_step)
        strength.fill_(strength_of_step)
        if chance is not None and chance_of_step is not None:
            chance.copy_(chance_of_step)
        graph.replay()

    return replay


def _forget_gradients(training: Training) -> None:
    training.optimizer.zero_grad()
    if training.adversary_optimizer is not None:
        training.adversary_optimizer.zero_grad()


@contextmanager
def _unchanged(training: Training) -> Iterator[None]:
    """Put all that a step changes back as it was; in place, for a graph knows it by its memory."""
    tensors = list(training.tensors().values())
    before, sums = [tensor.clone() for tensor in tensors], training.sums.clone()
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        # There are none before the first step, which tells how many terms there are to add up.
        training.sums.copy_(sums if len(sums) else torch.zeros_like(training.sums))
