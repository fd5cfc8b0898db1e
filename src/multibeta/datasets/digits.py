"""Digits: the 1,797 real handwritten digits of 8×8 pixels that scikit-learn brings along."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from multibeta.datasets import Arrays, DatasetSource, random_held_out


class Digits(DatasetSource):
    """The test part of "Optical Recognition of Handwritten Digits", with the digit as label and no factors.

    Its grey values 0 … 16 count the ink pixels of 4×4 blocks; here they are 0 … 255.

    References:
        Alpaydin & Kaynak 1998, https://archive.ics.uci.edu/dataset/80
    """

    title = "Handwritten digits, 8×8"
    licence = "CC BY 4.0 (UCI Machine Learning Repository)"
    source = "https://archive.ics.uci.edu/dataset/80, as shipped with scikit-learn"
    classes = tuple("0123456789")
    shape = (1, 8, 8)

    def build(self, files: dict[str, Path]) -> Arrays:
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]
        return Arrays(images, random_held_out(len(images)), labels=digits.target.astype(np.int64))
