"""Batches of codes whose images share a factor's value: what is left of an intervention when there is only a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._predictors import learning_and_testing
from multibeta.metrics.disentanglement._table import require_rows_per_value

#: Codes, or pairs of codes, in a batch: L of both papers as disentanglement_lib sets it.
BATCH = 64
#: Batches gathered at once, so that the memory does not grow with their number.
CHUNK = 1000


class SharedValues:
    """Codes (n, D) by the value of each of their factors (n, K), to draw from with replacement.

    A row whose value no other row has is never the first of a batch: all others would be the same row.

    Raises:
        NotComputed: a factor has a single value, or all its values differ.
    """

    def __init__(self, codes: NDArray[Any], factors: NDArray[np.int64], factor_names: Sequence[str]) -> None:
        self.codes = codes
        n, k = factors.shape
        # Of each factor: its rows sorted by value, those alone with theirs last; of each row its place in that order,
        # where the rows of its value begin there, and how many they are.
        self.order, self.place, self.first, self.count = (np.empty((k, n), dtype=np.int64) for _ in range(4))
        self.company = np.empty(k, dtype=np.int64)
        for i, (name, column) in enumerate(zip(factor_names, factors.T, strict=True)):
            _, value, counts = np.unique(column, return_inverse=True, return_counts=True)
            if len(counts) == 1:
                raise NotComputed(f"factor {name!r} has a single value among {n} rows")
            self.count[i] = counts[value]
            self.order[i] = np.lexsort((value, self.count[i] == 1))
            self.place[i, self.order[i]] = np.arange(n)
            _, starts = np.unique(value[self.order[i]], return_index=True)
            self.first[i] = starts[value]
            self.company[i] = (self.count[i] > 1).sum()
            if not self.company[i]:
                raise NotComputed(f"no two codes share a value of factor {name!r}")

    def draw(self, factor: NDArray[np.int64], width: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Rows to begin with, drawn for each of the factors (B,) from all that share its value: (B, width)."""
        place = (generator.random((len(factor), width)) * self.company[factor, None]).astype(np.int64)
        return self._of(self.order, factor, place)

    def like(
        self, rows: NDArray[np.int64], factor: NDArray[np.int64], width: int, generator: np.random.Generator
    ) -> NDArray[Any]:
        """For each row (B,) as many drawn from those that have its value of the factor (B,): (B, width)."""
        place = (generator.random((len(rows), width)) * self.count[factor, rows, None]).astype(np.int64)
        place += self.first[factor, rows, None]
        return self._of(self.order, factor, place)

    def partners(
        self, rows: NDArray[np.int64], factor: NDArray[np.int64], generator: np.random.Generator
    ) -> NDArray[Any]:
        """For each row (B, W) another one with its value of the factor (B,), of which there must be one: (B, W)."""
        count, first, place = (self._of(table, factor, rows) for table in (self.count, self.first, self.place))
        further = 1 + (generator.random(rows.shape) * (count - 1)).astype(np.int64)
        # Around the end of those that share the value; faster than a remainder.
        place += further
        place -= np.where(place >= first + count, count, 0)
        return self._of(self.order, factor, place)

    @staticmethod
    def _of(table: NDArray[np.int64], factor: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[Any]:
        """``table[factor, rows]`` of a table (K, n) for factors (B,) and rows (B, W); twice as fast."""
        return table.ravel().take(rows + (factor * table.shape[1])[:, None])


def learning_and_testing_values(
    codes: NDArray[Any], factors: NDArray[np.int64], factor_names: Sequence[str], seed: int
) -> list[SharedValues]:
    """Two thirds of the table to draw from for learning, the other third for testing.

    Raises:
        NotComputed: the table cannot be scored, has one factor, or too few rows for the values of one.
    """
    if factors.shape[1] < 2:
        raise NotComputed(f"needs 2 factors or more, found {factors.shape[1]}")
    parts = learning_and_testing(codes, factors, factor_names, seed, most=None)
    require_rows_per_value(factors, factor_names)
    return [SharedValues(part.codes.astype(np.float32), part.factors, factor_names) for part in parts]
