"""Fully connected nets, for images of any size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from multibeta import registry
from multibeta.architectures import Architecture
from multibeta.architectures._layers import dense

if TYPE_CHECKING:
    from torch import nn


class MLP(Architecture):
    """Hidden layers, two of 256 unless said otherwise, in the encoder, mirrored in the decoder.

    The plain net of Kingma & Welling 2014 with one layer more; fit for images of up to about 28×28.
    """

    class Options(registry.Options):
        widths: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(
            (256, 256), min_length=1, max_length=8, description="units of the encoder's hidden layers"
        )

    title = "MLP"
    source = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        widths = self.options.widths
        return nn.Sequential(nn.Flatten(), *dense([math.prod(shape), *widths])), widths[-1]

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        widths = self.options.widths[::-1]
        hidden = dense([inputs, *widths])
        return nn.Sequential(*hidden, nn.Linear(widths[-1], math.prod(shape)), nn.Unflatten(1, shape))
