"""Boosted trees for DCI: many targets at once, on histograms, with the importance of every latent.

The recipe is that of scikit-learn's ``GradientBoostingClassifier`` and ``GradientBoostingRegressor`` at their defaults:
100 rounds of regression trees of depth 3 on the residuals, splits by greatest reduction of squared error, leaves by one
Newton step, learning rate 0.1. Latents are cut into at most 64 bins first, and all trees of a round, of all classes of
all factors, grow together: the histograms of a level are one sum over the rows of each bin.

Source: Friedman 2001, https://doi.org/10.1214/aos/1013203451
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROUNDS = 100
RATE = 0.1
BINS = 64
#: Of these, bins of equal width; the others are of equally many codes. A value that one code in a hundred has is lost
#: in bins of equally many, and one far outlier stretches all bins of equal width.
WIDE = 8
#: Gains that differ by less are a tie, such as between a latent and its copy.
TIE = 1e-5

Floats = NDArray[np.float32]


class Target(NamedTuple):
    """What to predict: classes 0 … K − 1, or numbers.

    Attributes:
        values: int (N,) for classes, float (N,) or (N, C) for numbers.
        classes: K, or 0 for numbers.
    """

    values: NDArray[Any]
    classes: int = 0


class Fit(NamedTuple):
    """Of one target, what the trees have learnt.

    Attributes:
        importance: float64 (D,), the total reduction of squared error by splits on each latent, sum 1; all 0 if there
            was no split.
        learning: what is predicted for the N rows learnt from: classes (N,) or numbers (N, C).
        testing: the same for the rows tested on.
    """

    importance: NDArray[np.float64]
    learning: NDArray[Any]
    testing: NDArray[Any]


def boost(codes: NDArray[Any], targets: Sequence[Target], test_codes: NDArray[Any]) -> list[Fit]:
    """Fit every target on codes (N, D) and predict it for these and for test_codes (M, D).

    The result depends on nothing random: where latents tie for a split, they share its importance.
    """
    edges = [_edges(column) for column in codes.T]
    learning, testing = _binned(codes, edges), _binned(test_codes, edges)
    outputs = [_Output.of(target) for target in targets]
    starts = np.cumsum([0, *(output.truth.shape[1] for output in outputs)])
    columns = [slice(start, stop) for start, stop in pairwise(starts)]
    truth = np.concatenate([output.truth for output in outputs], axis=1)
    newton = np.concatenate([np.full(output.truth.shape[1], output.newton) for output in outputs])
    raw = np.tile(np.concatenate([output.start for output in outputs]), (len(codes), 1))
    raw_test = raw[:1].repeat(len(test_codes), axis=0)
    histograms = _Histograms(learning)
    importance = np.zeros((codes.shape[1], truth.shape[1]))
    residual, curvature = np.empty_like(raw), np.empty_like(raw)
    for _ in range(ROUNDS):
        for output, own in zip(outputs, columns, strict=True):
            mean = output.mean(raw[:, own])
            residual[:, own] = truth[:, own] - mean
            curvature[:, own] = mean * (1 - mean) if output.classes else 1
        trees, leaves = _grow(histograms, learning, residual)
        steps = RATE * newton * _per_leaf(residual, leaves) / _per_leaf(curvature, leaves).clip(min=1e-30)
        raw += steps.astype(np.float32).take(leaves)
        raw_test += steps.astype(np.float32).take(trees.leaves(testing))
        importance += trees.importance
    fits = []
    for output, own in zip(outputs, columns, strict=True):
        total = importance[:, own].sum(1)
        share = total / total.sum() if total.sum() > 0 else total
        fits.append(Fit(share, output.predict(raw[:, own]), output.predict(raw_test[:, own])))
    return fits


class _Output(NamedTuple):
    """The columns that a target takes: one for each class (one alone for two classes), or for each number."""

    truth: Floats
    start: Floats
    newton: float
    classes: int

    @classmethod
    def of(cls, target: Target) -> _Output:
        if not target.classes:
            values = np.asarray(target.values, dtype=np.float32).reshape(len(target.values), -1)
            return cls(values, values.mean(0), 1.0, 0)
        one_hot = np.eye(target.classes, dtype=np.float32)[target.values]
        share = one_hot.mean(0).clip(1e-12, 1 - 1e-7)
        if target.classes == 2:
            return cls(one_hot[:, 1:], np.log(share[1:] / share[:1]), 1.0, 2)
        return cls(one_hot, np.log(share), (target.classes - 1) / target.classes, target.classes)

    def mean(self, raw: Floats) -> Floats:
        """What is expected of each column (N, C): the probability of a class, or a number."""
        if not self.classes:
            return raw
        if self.classes == 2:
            return 1 / (1 + np.exp(-raw.clip(-80, 80)))
        highest = raw[:, 0]
        for column in raw.T[1:]:  # numpy's own maximum along so short an axis takes five times as long
            highest = np.maximum(highest, column)
        likelihood = np.exp(raw - highest[:, None])
        probabilities: Floats = likelihood / (likelihood @ np.ones((raw.shape[1], 1), dtype=np.float32))
        return probabilities

    def predict(self, raw: Floats) -> NDArray[Any]:
        if not self.classes:
            return raw
        return (raw[:, 0] > 0).astype(np.int64) if self.classes == 2 else raw.argmax(1)


class _Histograms:
    """Sums over the rows in each bin of each latent, for many columns at once.

    Attributes:
        shape: (B, D).
        counts: float32 (B, D), the rows in each bin.
    """

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        import torch

        latents, n = codes.shape
        self.shape = int(codes.max()) + 1, latents
        bag = (codes.astype(np.int64) * latents + np.arange(latents)[:, None]).ravel()
        counts = np.bincount(bag, minlength=self.shape[0] * latents)
        self.counts: Floats = counts.astype(np.float32).reshape(self.shape)
        self._rows = torch.from_numpy(np.argsort(bag, kind="stable") % n)
        self._starts = torch.from_numpy(counts.cumsum() - counts)

    def __call__(self, columns: Floats) -> Floats:
        """Columns (N, …) → (B, D, …)."""
        import torch
        from torch.nn.functional import embedding_bag

        # Three times as fast as a product with SciPy's sparse matrix, and adds in the same order.
        table = torch.from_numpy(columns.reshape(len(columns), -1))
        sums: Floats = embedding_bag(self._rows, table, self._starts, mode="sum").numpy()
        return sums.reshape(*self.shape, *columns.shape[1:])


class _Trees(NamedTuple):
    """Trees of depth 3, one for each of S outputs.

    Attributes:
        splits: of each level, the latent and the last bin that goes left, of its 1, 2 and 4 nodes: (nodes, S).
        importance: the reduction of squared error by latent and output: (D, S).
    """

    splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    importance: NDArray[np.float64]

    def leaves(self, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Where the leaf of every row of codes (D, N) in every tree lies in a flattened (8, S): (N, S)."""
        node = np.zeros((self.importance.shape[1], codes.shape[1]), dtype=np.uint8)
        for latent, place in self.splits:
            node = 2 * node + ~_goes_left(codes, node, latent, place)
        return _flat(node)


def _grow(histograms: _Histograms, codes: NDArray[np.uint8], residual: Floats) -> tuple[_Trees, NDArray[np.int64]]:
    """Trees for residuals (N, S), and the leaves (N, S) of the rows they grew on, as `_Trees.leaves` gives them."""
    n, outputs = residual.shape
    # Of each bin, latent, node and output the sum of residuals and the number of rows.
    both = np.empty((*histograms.shape, 2, 1, outputs), dtype=np.float32)
    both[:, :, 0, 0] = histograms(residual)
    both[:, :, 1, 0] = histograms.counts[:, :, None]
    node = np.zeros((outputs, n), dtype=np.uint8)
    trees = _Trees([], np.zeros((len(codes), outputs)))
    for level in range(3):
        below = _accumulated(both)
        latent, place, shares = _best(below[:, :, 0], below[:, :, 1])
        trees.splits.append((latent, place))
        trees.importance[:] += shares
        node = 2 * node + ~_goes_left(codes, node, latent, place)
        if level < 2:
            # Only what goes left is counted; the rest of each node goes right.
            marks = np.empty((n, 2, len(latent), outputs), dtype=np.float32)
            child = np.ascontiguousarray(node.T)
            for parent in range(len(latent)):
                mark = child == 2 * parent
                np.multiply(residual, mark, out=marks[:, 0, parent])
                marks[:, 1, parent] = mark
            both = _children(histograms(marks), both)
    return trees, _flat(node)


def _children(left: Floats, parents: Floats) -> Floats:
    """Histograms (B, D, 2, nodes, S) of the left children and of all → those of both, in the order of the nodes."""
    *shape, nodes, outputs = parents.shape
    both = np.empty((*shape, nodes, 2, outputs), dtype=np.float32)
    both[..., 0, :] = left
    np.subtract(parents, left, out=both[..., 1, :])
    return both.reshape(*shape, 2 * nodes, outputs)


def _accumulated(histogram: Floats) -> Floats:
    """The sums over all bins up to each; numpy's own along the first axis takes ten times as long."""
    total = histogram.copy()
    for number in range(1, len(total)):
        total[number] += total[number - 1]
    return total


def _best(below: Floats, within: Floats) -> tuple[Any, Any, NDArray[np.float64]]:
    """Of accumulated histograms the best split of each node: latent and bin (nodes, S), and who gains how much.

    Args:
        below: (B, D, nodes, S), sums of residuals up to each bin.
        within: the numbers of rows up to each bin.
    """
    total, size = below[-1], within[-1]
    # With l rows below and r above: s_l²/l + s_r²/r − s²/n = (s_l n − s l)² / (l r n).
    gain = np.square(below * size - within * total)
    gain /= (within * (size - within) * size).clip(min=1)
    place = gain.argmax(0)
    of_latent = np.take_along_axis(gain, place[None], axis=0)[0]
    best = of_latent.max(0)
    tied = (of_latent >= best * (1 - TIE)) & (best > 0)
    shares = (tied * (best / tied.sum(0).clip(min=1))).sum(1)
    latent = tied.argmax(0)
    return latent, np.take_along_axis(place, latent[None], axis=0)[0], shares.astype(np.float64)


def _goes_left(codes: NDArray[np.uint8], node: NDArray[np.uint8], latent: Any, place: Any) -> NDArray[np.bool_]:
    """For every output and row (S, N): does the row go left at its node of this level?"""
    left = codes[latent[0]] <= place[0][:, None].astype(np.uint8)
    for number in range(1, len(latent)):
        here = codes[latent[number]] <= place[number][:, None].astype(np.uint8)
        left ^= (left ^ here) & (node == number)
    return left


def _flat(leaf: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Leaves 0 … 7 of every output and row (S, N) → their places in a flattened (8, S), by row and output: (N, S)."""
    place = leaf.T.astype(np.int64, order="C")
    place *= len(leaf)
    place += np.arange(len(leaf))
    return place


def _per_leaf(values: Floats, leaves: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of values (N, S) over the rows of each leaf: (8, S)."""
    outputs = values.shape[1]
    sums = np.bincount(leaves.ravel(), values.ravel(), minlength=8 * outputs)
    return np.asarray(sums, dtype=np.float64).reshape(8, outputs)


def _edges(column: NDArray[Any]) -> NDArray[np.float64]:
    """Cuts between at most 64 bins: midway between neighbouring values, or of equally many codes and of equal width."""
    values = np.unique(column)
    if len(values) <= BINS:
        return (values[:-1] + values[1:]) / 2
    even = np.quantile(column, np.arange(1, BINS - WIDE + 1) / (BINS - WIDE + 1), method="midpoint")
    wide = np.linspace(values[0], values[-1], WIDE + 1)[1:-1]
    cuts: NDArray[np.float64] = np.unique(np.concatenate([even, wide]))
    return cuts


def _binned(codes: NDArray[Any], edges: Sequence[NDArray[np.float64]]) -> NDArray[np.uint8]:
    """(N, D) → (D, N)."""
    columns = [np.searchsorted(cuts, column) for column, cuts in zip(codes.T, edges, strict=True)]
    return np.stack(columns).astype(np.uint8)
