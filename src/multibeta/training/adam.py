"""Adam as plain tensors: PyTorch's fused update, without the optimiser class and what it imports.

The first `torch.optim.Adam` of a process imports the compiler, which takes longer than training a small model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Adam (Kingma & Ba 2015, https://arxiv.org/abs/1412.6980), without weight decay, ε = 1e-8.

    Attributes:
        learning_rate: may be changed between steps. On a GPU it is a tensor, which a CUDA graph reads anew each time.
    """

    def __init__(self, parameters: Sequence[Tensor], learning_rate: float, betas: tuple[float, float]) -> None:
        self.parameters = list(parameters)
        device = self.parameters[0].device
        self._rate = torch.tensor(learning_rate, device=device) if device.type == "cuda" else None
        self.learning_rate = learning_rate
        self.betas = betas
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = value
        if self._rate is not None:
            self._rate.fill_(value)

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        used = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adam(
            [self.parameters[index] for index in used],
            [self.parameters[index].grad for index in used],  # type: ignore[misc]
            [self.means[index] for index in used],
            [self.squares[index] for index in used],
            [],
            [self.steps[index] for index in used],
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self._learning_rate if self._rate is None else self._rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Everything but the learning rate, as ``<index>/mean``, ``<index>/square`` and ``<index>/step``."""
        state: dict[str, Tensor] = {}
        for index, moments in enumerate(zip(self.means, self.squares, self.steps, strict=True)):
            state |= {f"{index}/{name}": tensor for name, tensor in zip(_MOMENTS, moments, strict=True)}
        return state

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        for key, tensor in self.state().items():
            tensor.copy_(state[key])


_MOMENTS = ("mean", "square", "step")


class Plateau:
    """Lowers a learning rate when the loss makes no progress, as ``ReduceLROnPlateau`` does.

    A loss is progress when it is below (1 − 1e-4) × the best so far (above 0; for a loss below 0, by as much of it).
    """

    def __init__(self, patience: int, factor: float) -> None:
        self.patience, self.factor = patience, factor
        self.best = float("inf")
        self.waited = 0

    def update(self, loss: float, learning_rate: float) -> float:
        """The learning rate after a validation with this loss."""
        if self.best == float("inf") or loss < self.best - 1e-4 * abs(self.best):
            self.best, self.waited = loss, 0
            return learning_rate
        self.waited += 1
        if self.waited <= self.patience:
            return learning_rate
        self.waited = 0
        return learning_rate * self.factor
