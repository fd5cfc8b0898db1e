"""The codes of a run as points of two latents, and what is known of each image."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.explorer.opened import Opened

#: Points that a browser draws at once without delay.
MOST_POINTS = 2_000


def colourings(opened: Opened) -> dict[str, str]:
    """What points can be coloured by, and of which kind it is: ``categorical``, ``ordinal``, ``periodic``."""
    dataset = opened.require_images()
    found = {"label": "categorical"} if dataset.classes else {}
    return found | {factor.name: factor.kind for factor in dataset.factor_specs} | {"held out": "categorical"}


class Points(NamedTuple):
    """Codes of n images.

    Attributes:
        position: (n,), of the images in the dataset.
        across, up: (n,), posterior means of two latents.
        facts: what is known of the images, (n,) each, by the names of `colourings`.
    """

    position: NDArray[np.int64]
    across: NDArray[np.float32]
    up: NDArray[np.float32]
    facts: dict[str, NDArray[Any]]


def points(opened: Opened, across: int, up: int, most: int = MOST_POINTS) -> Points:
    """The codes of the images of the code table, or of ``most`` of them, drawn once and for all models alike.

    Args:
        across, up: the latents.
    """
    dataset, (chosen, codes) = opened.require_images(), opened.require_codes()
    rows = randomness.numpy_generator(0, "explorer, points").permutation(len(chosen.code_table))[:most]
    rows.sort()
    at = chosen.code_table[rows]
    facts: dict[str, NDArray[Any]] = {}
    if dataset.labels is not None:
        facts["label"] = np.array(dataset.classes)[dataset.labels[at]]
    facts |= {factor.name: dataset.column(factor.name)[0][at] for factor in dataset.factor_specs}
    facts["held out"] = np.where(dataset.held_out[at], "held out", "trained on")
    return Points(at, codes.mean[rows, across], codes.mean[rows, up], facts)


def told_of(opened: Opened, position: int) -> str:
    """What is known of an image, in a line."""
    dataset = opened.require_images()
    facts = [] if dataset.labels is None else [f"label {dataset.classes[int(dataset.labels[position])]}"]
    if dataset.factors is not None:
        values = dataset.factors[position].tolist()
        facts += [f"{factor.name} {value}" for factor, value in zip(dataset.factor_specs, values, strict=True)]
    return ", ".join([*facts, "held out" if dataset.held_out[position] else "trained on"])
