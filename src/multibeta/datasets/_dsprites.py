"""Reads the npz format of dSprites, which the whole dataset and its coarser grid share."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from multibeta.datasets import Arrays, DataError, _npz, random_held_out


def read(path: Path, factors: int) -> Arrays:
    """Binary images as 0 and 255, one chunk after the other, with the last ``factors`` columns of the latents' classes.

    The key ``metadata`` is a pickle, which could run code when loaded; it is never touched.

    Raises:
        DataError: the file is not such an npz.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            latents = archive["latents_classes"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not an npz in the format of dSprites: {error}") from None
    images = _npz.Member(path, "imgs")
    chunks = (chunk[..., None] * np.uint8(255) for chunk in images)
    return Arrays(chunks, random_held_out(len(images)), latents[:, -factors:].astype(np.int64))
