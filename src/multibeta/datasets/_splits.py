"""Splits: which images are held out and which are trained on, by the values of their factors.

Every function raises a ValueError for a split that the dataset cannot have; its message begins with the option's path,
``split.share = 0.9: …``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from multibeta.options import Correlation, SplitOptions
from multibeta.randomness import numpy_generator
from multibeta.registry import nearest

if TYPE_CHECKING:
    from multibeta.datasets import Factor

#: Two values have nothing between them, and nothing beyond both that two would tell the way to.
FEWEST_VALUES = 3


def check(split: SplitOptions, factors: Sequence[Factor]) -> None:
    """What the factors' declarations tell about a split, without their values.

    Raises:
        ValueError: a factor is not there, has not these values or is of a kind that the split makes no sense of.
    """
    for name, values in split.hold_out.items():
        factor = _named(name, factors, f"hold_out.{name}", values)[1]
        if values[-1] >= factor.size:
            _fail(f"hold_out.{name}", values, f"has values 0 … {factor.size - 1}, numbered in their order")
    for name in split.factors:
        factor = _named(name, factors, "factors", name)[1]
        if split.kind == "combinations":
            continue
        if factor.kind == "categorical":
            _fail("factors", name, f"is categorical, so no value lies between or beyond others ({split.kind})")
        if factor.kind == "periodic" and split.kind == "extrapolation":
            _fail("factors", name, "is periodic, so no value lies beyond the others; hold values out with combinations")
        if factor.size < FEWEST_VALUES:
            _fail("factors", name, f"has {factor.size} values, {split.kind} needs {FEWEST_VALUES}")
        _held_out_values(split, factor)
    if split.kind == "combinations" and len(split.factors) == 1:
        _fail("factors", split.factors, "must be two or more: every value has to stay seen")
    for name in split.correlate.factors if split.correlate else []:
        if _named(name, factors, "correlate.factors", name)[1].size < 2:
            _fail("correlate.factors", name, "has a single value")


def held_out_images(
    split: SplitOptions, factors: Sequence[Factor], values: NDArray[np.int64] | None, n: int
) -> NDArray[np.bool_]:
    """Which of ``n`` images (n,) are held out by a split of a kind other than the dataset's own.

    Args:
        values: int (n, K) of the factors, or None without factors.

    Raises:
        ValueError: as `check`, or no image would be held out, or none trained on.
    """
    check(split, factors)
    found = np.zeros(n, dtype=bool)
    if split.kind == "random":
        assert split.share is not None
        found[numpy_generator(split.seed, "split, images").permutation(n)[: round(split.share * n)]] = True
    elif values is not None and split.hold_out:
        columns = {name: values[:, _named(name, factors)[0]] for name in split.hold_out}
        found = np.logical_and.reduce([np.isin(columns[name], split.hold_out[name]) for name in columns])
    elif values is not None and split.kind == "combinations":
        found = _random_combinations(split, values[:, [_named(name, factors)[0] for name in split.factors]])
    elif values is not None:
        for name in split.factors:
            column, factor = _named(name, factors)
            found |= np.isin(values[:, column], _held_out_values(split, factor))
    if not found.any() or found.all():
        whole = split.model_dump(mode="json", exclude_defaults=True)
        raise ValueError(f"split = {whole}: holds out {found.sum()} of {n} images; some must be, and some must not")
    return found


def training_images(
    split: SplitOptions, factors: Sequence[Factor], values: NDArray[np.int64] | None, held_out: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Positions (M,) of the images trained on, in order: those not held out, or M draws from them with replacement.

    An image with values c₁ and c₂ of two correlated factors is drawn with probability ∝ exp(−(c₁ − c₂)² / 2σ²), both
    scaled to 0 … 1; inverted, 1 − c₂ stands in place of c₂.

    Source: Träuble et al. 2021, section 3, https://arxiv.org/abs/2006.07886
    """
    positions = np.flatnonzero(~held_out)
    if split.correlate is None or values is None:
        return positions
    logarithms = _log_weights(split.correlate, factors, values[positions])
    # The greatest becomes 1, so that some are above 0 however small σ is.
    weights = np.exp(logarithms - logarithms.max())
    draws = numpy_generator(split.seed, "split, correlated images")
    return np.sort(draws.choice(positions, len(positions), p=weights / weights.sum()))


def in_words(split: SplitOptions, factors: Sequence[Factor], train: NDArray[np.int64]) -> str:
    """What is held out and how training images are drawn, for the report; ``train`` is of `training_images`."""
    told = []
    share = f"{100 * split.share:g} %" if split.share else ""
    if split.kind == "random":
        told.append(f"a random {share} of the images held out (seed {split.seed})")
    elif split.kind == "combinations" and split.factors:
        told.append(
            f"a random {share} of the combinations of {_listed(split.factors)} held out, every value of each still "
            f"seen (seed {split.seed})"
        )
    elif split.kind == "combinations":
        told.append(
            f"every image with {_listed([_told(name, held) for name, held in split.hold_out.items()])} held out"
        )
    elif split.kind != "own":
        held = [_told(name, _held_out_values(split, _named(name, factors)[1])) for name in split.factors]
        told.append(f"every image with {_listed(held, 'or')} held out ({split.kind})")
    if split.correlate is not None:
        how = "inversely correlated" if split.correlate.inverted else "correlated"
        told.append(
            f"trained on {len(train):,} draws from {len(np.unique(train)):,} images with {how} "
            f"{_listed(split.correlate.factors)} (σ = {split.correlate.spread:g}, seed {split.seed})"
        )
    return "; ".join(told)


def _held_out_values(split: SplitOptions, factor: Factor) -> list[int]:
    """Of a factor of size n the greatest values, or as many inner ones spread evenly over 1 … n − 2."""
    assert split.share is not None
    count = max(1, round(split.share * factor.size))
    most = factor.size - 2
    if count > most:
        _fail(
            "share", split.share, f"would hold out {count} of the {factor.size} values of {factor.name}, {most} at most"
        )
    if split.kind == "extrapolation":
        return list(range(factor.size - count, factor.size))
    return [1 + (2 * place + 1) * most // (2 * count) for place in range(count)]


def _random_combinations(split: SplitOptions, values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Draw combinations of values (n, k) one after the other, leaving out what would be the last with some value."""
    assert split.share is not None
    sizes = tuple(values.max(0) + 1)
    of_image = np.ravel_multi_index(tuple(values.T), sizes)
    there = np.unique(of_image)
    combinations = np.stack(np.unravel_index(there, sizes), axis=1).tolist()
    wanted = max(1, round(split.share * len(there)))
    seen = [np.bincount(column).tolist() for column in np.transpose(combinations)]
    chosen: list[int] = []
    for place in numpy_generator(split.seed, "split, combinations").permutation(len(there)).tolist():
        if len(chosen) == wanted:
            break
        if all(counts[value] > 1 for counts, value in zip(seen, combinations[place], strict=True)):
            chosen.append(place)
            for counts, value in zip(seen, combinations[place], strict=True):
                counts[value] -= 1
    if len(chosen) < wanted:
        found = f"only {len(chosen)} of {len(there)} combinations, not {wanted}"
        _fail("share", split.share, f"{found}, can be held out with every value still seen")
    return np.isin(of_image, there[chosen])


def _log_weights(correlation: Correlation, factors: Sequence[Factor], values: NDArray[np.int64]) -> NDArray[np.float64]:
    columns = [_named(name, factors) for name in correlation.factors]
    one, other = (values[:, column] / (factor.size - 1) for column, factor in columns)
    if correlation.inverted:
        other = 1 - other
    found: NDArray[np.float64] = -((one - other) ** 2) / (2 * correlation.spread**2)
    return found


def _named(name: str, factors: Sequence[Factor], key: str = "factors", value: Any = None) -> tuple[int, Factor]:
    """A factor and its column."""
    names = [factor.name for factor in factors]
    if name not in names:
        why = f"is no factor of the dataset{nearest(name, names)}" if names else "the dataset has no factors"
        _fail(key, value, why)
    return names.index(name), factors[names.index(name)]


def _told(name: str, values: Sequence[int]) -> str:
    """``x 8 … 15``, or ``x 1, 3, 5``."""
    if len(values) > 2 and values[-1] - values[0] == len(values) - 1:
        return f"{name} {values[0]} … {values[-1]}"
    return f"{name} {', '.join(map(str, values))}"


def _listed(names: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _fail(key: str, value: Any, message: str) -> NoReturn:
    raise ValueError(f"split.{key} = {value!r}: {message}")
