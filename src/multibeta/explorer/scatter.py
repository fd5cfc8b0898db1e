"""The codes of a run as a table: two latents, and what is known of each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multibeta import randomness
from multibeta.explorer.opened import Opened

if TYPE_CHECKING:
    import pandas as pd

#: Points that a browser draws at once without delay.
MOST_POINTS = 2_000


def colourings(opened: Opened) -> dict[str, str]:
    """What points can be coloured by, and of which kind it is: ``categorical``, ``ordinal``, ``periodic``."""
    dataset = opened.require_images()
    found = {"label": "categorical"} if dataset.classes else {}
    return found | {factor.name: factor.kind for factor in dataset.factor_specs} | {"held out": "categorical"}


def points(opened: Opened, x: int, y: int, most: int = MOST_POINTS) -> pd.DataFrame:
    """A row for each image of the code table, or for ``most`` of them, drawn once and for all models alike.

    Columns:
        ``position`` of the image, ``x`` and ``y``, posterior means of two latents, and every `colourings` by name.
    """
    import pandas as pd

    dataset, (chosen, codes) = opened.require_images(), opened.require_codes()
    rows = randomness.numpy_generator(0, "explorer, points").permutation(len(chosen.code_table))[:most]
    rows.sort()
    positions = chosen.code_table[rows]
    table = {"position": positions, "x": codes.mean[rows, x], "y": codes.mean[rows, y]}
    if dataset.labels is not None:
        table["label"] = np.array(dataset.classes)[dataset.labels[positions]]
    for k, factor in enumerate(dataset.factor_specs):
        assert dataset.factors is not None
        table[factor.name] = dataset.factors[positions, k]
    table["held out"] = np.where(dataset.held_out[positions], "held out", "trained on")
    return pd.DataFrame(table)


def told_of(opened: Opened, position: int) -> str:
    """What is known of an image, in a line."""
    dataset = opened.require_images()
    facts = [] if dataset.labels is None else [f"label {dataset.classes[int(dataset.labels[position])]}"]
    if dataset.factors is not None:
        values = dataset.factors[position].tolist()
        facts += [f"{factor.name} {value}" for factor, value in zip(dataset.factor_specs, values, strict=True)]
    return ", ".join([*facts, "held out" if dataset.held_out[position] else "trained on"])
