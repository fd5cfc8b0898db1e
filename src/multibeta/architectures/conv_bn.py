"""Convolutions with batch normalisation, wider from layer to layer, for images of 28 to 128 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from multibeta import registry
from multibeta.architectures import Architecture
from multibeta.architectures._layers import (
    dense,
    halvings,
    normalised_convolutions,
    normalised_transposed_convolutions,
)

if TYPE_CHECKING:
    from torch import nn


class ConvBN(Architecture):
    """3×3 convolutions of stride 2 with BatchNorm and LeakyReLU, of 32, 64, 128, 256 channels; decoder mirrored.

    As many of them as halve the side while it stays whole and at least 4: two for 28×28, which ends at 7, three for
    32×32, four for 64×64 and 128×128. The decoder's layers are 4×4 transposed convolutions. Made for 128 latents. While
    it is trained, BatchNorm takes mean and variance from the batch, so images of a batch are not independent of each
    other.

    References:
        The pattern of Radford et al. 2016, https://arxiv.org/abs/1511.06434, as many β-VAE repositories have it;
        BatchNorm: Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """

    class Options(registry.Options):
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (32, 64, 128, 256), min_length=1, max_length=8, description="channels of the convolutions"
        )

    title = "convolutional, BatchNorm"
    source = "Radford et al. 2016, https://arxiv.org/abs/1511.06434"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1] != shape[2] or shape[1] not in (28, 32, 64, 128):
            raise ValueError(f"needs images of 28×28, 32×32, 64×64 or 128×128, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        widths, side = self._plan(shape)
        return nn.Sequential(*normalised_convolutions([shape[0], *widths]), nn.Flatten()), widths[-1] * side**2

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        widths, side = self._plan(shape)
        return nn.Sequential(
            *dense([inputs, widths[-1] * side**2]),
            nn.Unflatten(1, (widths[-1], side, side)),
            *normalised_transposed_convolutions([*reversed(widths), shape[0]]),
        )

    def _plan(self, shape: tuple[int, int, int]) -> tuple[list[int], int]:
        """The channels of the convolutions and the side they end with."""
        widths = list(self.options.widths[: halvings(shape[1])])
        return widths, shape[1] >> len(widths)
