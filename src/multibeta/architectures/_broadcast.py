"""The first layer of a spatial broadcast decoder. Imports torch when imported."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Broadcast(nn.Module):
    """Codes (B, D) → (B, D + 2, H, W): the code at every pixel, beside the pixel's row and column in [−1, 1]."""

    places: Tensor

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
        places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
        self.register_buffer("places", places[None], persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        height, width = self.places.shape[2:]
        everywhere = z[:, :, None, None].expand(-1, -1, height, width)
        return torch.cat([everywhere, self.places.to(z.dtype).expand(len(z), -1, -1, -1)], dim=1)
