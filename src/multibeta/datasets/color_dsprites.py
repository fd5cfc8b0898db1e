"""Colour-dSprites: dSprites whose sprite has a colour of its own in every image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets._derived_dsprites import DerivedDSprites, rgb, row_of
from multibeta.randomness import octets


class ColorDSprites(DerivedDSprites):
    """The sprite in a colour whose red, green and blue are each uniform in [0.5, 1]; no factor tells it.

    References:
        Locatello et al. 2019, https://arxiv.org/abs/1811.12359, section 5.1 and its code; of Matthey et al. 2017
    """

    title = "Colour-dSprites"
    source = "dSprites, coloured as in disentanglement_lib: https://github.com/google-research/disentanglement_lib"

    def derive(
        self, images: NDArray[np.uint8], positions: NDArray[np.int64], extras: Mapping[str, NDArray[Any]]
    ) -> NDArray[np.uint8]:
        colours = 128 + octets(0, "colours of sprites", positions, 3) // 2
        return rgb(images) & row_of(colours)  # all bits of a sprite are set
