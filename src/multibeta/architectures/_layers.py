"""The layers that several architectures are composed of. Every activation is a ReLU unless said otherwise."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


def convolutions(channels: Sequence[int]) -> list[nn.Module]:
    """4×4 convolutions of stride 2, each halving the side and followed by a ReLU."""
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
    return layers


def transposed_convolutions(channels: Sequence[int]) -> list[nn.Module]:
    """4×4 transposed convolutions of stride 2, each doubling the side, with a ReLU between them and none at the end."""
    from torch import nn

    from multibeta.architectures._upsampling import Upsampling

    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [Upsampling(before, after), nn.ReLU(inplace=True)]
    return layers[:-1]


def dense(widths: Sequence[int]) -> list[nn.Module]:
    """Fully connected layers, each followed by a ReLU."""
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return layers


def normalised_convolutions(channels: Sequence[int]) -> list[nn.Module]:
    """3×3 convolutions of stride 2, each halving the side and followed by BatchNorm and a LeakyReLU."""
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        convolution = nn.Conv2d(before, after, 3, stride=2, padding=1)
        layers += [convolution, nn.BatchNorm2d(after), nn.LeakyReLU(inplace=True)]
    return layers


def normalised_transposed_convolutions(channels: Sequence[int]) -> list[nn.Module]:
    """4×4 transposed convolutions of stride 2, with BatchNorm and a LeakyReLU between them and neither at the end."""
    from torch import nn

    from multibeta.architectures._upsampling import Upsampling

    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [Upsampling(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(inplace=True)]
    return layers[:-2]


def halvings(side: int, least: int = 4) -> int:
    """How often a side can be halved while it stays whole and at least ``least``."""
    count = 0
    while side % 2 == 0 and side // 2 >= least:
        side, count = side // 2, count + 1
    return count
