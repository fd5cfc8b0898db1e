"""What edits of each factor do to every factor, as heat maps, one for each way to find the directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._matrix import heat_map
from multibeta.figures._style import COLUMN, DPI, styled

#: Rows and columns at most.
MOST_FACTORS = 6


@styled
def edit_matrix(
    changes: Mapping[str, NDArray[np.floating]],
    edited: Sequence[int],
    factor_names: Sequence[str],
    title: str = "",
) -> Figure:
    """A matrix for each way to find directions, edited factors by moved ones.

    Framed is how much the edited factor itself grew. Of many factors those that grow most are shown, as rows and
    columns, in the order given.

    Args:
        changes: by what stands above it, (E, K) in [0, 1]: how far each of K factors moved in edits of E of them.
        edited: (E,), which of the K factors was edited.
        factor_names: of the K factors.
    """
    for values in changes.values():
        if values.shape != (len(edited), len(factor_names)):
            raise ValueError(f"changes {values.shape}, {len(edited)} edits and {len(factor_names)} factors do not fit")
    rows, columns = _shown(np.mean(list(changes.values()), axis=0), edited)
    names = [factor_names[k] for k in columns]
    each = 0.78 + 0.17 * len(rows)
    figure = Figure(figsize=(COLUMN, 0.25 + each * len(changes)), dpi=DPI, layout="constrained")
    for axes, (heading, values) in zip(
        figure.subplots(len(changes), squeeze=False)[:, 0], changes.items(), strict=True
    ):
        framed = [columns.index(edited[row]) for row in rows]
        heat_map(axes, values[np.ix_(rows, columns)], [factor_names[edited[row]] for row in rows], framed, names)
        axes.set_title(heading, fontsize=7)
        axes.set(xlabel="how far each factor moved", ylabel="edited")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=7)
    return figure


def _shown(changes: NDArray[np.floating], edited: Sequence[int]) -> tuple[list[int], list[int]]:
    """Rows, and columns: the factors of these rows, and while there is room those that are moved most."""
    own = changes[np.arange(len(edited)), list(edited)]
    rows = sorted(np.argsort(-own, kind="stable")[:MOST_FACTORS].tolist())
    theirs = [edited[row] for row in rows]
    rest = [k for k in np.argsort(-changes.max(0), kind="stable").tolist() if k not in theirs]
    return rows, sorted([*theirs, *rest[: MOST_FACTORS - len(theirs)]])
