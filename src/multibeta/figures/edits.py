"""Edits: one image's code moved along the direction of each attribute, with what changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import styled
from multibeta.figures._tiles import grid

#: Rows at most.
MOST_ATTRIBUTES = 14


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
    """A row for each attribute; of many those that change most, in the order given.

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
    shown = np.sort(np.argsort(-effects, kind="stable")[:MOST_ATTRIBUTES])
    others = changes.copy()
    others[np.arange(len(own)), list(own)] = -1
    labels = []
    for row in shown.tolist():
        label = f"{names[row]}: {effects[row]:.2f}"
        if len(factor_names) > 1:
            most = int(others[row].argmax())
            label += f" · {factor_names[most]} {others[row, most]:.2f}"
        labels.append(label)
    note = (
        "in standard deviations of the codes along each attribute's direction, other factors projected out; "
        "numbers: how much the attribute grew · the largest change of another factor, as shares of their ranges"
    )
    if len(shown) < len(names):
        note += f"\nthe {len(shown)} attributes that grow most among {len(names)}"
    columns = [f"{value:+g}".replace("-", "−") if value else "0" for value in values]
    return grid(images[shown], row_labels=labels, column_labels=columns, title=title, note=note)
