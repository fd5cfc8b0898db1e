"""The small classifier whose features tell how near images are to a dataset: its layers and its training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.randomness import key, numpy_generator

if TYPE_CHECKING:
    from torch import Tensor, nn

FEATURES = 64
BATCH = 64
EPOCHS, LEAST_STEPS, MOST_STEPS = 10, 400, 3000
LEARNING_RATE = 5e-3


def build_body(shape: tuple[int, int, int]) -> nn.Sequential:
    """The net (B, C, H, W) → (B, 64) for images of shape (C, H, W), H and W at least 8.

    Convolutions of stride 2 halve the image until about 4×4 pixels are left, and double the channels up to 64. Leaky
    units leave no feature dead, and make the features proportional to the last linear layer.
    """
    from torch import nn

    channels, height, width = shape
    stages = max(1, math.floor(math.log2(min(height, width) / 4)))
    layers: list[nn.Module] = []
    for stage in reversed(range(stages)):
        wider = max(8, 64 >> stage)
        layers += [nn.Conv2d(channels, wider, 4, stride=2, padding=1), nn.LeakyReLU(0.1)]
        channels, height, width = wider, height // 2, width // 2
    layers += [nn.Flatten(), nn.Linear(channels * height * width, FEATURES), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


def fit(
    images: NDArray[np.uint8], targets: NDArray[np.int64], sizes: list[int], rows: NDArray[np.int64], seed: int
) -> tuple[nn.Sequential, nn.Linear]:
    """The body and its heads, one softmax per factor, trained on the given ``rows``.

    Ten epochs, but 400 steps at least and 3,000 at most, of Adam (Kingma & Ba 2015) whose learning rate rises linearly
    for the first third and falls to 0 after; the loss is the mean over factors of the cross-entropy.

    Args:
        images: uint8 (N, H, W, C).
        targets: int (N, K), values 0 … size − 1 of each factor.
        sizes: the K sizes.
        rows: int (M,).
    """
    import torch
    from torch import nn
    from torch.nn import functional

    steps = min(max(EPOCHS * len(rows) // BATCH, LEAST_STEPS), MOST_STEPS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(seed, "domain features, weights"))
        body = build_body((images.shape[3], *images.shape[1:3]))
        heads = nn.Linear(FEATURES, sum(sizes))
    parameters = [*body.parameters(), *heads.parameters()]
    averages = [(torch.zeros_like(parameter), torch.zeros_like(parameter)) for parameter in parameters]
    draws = numpy_generator(seed, "domain features, batches")
    for step in range(1, steps + 1):
        batch = draws.choice(rows, BATCH)
        logits = heads(body(as_input(images[batch]))).split(sizes, dim=1)
        truth = torch.from_numpy(targets[batch]).unbind(1)
        loss = torch.stack([functional.cross_entropy(*pair) for pair in zip(logits, truth, strict=True)]).mean()
        gradients = torch.autograd.grad(loss, parameters)
        rate = LEARNING_RATE * min(3 * step, 1.5 * (steps - step)) / steps
        # Adam by hand: importing torch.optim's takes longer than the whole training of a small dataset.
        with torch.no_grad():
            for parameter, gradient, (first, second) in zip(parameters, gradients, averages, strict=True):
                first.lerp_(gradient, 0.1)
                second.lerp_(gradient.square(), 0.001)
                scale = (second / (1 - 0.999**step)).sqrt_().add_(1e-8)
                parameter.addcdiv_(first, scale, value=-rate / (1 - 0.9**step))
    return body, heads


def as_input(images: NDArray[np.uint8]) -> Tensor:
    """uint8 (B, H, W, C) → float32 (B, C, H, W) in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().div_(255)
