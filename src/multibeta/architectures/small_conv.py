"""Small convolutional nets for images of 16 to 32 pixels on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.architectures import Architecture
from multibeta.architectures._layers import convolutions, dense, transposed_convolutions

if TYPE_CHECKING:
    from torch import nn


class SmallConv(Architecture):
    """The nets of Burgess 2018 at about a quarter of the work: channels 16, 32, 32 and one layer of 128.

    Serves 16×16, 28×28 and 32×32 images; made for teaching sets and quick studies, with no paper behind it.
    """

    title = "small convolutional"
    source = "this project"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1] != shape[2] or shape[1] not in (16, 28, 32):
            raise ValueError(f"needs images of 16×16, 28×28 or 32×32, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        channels, side = _plan(shape)
        body = [*convolutions([shape[0], *channels]), nn.Flatten(), *dense([channels[-1] * side**2, 128])]
        return nn.Sequential(*body), 128

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        channels, side = _plan(shape)
        return nn.Sequential(
            *dense([inputs, 128, channels[-1] * side**2]),
            nn.Unflatten(1, (channels[-1], side, side)),
            *transposed_convolutions([*reversed(channels), shape[0]]),
        )


def _plan(shape: tuple[int, int, int]) -> tuple[list[int], int]:
    """The channels of the convolutions and the side they end with: halved while it stays whole and at least 4."""
    channels = {16: [16, 32], 28: [16, 32], 32: [16, 16, 32]}[shape[1]]
    return channels, shape[1] >> len(channels)
