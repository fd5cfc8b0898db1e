"""Noisy-dSprites: dSprites on a background of noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets._derived_dsprites import DerivedDSprites, rgb
from multibeta.randomness import octets


class NoisyDSprites(DerivedDSprites):
    """The sprite in white, every other pixel's red, green and blue uniform in [0, 1], independently.

    References:
        Locatello et al. 2019, https://arxiv.org/abs/1811.12359, section 5.1 and its code; of Matthey et al. 2017
    """

    title = "Noisy-dSprites"
    source = "dSprites, with noise as in disentanglement_lib: https://github.com/google-research/disentanglement_lib"

    def derive(
        self, images: NDArray[np.uint8], positions: NDArray[np.int64], extras: Mapping[str, NDArray[Any]]
    ) -> NDArray[np.uint8]:
        stored = rgb(images)
        return stored | octets(0, "noise around sprites", positions, stored[0].size).reshape(stored.shape)
