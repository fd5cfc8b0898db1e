"""The spatial broadcast decoder: the code stands at every pixel, beside the pixel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.architectures import Architecture
from multibeta.architectures._layers import convolutions, dense, halvings

if TYPE_CHECKING:
    from torch import nn


class SpatialBroadcast(Architecture):
    """The encoder of Burgess 2018; a decoder of four 3×3 convolutions of 64 channels over code and coordinates.

    The decoder works at the full size of the image, so it costs about ten times a deconvolving one. Convolutions of
    stride 2 in the encoder as many as halve the side while it stays whole and at least 4.

    References:
        Watters et al. 2019, "Spatial Broadcast Decoder", https://arxiv.org/abs/1901.07017, section 3; kernels of 3×3
        for the paper's 4×4, which have no middle.
    """

    title = "spatial broadcast"
    source = "Watters et al. 2019, https://arxiv.org/abs/1901.07017"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1] != shape[2] or shape[1] not in (28, 32, 64, 128):
            raise ValueError(f"needs images of 28×28, 32×32, 64×64 or 128×128, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        count = halvings(shape[1])
        channels, side = [32] * count, shape[1] >> count
        body = [*convolutions([shape[0], *channels]), nn.Flatten(), *dense([32 * side**2, 256, 256])]
        return nn.Sequential(*body), 256

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        from multibeta.architectures._broadcast import Broadcast

        layers: list[nn.Module] = [Broadcast(*shape[1:])]
        for before in (inputs + 2, 64, 64, 64):
            layers += [nn.Conv2d(before, 64, 3, padding=1), nn.ReLU()]
        return nn.Sequential(*layers, nn.Conv2d(64, shape[0], 3, padding=1))
