"""The one Inception network that FID and its kin are named after, and what it sees in images."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics._calibration import calibrate
from multibeta.metrics._features import Pretrained
from multibeta.metrics._memory import Memory
from multibeta.metrics.image._colour import rgb
from multibeta.metrics.image._weights import path_of

if TYPE_CHECKING:
    from torch import nn

    from multibeta.metrics._features import DomainFeatures

BATCH = 64
#: Real images measured on each side, and of them those that are degraded, at most: they take minutes on a CPU.
REAL, DEGRADED = 2_000, 500


class Seen(NamedTuple):
    """Of M images the pooled features (M, 2048) and the class scores without their bias (M, 1008), float32."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]


def see(images: NDArray[np.float32]) -> Seen:
    """What the network sees in images (M, C, H, W) in [0, 1]; that of the last few arrays is remembered.

    Raises:
        NotComputed: the weights are absent or altered.
    """
    return _memory(path_of("inception"))(eight_bits(images))


def real_side(features: DomainFeatures) -> Pretrained:
    """The held-out images of the dataset as the network sees them.

    Raises:
        NotComputed: the weights are absent or altered, were so when the features were learnt, or the network is
            disqualified on this dataset.
    """
    path_of("inception")
    return calibrated(features, "inception")


def calibrated(features: DomainFeatures, name: str) -> Pretrained:
    """What is known of the network ``name`` on the dataset. Raises `NotComputed` if it must not be used."""
    unknown = Pretrained("it was not there when they were learnt")
    found = features.pretrained.get(name, unknown)
    if not found.ladders:
        raise NotComputed(
            f"the dataset's features hold no calibration of {name} ({found.unusable}): "
            "learn them again with `multibeta features`"
        )
    if found.unusable:
        raise NotComputed(found.unusable)
    return found


def calibration(held: NDArray[np.float32], trained: NDArray[np.float32], seed: int = 0) -> Pretrained:
    """The network on a dataset of which real images (M, C, H, W) are given; unusable if its weights are not there."""
    try:
        path_of("inception")
    except NotComputed as reason:
        return Pretrained(str(reason))
    found, features = calibrate(lambda images: see(images).features, held, trained, seed, most=DEGRADED)
    return Pretrained(**vars(found), features=features)


@functools.lru_cache(maxsize=1)
def _memory(path: Path) -> Memory[Seen]:
    network = _network(path)
    return Memory(lambda images: _see(network, images))


def _network(path: Path) -> nn.Module:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # It unpickles the file, which is safe only because the file's sha256 is verified.
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = FeatureExtractorInceptionV3(
            "fid", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
        )
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def _see(network: nn.Module, images: NDArray[np.uint8]) -> Seen:
    """uint8 (M, 3, H, W), in batches of one size and without TF32, on which features would depend."""
    import torch

    device = next(network.parameters()).device
    seen = []
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for i in range(0, len(images), BATCH):
            seen.append([part.cpu().numpy() for part in network(torch.from_numpy(images[i : i + BATCH]).to(device))])
    return Seen(*(np.concatenate(parts) for parts in zip(*seen, strict=True)))


def eight_bits(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images in [0, 1] as uint8 RGB, rounded: truncating would darken them by half a step."""
    return rgb((images.clip(0, 1) * 255).round().astype(np.uint8))
