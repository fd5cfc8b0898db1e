"""A running average of a network's weights, which is often better than the last of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightsAverage:
    """The exponential average w̄ ← d · w̄ + (1 − d) · w of weights and running statistics, from the first step on.

    It begins at 0 and is divided by 1 − dᵗ when it is read, as Adam's moments are, so that the initial weights do not
    linger. Polyak & Juditsky 1992, https://doi.org/10.1137/0330046, with exponential weights.

    Args:
        network: whose weights are averaged.
        decay: d, between 0 and 1; about the last 1 / (1 − d) steps count.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self._sums = {name: torch.zeros_like(tensor) for name, tensor in _averaged(network).items()}
        #: 1 − dᵗ; on the device, as a CUDA graph advances it.
        self._share = torch.zeros((), dtype=torch.float64, device=next(network.parameters()).device)

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights in."""
        torch._foreach_lerp_(list(self._sums.values()), list(_averaged(self.network).values()), 1 - self.decay)
        self._share.lerp_(torch.ones_like(self._share), 1 - self.decay)

    def weights(self) -> dict[str, Tensor]:
        """The averages under the names of the network's state, with what is counted rather than averaged."""
        share = self._share.clamp(min=1e-12)
        averages = {name: (each / share).to(each.dtype) for name, each in self._sums.items()}
        return {**self.network.state_dict(), **averages}

    def state(self) -> dict[str, Tensor]:
        return {**self._sums, "share": self._share}


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
