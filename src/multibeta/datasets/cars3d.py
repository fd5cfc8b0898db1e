"""Cars3D: 183 models of cars, each seen from 4 elevations and 24 azimuths."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DataError, DatasetSource, Factor, File, grid_factors, random_held_out
from multibeta.datasets._archives import members
from multibeta.datasets._resize import resize

NAME = "nips2015-analogy-data.tar.gz"
SIDE = 128


class Cars3D(DatasetSource):
    """The full grid of elevation, azimuth and car, 17,568 RGB images, made smaller from 128×128 by Lanczos' filter.

    The cars are numbered in the order of their files' names. disentanglement_lib numbers them in the order in which the
    file system lists them.

    References:
        Reed et al. 2015, "Deep Visual Analogy-Making"; renderings of the CAD models of Fidler et al. 2012
    """

    class Options(registry.Options):
        size: Literal[64, 128] = Field(64, description="side in pixels; 128: as they are")

    title = "Cars3D"
    licence = "not stated by its source"
    source = "http://www.scottreed.info"
    citation = (
        "@inproceedings{reed15, author = {Scott E. Reed and Yi Zhang and Yuting Zhang and Honglak Lee}, "
        "title = {Deep Visual Analogy-Making}, booktitle = {Advances in Neural Information Processing Systems}, "
        "volume = {28}, year = {2015}}"
    )
    factors = (
        Factor("elevation", 4, "ordinal"),
        Factor("azimuth", 24, "periodic"),
        Factor("object", 183, "categorical"),
    )
    files = (File(NAME, f"http://www.scottreed.info/files/{NAME}", md5="4e866a7919c1beedf53964e6f7a23686"),)
    grid = True

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, self.options.size, self.options.size

    def build(self, files: dict[str, Path]) -> Arrays:
        path, size = files[NAME], self.options.size
        elevations, azimuths, count = (factor.size for factor in self.factors)
        cars = {
            name: resize(_read(path, name, content, (azimuths, elevations)), size)
            for name, content in members(path, _is_car)
        }
        if len(cars) != count:
            raise DataError(f"{path} holds {len(cars)} cars, in data/cars/*.mat, not {count}")
        images = np.empty((elevations, azimuths, count, size, size, 3), np.uint8)
        for number, name in enumerate(sorted(cars)):
            images[:, :, number] = cars.pop(name).reshape(azimuths, elevations, size, size, 3).swapaxes(0, 1)
        return Arrays(
            images.reshape(-1, size, size, 3), random_held_out(images[..., 0, 0, 0].size), grid_factors(self.factors)
        )


def _is_car(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".mat" and path.parent.name == "cars" and not path.name.startswith(".")


def _read(path: Path, name: str, content: bytes, views: tuple[int, int]) -> NDArray[np.uint8]:
    """The images (azimuth × elevation, H, W, C) of one car; its file holds (H, W, C, azimuth, elevation)."""
    from scipy.io import loadmat

    try:
        images = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
    except Exception as error:  # of any kind: SciPy raises what it stumbles over in a damaged file
        raise DataError(f"{path}: {name} is no MATLAB file with an array im: {' '.join(str(error).split())}") from None
    expected = (SIDE, SIDE, 3, *views)
    if images.dtype != np.uint8 or images.shape != expected:
        raise DataError(f"{path}: im of {name} is {images.dtype} {images.shape}, must be uint8 {expected}")
    found: NDArray[np.uint8] = images.transpose(3, 4, 0, 1, 2).reshape(-1, SIDE, SIDE, 3)
    return found
