"""LPIPS: how different reconstructions look to a network calibrated on human judgements."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result
from multibeta.metrics._calibration import disqualified, evenly, ladders
from multibeta.metrics._features import Pretrained
from multibeta.metrics.image._colour import rgb
from multibeta.metrics.image._inception import DEGRADED, calibrated
from multibeta.metrics.image._pairs import check_pairs
from multibeta.metrics.image._weights import path_of

if TYPE_CHECKING:
    from torch import nn

    from multibeta.metrics._features import DomainFeatures

BATCH = 64
#: The size LPIPS was calibrated on; smaller images are enlarged to it, which AlexNet needs below 31 pixels anyway.
SIDE = 64


class LPIPS(Metric):
    """Σ_l mean_hw ‖w_l ⊙ (ŷ_l − ŷ'_l)‖² of unit-normalised AlexNet features of an image and its reconstruction.

    Version 0.1 of the ``lpips`` package, averaged over held-out images; grey images are replicated to three channels,
    images with a side below 64 pixels are enlarged bilinearly to 64×64. Used only where it grows with
    blur and noise added to the dataset's own images.

    Source: Zhang et al. 2018, https://arxiv.org/abs/1801.03924
    """

    title = "LPIPS (AlexNet; images below 64×64 @64)"
    source = "Zhang et al. 2018, https://arxiv.org/abs/1801.03924"
    protocol = "alex_0.1"
    better = "lower"
    needs = ("features", "images", "reconstructions")
    representation = "reconstruction"

    def measure(
        self, *, features: DomainFeatures, images: NDArray[np.float32], reconstructions: NDArray[np.float32]
    ) -> Result:
        network = _network(path_of("alexnet"))
        calibrated(features, "alexnet")
        check_pairs(images, reconstructions)
        return Result(float(_distances(network, images, reconstructions).mean()), n=len(images))


def calibration(images: NDArray[np.float32], seed: int = 0) -> Pretrained:
    """How LPIPS answers to real images (M, C, H, W) degraded; unusable if its weights are not there."""
    try:
        network = _network(path_of("alexnet"))
    except NotComputed as reason:
        return Pretrained(str(reason))
    images = evenly(images, DEGRADED)
    rungs = ladders(lambda degraded: float(_distances(network, images, degraded).mean()), images, seed)
    return Pretrained(disqualified(rungs), ladders=rungs)


def _distances(network: nn.Module, images: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """LPIPS of every pair of images (M, C, H, W): (M,)."""
    import torch

    device = next(network.parameters()).device
    values = []
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for i in range(0, len(images), BATCH):
            pair = [_input(side[i : i + BATCH]).to(device) for side in (images, others)]
            values.append(network(*pair, normalize=True).flatten().cpu().numpy())
    return np.concatenate(values).astype(np.float64)


@functools.lru_cache(maxsize=1)
def _network(trunk: Path) -> nn.Module:
    """The package's network, its heads from the package and its trunk from the verified file."""
    import torch
    from lpips import LPIPS as Package

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # the package asks torchvision for a random trunk by a deprecated argument
        network: Any = Package(net="alex", version="0.1", pnet_rand=True, verbose=False)
    # The package loads its heads without checking their names, so a mismatch would leave random ones.
    if any((parameter < 0).any() for parameter in network.lins.parameters()):
        raise NotComputed("LPIPS heads hold negative weights: those of the lpips package were not loaded")
    weights = torch.load(trunk, map_location="cpu", weights_only=True)
    # ``slice2.3.weight`` of the package is ``features.3.weight`` of torchvision.
    network.net.load_state_dict(
        {name: weights["features." + name.partition(".")[2]] for name in network.net.state_dict()}
    )
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _input(images: NDArray[np.float32]) -> Any:
    """(B, C, H, W) → float32 tensor (B, 3, H, W) with H, W ≥ 64."""
    import torch
    from torch.nn import functional

    tensor = torch.from_numpy(rgb(images))
    if min(tensor.shape[2:]) < SIDE:
        tensor = functional.interpolate(tensor, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return tensor
