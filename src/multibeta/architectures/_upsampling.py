"""The transposed convolution of all decoders, computed the way that is fastest on a CPU.

The only helper that imports torch when it is imported; plug-ins import it inside functions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Upsampling(nn.ConvTranspose2d):
    """A 4×4 transposed convolution of stride 2 and padding 1: (B, C, H, W) → (B, C', 2H, 2W).

    The same function and parameters as `torch.nn.ConvTranspose2d`, to rounding. On a CPU that is slow where it adds a
    bias, and where there is one output channel; both are done otherwise here.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, 4, stride=2, padding=1)

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        assert self.bias is not None
        if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return functional.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)
        if self.out_channels == 1:
            raised: Tensor = _ToOneChannel.apply(x, self.weight)
        else:
            raised = functional.conv_transpose2d(x, self.weight, None, stride=2, padding=1)
        return raised.add_(self.bias.view(1, -1, 1, 1))


class _ToOneChannel(torch.autograd.Function):
    """The transposed convolution with weights (C, 1, 4, 4): a matrix product and sixteen shifted sums."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        count, channels, height, width = x.shape
        columns = x.permute(0, 2, 3, 1).reshape(-1, channels)
        # Row 2a + i of the kernel adds to output row 2h + 2a + i − 1; likewise for columns.
        tiles = (weight.view(channels, 16).t() @ columns.t()).view(2, 2, 2, 2, count, height, width)
        output = tiles.new_zeros(2, 2, count, height + 1, width + 1)
        for a in (0, 1):
            for b in (0, 1):
                output[..., a : a + height, b : b + width] += tiles[a, :, b]
        whole = output.permute(2, 3, 0, 4, 1).reshape(count, 1, 2 * height + 2, 2 * width + 2)
        return whole[:, :, 1:-1, 1:-1].contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            gradients[0], x, weight, None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1, [True, True, False]
        )
        return of_x, of_weight
