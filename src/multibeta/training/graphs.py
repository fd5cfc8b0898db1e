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
    from multibeta.training.loop import Training

#: Steps run before a capture: in the first ones libraries choose their kernels and take their memory.
WARM_UP = 3
#: Does a step, given the indices (B,) of its images, its noise (B, D) and its strength.
Update = Callable[[Tensor, Tensor, float], None]


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
    graph = torch.cuda.CUDAGraph()
    beside = torch.cuda.Stream(device)
    with _unchanged(training):
        beside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                training.update(indices, noise, strength)
        torch.cuda.current_stream(device).wait_stream(beside)
        training.optimizer.zero_grad()
        try:
            # On a stream of its own: libraries keep their working memory by stream, and graphs run side by side.
            with torch.cuda.graph(graph, stream=beside):
                training.update(indices, noise, strength)
        except RuntimeError as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            print(f"seed {training.seed}: trains without a CUDA graph ({reason})", file=sys.stderr)
            training.optimizer.zero_grad()
            return training.update

    def replay(of_step: Tensor, noise_of_step: Tensor, strength_of_step: float) -> None:
        indices.copy_(of_step)
        noise.copy_(noise_of_step)
        strength.fill_(strength_of_step)
        graph.replay()

    return replay


@contextmanager
def _unchanged(training: Training) -> Iterator[None]:
    """Put weights, moments and sums back as they were; in place, for a graph knows them by their memory."""
    tensors = [*training.network.state_dict().values(), *training.optimizer.state().values()]
    before, sums = [tensor.clone() for tensor in tensors], training.sums.clone()
    try:
        yield
    finally:
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)
        # There are none before the first step, which tells how many terms there are to add up.
        training.sums.copy_(sums if len(sums) else torch.zeros_like(training.sums))
