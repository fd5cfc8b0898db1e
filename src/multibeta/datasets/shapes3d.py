"""3D Shapes: 480,000 rendered rooms with an object, every combination of six factors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from multibeta.datasets import Arrays, DataError, DatasetSource, Factor, File, grid_factors, random_held_out
from multibeta.datasets._array_file import ArrayFile

NAME = "3dshapes.h5"


class Shapes3D(DatasetSource):
    """The full grid of floor hue, wall hue, object hue, scale, shape and orientation, 64×64 RGB.

    The ten hues go once around the circle of colours; the orientations, −30° to 30°, do not.

    References:
        Burgess & Kim 2018, "3D Shapes Dataset", https://github.com/google-deepmind/3d-shapes; first used by Kim & Mnih
        2018, https://arxiv.org/abs/1802.05983
    """

    title = "3D Shapes"
    licence = "Apache-2.0"
    source = "https://github.com/google-deepmind/3d-shapes"
    citation = (
        "@misc{3dshapes18, author = {Chris Burgess and Hyunjik Kim}, title = {{3D} Shapes Dataset}, year = {2018}, "
        "howpublished = {https://github.com/google-deepmind/3d-shapes}}"
    )
    factors = (
        Factor("floor_hue", 10, "periodic"),
        Factor("wall_hue", 10, "periodic"),
        Factor("object_hue", 10, "periodic"),
        Factor("scale", 8, "ordinal"),
        Factor("shape", 4, "categorical"),
        Factor("orientation", 15, "ordinal"),
    )
    files = (File(NAME, f"https://storage.googleapis.com/3d-shapes/{NAME}", md5="099a2078d58cec4daad0702c55d06868"),)
    grid = True
    shape = (3, 64, 64)

    def build(self, files: dict[str, Path]) -> Arrays:
        file = ArrayFile(files[NAME])
        shape, images = file.images("images")
        factors = grid_factors(self.factors)
        # Its labels are the factors' own units, such as a hue of 0.3 or an angle of −30: their ranks are the values.
        labels = file.read("labels")
        ranks = np.column_stack(
            [np.unique(column, return_inverse=True)[1] for column in labels.reshape(len(labels), -1).T]
        )
        if shape[:1] != factors.shape[:1] or not np.array_equal(ranks, factors):
            raise DataError(
                f"{files[NAME]}: its {shape[0]} images are not the grid of {len(factors)} combinations, in order"
            )
        return Arrays(images, random_held_out(len(factors)), factors)
