"""Edits: one image's code moved along the direction of each attribute, with what changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import LETTERS, shortened, styled
from multibeta.figures._tiles import grid

#: Rows at most, and of one factor.
MOST_ATTRIBUTES, MOST_VALUES = 12, 3
#: Letters of a name: a number stands behind it.
OF_NAME = LETTERS - 6


@styled
def edits(
    images: NDArray[np.float32],
    values: NDArray[np.floating],
    changes: NDArray[np.floating],
    own: Sequence[int],
    names: Sequence[str],
    factor_names: Sequence[str],
    title: str = "",
) -> Figure:
    """A row for each attribute; of many those that grow most, in the order given.

    Args:
        images: (A, S, C, H, W), row a decoded at each of the values.
        values: (S,), in standard deviations of the codes along the direction.
        changes: (A, K) in [0, 1], how far each of K factors moved, as the metric ``attribute_edit`` keeps them.
        own: (A,), which of the K factors the attribute is of.
        names: of the attributes.
        factor_names: of the K factors.
    """
    if not len(images) == len(changes) == len(own) == len(names) or images.shape[1] != len(values):
        raise ValueError(f"{images.shape[:2]} images do not fit {len(names)} attributes and {len(values)} values")
    effects = changes[np.arange(len(own)), list(own)]
    others = changes.copy()
    others[np.arange(len(own)), list(own)] = -1
    shown = _most(effects, own)
    labels = []
    for row in shown:
        label = f"{shortened(names[row], OF_NAME)}: {effects[row]:.2f}"
        if len(factor_names) > 1:
            most = int(others[row].argmax())
            label += f"\n{shortened(factor_names[most], OF_NAME)} {others[row, most]:.2f}"
        labels.append(label)
    note = (
        "steps: standard deviations of the codes along the direction of an attribute, at equal other factors; numbers: "
        "how much the attribute grew from the first to the last, over several images"
    )
    if len(factor_names) > 1:
        note += ", and below it the other factor that moved most; as shares of their ranges"
    if len(shown) < len(names):
        note += f"\n{len(shown)} of {len(names)} attributes, those that grew most"
    columns = [f"{value:+g}".replace("-", "−") if value else "0" for value in values]
    return grid(images[shown], row_labels=labels, column_labels=columns, title=title, note=note)


def _most(effects: NDArray[np.floating], own: Sequence[int]) -> list[int]:
    """Positions of the attributes with the largest effects, only some of one factor, in the order given."""
    chosen: list[int] = []
    for row in np.argsort(-effects, kind="stable").tolist():
        of_factor = sum(own[other] == own[row] for other in chosen)
        if of_factor < MOST_VALUES and len(chosen) < MOST_ATTRIBUTES:
            chosen.append(row)
    return sorted(chosen)
