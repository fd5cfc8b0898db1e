"""What colour-, noisy- and scream-dSprites share: they are made of the images of dSprites when these are read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DatasetSource, Factor, File, _dsprites
from multibeta.datasets.dsprites import DSprites
from multibeta.datasets.dsprites_grid import DSpritesGrid

SIDE = 64


class DerivedDSprites(DatasetSource):
    """Base of the variants of dSprites; one writes `derive` and says what it is of in ``title`` and ``source``.

    In disentanglement_lib what is drawn beside the factors is drawn anew whenever an image is looked at. Here an image
    keeps it: it is keyed by the image's position, and so is the same in every epoch, for every model and metric.
    """

    class Options(registry.Options):
        images: Literal["full", "grid"] = Field(
            "full", description="of dsprites, 737,280, or of dsprites_grid, 46,080, for which its file is enough"
        )

    licence = "Apache-2.0"
    citation = (
        "@inproceedings{locatello19, author = {Francesco Locatello and Stefan Bauer and Mario Lucic and "
        'Gunnar R{\\"a}tsch and Sylvain Gelly and Bernhard Sch{\\"o}lkopf and Olivier Bachem}, title = {Challenging '
        "Common Assumptions in the Unsupervised Learning of Disentangled Representations}, "
        "booktitle = {International Conference on Machine Learning}, year = {2019}}"
    )
    grid = True
    binary = True
    shape = (3, SIDE, SIDE)
    stored_shape = (1, SIDE, SIDE)

    @property
    def _base(self) -> type[DatasetSource]:
        return DSprites if self.options.images == "full" else DSpritesGrid

    @property
    def factors(self) -> tuple[Factor, ...]:  # type: ignore[override]
        return self._base.factors

    @property
    def files(self) -> tuple[File, ...]:  # type: ignore[override]
        return tuple(_of(self._base.name, file) for file in self._base.files)

    def build(self, files: dict[str, Path]) -> Arrays:
        return _dsprites.read(files[self._base.files[0].name], len(self.factors))


def rgb(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, H, W, 1) as (n, H, W, 3). Repeated, as NumPy is five times slower at letting an axis of 3 stretch."""
    return images.repeat(3, axis=3)


def row_of(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours (n, 3) as rows of pixels (n, 1, W, 3), each of one colour, for the same reason."""
    return np.tile(colours, SIDE).reshape(-1, 1, SIDE, 3)


def _of(dataset: str, file: File) -> File:
    from dataclasses import replace

    return replace(file, of=dataset)
