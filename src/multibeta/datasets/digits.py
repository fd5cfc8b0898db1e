"""Digits: the 1,797 real handwritten digits of 8×8 pixels that scikit-learn brings along."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from multibeta.datasets import Arrays, DatasetSource, Factor, random_held_out
from multibeta.datasets._morphology import ordinal_factors

#: Five values, for differences are small at 8×8. No height: every digit was scaled to the full height of its image.
MEASURED = tuple(Factor(name, 5, "ordinal") for name in ("area", "thickness", "slant", "width"))


class Digits(DatasetSource):
    """The test part of "Optical Recognition of Handwritten Digits", with the digit as label.

    Its factors are the digit and what is measured of its image, see `multibeta.datasets._morphology`. Its grey values
    0 … 16 count the ink pixels of 4×4 blocks; here they are 0 … 255.

    References:
        Alpaydin & Kaynak 1998, https://archive.ics.uci.edu/dataset/80
    """

    version = 2
    title = "Handwritten digits, 8×8"
    licence = "CC BY 4.0 (UCI Machine Learning Repository)"
    source = "https://archive.ics.uci.edu/dataset/80, as shipped with scikit-learn"
    citation = (
        "@misc{alpaydin98, author = {Ethem Alpaydin and Cenk Kaynak}, "
        "title = {Optical Recognition of Handwritten Digits}, year = {1998}, "
        "howpublished = {UCI Machine Learning Repository}, doi = {10.24432/C50P49}}"
    )
    factors = (Factor("digit", 10, "categorical"), *MEASURED)
    classes = tuple("0123456789")
    shape = (1, 8, 8)

    def build(self, files: dict[str, Path]) -> Arrays:
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.round(digits.images * (255 / 16)).astype(np.uint8)
        labels, held_out = digits.target.astype(np.int64), random_held_out(len(images))
        factors = np.column_stack([labels, ordinal_factors(images, held_out, MEASURED)])
        return Arrays(images[..., None], held_out, factors, labels)
