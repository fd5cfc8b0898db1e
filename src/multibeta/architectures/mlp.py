"""Fully connected nets, for images of any size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from multibeta.architectures import Architecture
from multibeta.architectures._layers import dense

if TYPE_CHECKING:
    from torch import nn


class MLP(Architecture):
    """Two hidden layers of 256 in the encoder, mirrored in the decoder.

    The plain net of Kingma & Welling 2014 with one layer more; fit for images of up to about 28×28.
    """

    title = "MLP"
    source = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        return nn.Sequential(nn.Flatten(), *dense([math.prod(shape), 256, 256])), 256

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        return nn.Sequential(*dense([inputs, 256, 256]), nn.Linear(256, math.prod(shape)), nn.Unflatten(1, shape))
