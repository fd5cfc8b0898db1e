"""Scream-dSprites: dSprites before a part of "The Scream"."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import Arrays, DataError, File
from multibeta.datasets._derived_dsprites import SIDE, DerivedDSprites, rgb, row_of
from multibeta.randomness import octets, words

NAME = "The_Scream.jpg"
#: What the painting is made to fit into, in pixels.
BOX = (350, 274)


class ScreamDSprites(DerivedDSprites):
    """A random part of the painting, half mixed with a random colour; inside the sprite its negative.

    Nobody publishes a hash of the picture, and it may be replaced where it lies, so it is only checked to be a JPEG.
    The sha256 of what was made of it is on the card; two studies compare only if they have the same.

    References:
        Locatello et al. 2019, https://arxiv.org/abs/1811.12359, section 5.1 and its code; of Matthey et al. 2017
    """

    title = "Scream-dSprites"
    licence = "Apache-2.0 (dSprites); public domain (The Scream, Edvard Munch 1893)"
    source = (
        "dSprites, on the painting as in disentanglement_lib: https://github.com/google-research/disentanglement_lib"
    )

    @property
    def files(self) -> tuple[File, ...]:  # type: ignore[override]
        painting = File(NAME, f"https://upload.wikimedia.org/wikipedia/commons/f/f4/{NAME}", starts=b"\xff\xd8\xff")
        return (*super().files, painting)

    def build(self, files: dict[str, Path]) -> Arrays:
        arrays = super().build(files)
        arrays.extras["painting"] = _painting(files[NAME])
        return arrays

    def derive(
        self, images: NDArray[np.uint8], positions: NDArray[np.int64], extras: Mapping[str, NDArray[Any]]
    ) -> NDArray[np.uint8]:
        painting = extras["painting"]
        height, width = painting.shape[:2]
        free = np.array([height - SIDE, width - SIDE], np.uint64)
        top, left = (words(0, "parts of the painting", positions, 2) % free).T
        # Rows of pixels, whose bytes lie together, are copied faster than pixels.
        parts = np.lib.stride_tricks.sliding_window_view(painting.reshape(height, -1), (SIDE, 3 * SIDE))[top, 3 * left]
        colours = row_of(octets(0, "colours of the painting", positions, 3))
        mixed = np.add(parts.reshape(-1, SIDE, SIDE, 3), colours, dtype=np.uint16) // 2
        return mixed.astype(np.uint8) ^ rgb(images)  # 255 − x where the sprite is


def _painting(path: Path) -> NDArray[np.uint8]:
    """The picture (H, W, 3), made to fit into the box."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            whole = picture.size
            picture.thumbnail(BOX)  # by Pillow's own filter, as disentanglement_lib leaves it
            smaller = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is no whole JPEG: {' '.join(str(error).split())}") from None
    if min(smaller.size) <= SIDE:
        raise DataError(f"{path} is {whole[0]}×{whole[1]} pixels, too narrow for parts of {SIDE}×{SIDE}")
    return np.asarray(smaller)
