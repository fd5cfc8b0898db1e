"""The convolutional nets of Burgess et al. 2018, the common choice for 64×64 images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.architectures import Architecture
from multibeta.architectures._layers import convolutions, dense, transposed_convolutions

if TYPE_CHECKING:
    from torch import nn


class Burgess(Architecture):
    """Four convolutions (three for 32×32) of 32 channels, kernel 4, stride 2, and two layers of 256; decoder mirrored.

    About 0.5 million parameters for 64×64×1 and ten latents.

    References:
        Burgess et al. 2018, "Understanding disentangling in β-VAE", https://arxiv.org/abs/1804.03599, appendix A.
    """

    title = "Burgess 2018"
    source = "Burgess et al. 2018, https://arxiv.org/abs/1804.03599"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1:] not in ((64, 64), (32, 32)):
            raise ValueError(f"needs images of 64×64 or 32×32, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        channels = _channels(shape)
        body = [*convolutions([shape[0], *channels]), nn.Flatten(), *dense([32 * 4 * 4, 256, 256])]
        return nn.Sequential(*body), 256

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        channels = _channels(shape)
        return nn.Sequential(
            *dense([inputs, 256, 256, 32 * 4 * 4]),
            nn.Unflatten(1, (32, 4, 4)),
            *transposed_convolutions([*channels, shape[0]]),
        )


def _channels(shape: tuple[int, int, int]) -> list[int]:
    return [32] * (4 if shape[1] == 64 else 3)
