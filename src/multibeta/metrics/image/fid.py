"""FID: the Fréchet distance in the features of the one Inception network the name is reserved for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, require_finite
from multibeta.metrics._frechet import frechet, moments
from multibeta.metrics.image._colour import rgb
from multibeta.metrics.image._weights import path_of

if TYPE_CHECKING:
    from torch import nn

BATCH = 64


class FID(Metric):
    """‖μ_r − μ_g‖² + tr(S_r + S_g − 2 (S_r S_g)^½) between Inception features of held-out images and prior samples.

    The 2048 pooled features of Inception-v3 (2015-12-05) with the original's resizing to 299×299; images are rounded
    to 8 bits, grey ones replicated to three channels. The network knows photographs: on sprites and digits the number
    is out of its domain. It is biased by the number of images: compare equal numbers only.

    Source: Heusel et al. 2017, https://arxiv.org/abs/1706.08500; features by torch-fidelity,
    https://github.com/toshas/torch-fidelity
    """

    title = "FID"
    source = "Heusel et al. 2017, https://arxiv.org/abs/1706.08500"
    protocol = "inception_2015_12_05"
    better = "lower"
    needs = ("images", "samples")
    representation = "prior"

    def measure(self, *, images: NDArray[np.float32], samples: NDArray[np.float32]) -> Result:
        network = _inception(path_of("inception"))
        require_finite(images=images, samples=samples)
        real, generated = (moments(_features(network, side)) for side in (images, samples))
        return Result(frechet(real, generated), n=len(samples))


@functools.lru_cache(maxsize=1)
def _inception(path: Path) -> nn.Module:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # It unpickles the file, which is safe only because the file's sha256 is verified.
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = FeatureExtractorInceptionV3("fid", ["2048"], feature_extractor_weights_path=str(path))
    return network.to(_device())


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _features(network: nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(M, C, H, W) → (M, 2048), in batches of one size and without TF32, on which features would depend."""
    import torch

    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return np.concatenate(
            [
                network(torch.from_numpy(eight_bits(images[i : i + BATCH])).to(_device()))[0].cpu().numpy()
                for i in range(0, len(images), BATCH)
            ]
        )


def eight_bits(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images in [0, 1] as uint8 RGB, rounded: truncating would darken them by half a step."""
    return rgb((images.clip(0, 1) * 255).round().astype(np.uint8))
