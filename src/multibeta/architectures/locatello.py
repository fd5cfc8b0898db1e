"""The convolutional nets of disentanglement_lib (Locatello et al. 2019), for 64×64 images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from multibeta import registry
from multibeta.architectures import Architecture
from multibeta.architectures._layers import dense, transposed_convolutions

if TYPE_CHECKING:
    from torch import nn


class Locatello(Architecture):
    """Convolutions of 32, 32, 64, 64 channels, stride 2, one layer of 256; decoder 256, 1024, then 64, 32, 32.

    The paper's table says 4×4 for all kernels, as here; the published code, which made the published numbers, has 2×2
    in the third and fourth convolution: `kernel`. "SAME" padding of a 2×2 kernel with stride 2 on an even side is none.

    References:
        Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
        Representations", https://arxiv.org/abs/1811.12359, and its code disentanglement_lib.
    """

    class Options(registry.Options):
        kernel: Literal[2, 4] = Field(4, description="side of the kernels of the third and fourth convolution")

    title = "disentanglement_lib"
    version = 2
    source = "Locatello et al. 2019, https://arxiv.org/abs/1811.12359"

    def check(self, shape: tuple[int, int, int]) -> None:
        if shape[1:] != (64, 64):
            raise ValueError(f"needs images of 64×64, found {shape[1]}×{shape[2]}")

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        from torch import nn

        body: list[nn.Module] = []
        late = self.options.kernel
        for before, after, kernel in ((shape[0], 32, 4), (32, 32, 4), (32, 64, late), (64, 64, late)):
            body += [nn.Conv2d(before, after, kernel, stride=2, padding=(kernel - 2) // 2), nn.ReLU()]
        return nn.Sequential(*body, nn.Flatten(), *dense([64 * 4 * 4, 256])), 256

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        from torch import nn

        return nn.Sequential(
            *dense([inputs, 256, 1024]),
            nn.Unflatten(1, (64, 4, 4)),
            *transposed_convolutions([64, 64, 32, 32, shape[0]]),
        )
