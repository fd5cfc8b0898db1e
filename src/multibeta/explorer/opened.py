"""One run, opened: its model, the images it was trained on, its codes, and which of its latents are used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError, Dataset
from multibeta.explorer.shelf import Shelved
from multibeta.metrics.posterior.active_units import THRESHOLD
from multibeta.stages.shared.codes import (
    Codes,
    EvaluationImages,
    conditions,
    encode_images,
    float_images,
    read_codes,
    usage,
)
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.titles import cell_title, condition_names

if TYPE_CHECKING:
    from multibeta.cell import Cell
    from multibeta.model import Run

#: Images that are encoded here where the cell is not: in about a second by a 64×64 net on one core.
CODES, HELD_OUT = 1_000, 500
#: Sliders reach at least this far, in standard deviations of the prior.
REACH = 3.0


@dataclass(frozen=True)
class Opened:
    """A trained run with all that the panels ask of it.

    Attributes:
        dataset: None where its images are not prepared; ``missing`` then says so.
        codes: of ``chosen``, which the cell's codes.npz holds, or which are encoded here; None without images or codes.
        origin: where the codes are from.
    """

    shelved: Shelved
    seed: int
    run: Run
    dataset: Dataset | None
    missing: str
    chosen: EvaluationImages | None
    codes: Codes | None
    origin: str

    @property
    def cell(self) -> Cell:
        return self.run.cell

    @property
    def key(self) -> str:
        """What tells it from every other, also after it was trained anew."""
        return f"{self.shelved.folder.path}:{self.seed}:{self.shelved.modified}"

    @property
    def title(self) -> str:
        own = f" · {self.shelved.study}" if self.shelved.is_own else ""
        return f"{cell_title(self.cell)} · seed {self.seed}{own}"

    @cached_property
    def kl(self) -> NDArray[np.float64]:
        """(D,), nats per image; NaN of points, and where there are no codes."""
        return np.full(self.run.latents, np.nan) if self.codes is None else usage(self.codes)[0]

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """(D,), whether the variance of the means exceeds that of Burda et al. 2016; all where it is not known."""
        if self.codes is None:
            return np.ones(self.run.latents, bool)
        return np.asarray(usage(self.codes)[1] > THRESHOLD)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """(D,), the latents by KL, largest first; by variance of points, as they come where neither is known."""
        if self.codes is None:
            return np.arange(self.run.latents)
        kl, variance = usage(self.codes)
        return np.argsort(-(variance if self.codes.are_points else kl), kind="stable")

    @cached_property
    def reach(self) -> NDArray[np.float64]:
        """(D,), how far the sliders go to either side: to where the codes are, at least to `REACH`."""
        if self.codes is None:
            return np.full(self.run.latents, REACH)
        furthest = np.abs(self.codes.mean.astype(np.float64)).max(0, initial=0)
        return np.maximum(REACH, np.ceil(furthest))

    @cached_property
    def condition_names(self) -> list[str]:
        """Of the values that the model may be told, none without a condition."""
        told = self.run.condition
        if told is None:
            return []
        return [str(k) for k in range(told.size)] if self.dataset is None else condition_names(self.dataset, told.name)

    def image(self, position: int) -> NDArray[np.float32]:
        """(C, H, W) in [0, 1] of an image of the dataset."""
        image: NDArray[np.float32] = float_images(self.require_images(), np.array([position]))[0]
        return image

    def condition_at(self, position: int) -> int:
        """What a conditional model is told of an image of the dataset; 0 for all others."""
        values = conditions(self.require_images(), self.run)
        return 0 if values is None else int(values[position])

    def require_images(self) -> Dataset:
        """The dataset.

        Raises:
            ValueError: its images are not here.
        """
        if self.dataset is None:
            raise ValueError(self.missing)
        return self.dataset

    def require_codes(self) -> tuple[EvaluationImages, Codes]:
        """The codes and of which images they are.

        Raises:
            ValueError: there are none, for there are no images.
        """
        if self.chosen is None or self.codes is None:
            raise ValueError(self.missing)
        return self.chosen, self.codes

    def encode(self, images: NDArray[np.float32], told: NDArray[np.int64]) -> NDArray[np.float32]:
        """Posterior means (n, D) of images (n, C, H, W); what is told (n,) goes to conditional models alone."""
        means: NDArray[np.float32] = self.run.encode(images, self._told(told))[0]
        return means

    def decode(self, z: NDArray[np.floating], told: NDArray[np.int64]) -> NDArray[np.float32]:
        """Images (n, C, H, W) in [0, 1] of codes (n, D)."""
        return self.run.decode(z, self._told(told))

    def _told(self, told: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return None if self.run.condition is None else told


def open_one(shelved: Shelved, seed: int) -> Opened:
    """Open a finished run of a cell.

    Raises:
        ValueError: its weights are damaged, or the run did not finish.
    """
    from multibeta.model import open_run

    if shelved.cell is None or seed not in shelved.finished:
        raise ValueError(shelved.problem or f"seed {seed} has no model")
    run = open_run(shelved.folder, shelved.cell, seed)
    if run is None:
        raise ValueError(f"models.safetensors has no weights of seed {seed}")
    dataset, missing = _images(shelved)
    chosen, codes = _stored(shelved, seed, run, dataset)
    origin = "codes.npz"
    if codes is None and dataset is not None:
        options = shelved.cell.evaluation
        few = {"codes": min(CODES, options.codes), "held_out": min(HELD_OUT, options.held_out)}
        chosen = EvaluationImages.choose(dataset, options.model_copy(update=few))
        codes = encode_images(run, dataset, chosen, conditions(dataset, run))
        origin = f"encoded here, {len(chosen.code_table):,} images"
    return Opened(shelved, seed, run, dataset, missing, chosen, codes, origin)


def _images(shelved: Shelved) -> tuple[Dataset | None, str]:
    cell = shelved.cell
    assert cell is not None
    try:
        return open_dataset(cell, shelved.folder.root), ""
    except FileNotFoundError:
        folder = shelved.folder.root / ".data" / cell.data_key
        return None, f"the images of {cell.dataset.name} are not prepared (no {folder}), so only the prior can be shown"
    except DataError as error:
        return None, str(error)


def _stored(
    shelved: Shelved, seed: int, run: Run, dataset: Dataset | None
) -> tuple[EvaluationImages | None, Codes | None]:
    """What codes.npz holds of the run, unless it is damaged or of other models: a few are encoded to see."""
    try:
        chosen, codes = read_codes(shelved.folder)
        found = codes[seed]
        if found.mean.shape != (len(chosen.code_table), run.latents):
            return None, None
        if dataset is not None:
            few = chosen.held_out[:8]
            told = conditions(dataset, run)
            means = run.encode(float_images(dataset, few), None if told is None else told[few])[0]
            if not np.allclose(means, found.held_out_mean[:8], rtol=1e-2, atol=1e-2):
                return None, None
    except (OSError, ValueError, LookupError, TypeError):
        return None, None
    return chosen, found
