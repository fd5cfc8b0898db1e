"""Small residual nets for images of 64 and 128 pixels."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from multibeta.architectures import Architecture
from multibeta.architectures._layers import dense

if TYPE_CHECKING:
    from torch import nn

#: Channels of the stages for 64×64 images; 128×128 has one stage more.
WIDTHS = (32, 64, 64, 128)


class Residual(Architecture):
    """Stages of a 4×4 convolution of stride 2 and a residual block, of 32, 64, 64, 128 channels, and one layer of 256.

    128×128 images have a fifth stage of 128 channels, so that both end at 4×4. No normalisation: two blocks' depth does
    not need it, and images of a batch stay independent. The decoder is mirrored, with transposed convolutions.

    References:
        He et al. 2016, "Identity Mappings in Deep Residual Networks", https://arxiv.org/abs/1603.05027, for the block.
    """

    title = "small residual"
    source = "this project; blocks of He et al. 2016, https://arxiv.org/abs/1603.05027"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1:] not in ((64, 64), (128, 128)):
            raise ValueError(f"needs images of 64×64 or 128×128, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        from multibeta.architectures._residual_block import ResidualBlock

        body: list[nn.Module] = []
        for before, after in pairwise([shape[0], *_widths(shape)]):
            body += [nn.Conv2d(before, after, 4, stride=2, padding=1), ResidualBlock(after)]
        return nn.Sequential(*body, nn.ReLU(), nn.Flatten(), *dense([128 * 4 * 4, 256])), 256

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        from multibeta.architectures._residual_block import ResidualBlock
        from multibeta.architectures._upsampling import Upsampling

        raised: list[nn.Module] = []
        for before, after in pairwise([*reversed(_widths(shape)), shape[0]]):
            raised += [ResidualBlock(before), nn.ReLU(), Upsampling(before, after)]
        return nn.Sequential(*dense([inputs, 256]), nn.Linear(256, 128 * 4 * 4), nn.Unflatten(1, (128, 4, 4)), *raised)


def _widths(shape: tuple[int, int, int]) -> list[int]:
    return [*WIDTHS, *([WIDTHS[-1]] if shape[1] == 128 else [])]
