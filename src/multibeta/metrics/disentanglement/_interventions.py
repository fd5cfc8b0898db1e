"""Batches of codes whose images share a factor's value: what is left of an intervention when there is only a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._table import check

#: Codes, or pairs of codes, in a batch: L of both papers as disentanglement_lib sets it.
BATCH = 64
#: Batches gathered at once, so that the memory does not grow with their number.
CHUNK = 1000


class SharedValues:
    """The rows of the code table by the value of each factor, to draw from with replacement.

    A row whose value no other row has is never the first of a batch: all others would be the same row.

    Raises:
        NotComputed: the table cannot be scored, or all values of a factor differ.
    """

    def __init__(self, codes: NDArray[Any], factors: NDArray[np.int64], factor_names: Sequence[str]) -> None:
        check(codes, factors, factor_names, least=2)
        n, k = factors.shape
        # Of each factor: its rows sorted by value, those alone with theirs last; of each row the place where the rows
        # of its value begin in that order, and how many they are.
        self.order, self.first, self.count = (np.empty((k, n), dtype=np.int64) for _ in range(3))
        self.company = np.empty(k, dtype=np.int64)
        for i, (name, column) in enumerate(zip(factor_names, factors.T, strict=True)):
            _, value, counts = np.unique(column, return_inverse=True, return_counts=True)
            self.count[i] = counts[value]
            self.order[i] = np.lexsort((value, self.count[i] == 1))
            _, starts = np.unique(value[self.order[i]], return_index=True)
            self.first[i] = starts[value]
            self.company[i] = (self.count[i] > 1).sum()
            if not self.company[i]:
                raise NotComputed(f"no two codes share a value of factor {name!r}")

    def draw(self, factor: NDArray[np.int64], width: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Rows to begin with, drawn for each of the factors (B,) from all that share its value: (B, width)."""
        factor = factor[:, None]
        place = (generator.random((len(factor), width)) * self.company[factor]).astype(np.int64)
        return self.order[factor, place]

    def like(self, rows: NDArray[np.int64], factor: NDArray[np.int64], generator: np.random.Generator) -> NDArray[Any]:
        """For each row (B, W) one drawn from those that have its value of the factor (B,): (B, W)."""
        factor = factor[:, None]
        place = (generator.random(rows.shape) * self.count[factor, rows]).astype(np.int64)
        return self.order[factor, self.first[factor, rows] + place]
