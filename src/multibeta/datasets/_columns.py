"""Columns of a table as factors: what kind they are, and which value each row has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError, Factor
from multibeta.datasets._morphology import bounds

Kind = Literal["categorical", "ordinal", "periodic"]

#: Numbers with more different values than this are cut into bins. The finest factor of dSprites has 40.
MOST_VALUES = 64


def factor(
    where: str,
    name: str,
    distinct: Sequence[str] | NDArray[np.float64],
    codes: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    kind: Kind | None = None,
    bins: int = 10,
) -> tuple[Factor, NDArray[np.int64]]:
    """A column as a factor and its values (N,), 0 … size − 1 in order.

    Numbers are ordinal, words categorical, and of two values either is categorical. Numbers of more than `MOST_VALUES`
    values that are not declared categorical are cut into bins with equally many rows, by bounds of the rows that are
    not held out.

    Args:
        where: the file, for messages.
        name: of the column.
        distinct: the different values, as words or numbers.
        codes: for each row (N,), the position of its value among them.
        held_out: bool (N,).
        kind: what it is declared to be.
        bins: at most.

    Raises:
        DataError: it does not vary, is not finite, mixes words and numbers, or has nearly as many words as rows.
    """
    if name == "label" or "+" in name or not name.strip() or not name.isprintable():
        why = "label is the classes, + joins factors, and a name is letters in one line"
        raise DataError(f"{where}: a factor may not be called {name!r}; {why}")
    numbers = _numbers(distinct)
    if numbers is None:
        if kind in ("ordinal", "periodic"):
            raise DataError(f"{where}: column {name} is declared {kind}, but holds words such as {distinct[0]!r}")
        if kind is None:
            _require_points(where, name, distinct)
            _require_no_mixture(where, name, distinct)
        classes, values = words(where, name, distinct, codes, declared=kind is not None)
        return Factor(name, len(classes), "categorical"), values
    if not np.isfinite(numbers).all():
        found = distinct[int(np.flatnonzero(~np.isfinite(numbers))[0])]
        raise DataError(f"{where}: column {name} holds {found}, which is not a finite number; leave such rows out")
    ordered, ranks = np.unique(numbers, return_inverse=True)
    if len(ordered) > MOST_VALUES and kind != "categorical":
        values = _binned(numbers[codes], held_out, bins)
        size = int(values.max()) + 1
    else:
        values, size = ranks.reshape(-1)[codes].astype(np.int64), len(ordered)
    if size < 2:
        raise DataError(f"{where}: column {name} has one value, {distinct[0]}; it must vary: leave it out of columns")
    return Factor(name, size, kind or ("categorical" if len(ordered) == 2 else "ordinal")), values


def words(
    where: str,
    name: str,
    distinct: Sequence[str] | NDArray[np.float64],
    codes: NDArray[np.int64],
    declared: bool = False,
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """A column as classes: their names, sorted, as numbers where all are numbers, and each row's class (N,).

    Raises:
        DataError: there is one class, or nearly as many as rows without its being ``declared`` categorical.
    """
    texts = [str(value) for value in distinct]
    numbers = _numbers(distinct)
    order = sorted(range(len(texts)), key=texts.__getitem__) if numbers is None else np.argsort(numbers, kind="stable")
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[order] = np.arange(len(texts))
    if len(texts) < 2:
        raise DataError(f"{where}: column {name} has one value, {texts[0]}; it must vary: leave it out of columns")
    if not declared and len(texts) > max(MOST_VALUES, len(codes) / 2):
        raise DataError(
            f"{where}: column {name} has {len(texts):,} different values in {len(codes):,} rows, so it names images "
            f"rather than kinds of them; leave it out of columns, or declare it: kinds: {{{name}: categorical}}"
        )
    return tuple(texts[position] for position in order), ranks[codes]


def flags(where: str, name: str, distinct: Sequence[str], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A column of what is held out from training as bool (N,).

    Raises:
        DataError: a value says neither, or all say the same.
    """
    known = dict.fromkeys(("train", "training", "0", "false"), False)
    known |= dict.fromkeys(("test", "val", "valid", "validation", "held_out", "1", "true"), True)
    for word in distinct:
        if word.lower() not in known:
            raise DataError(f"{where}: column {name} holds {word!r}; it must be train or test, or 0 or 1")
    held_out = np.array([known[word.lower()] for word in distinct], dtype=bool)[codes]
    require_both(where, name, held_out)
    return held_out


def require_both(where: str, name: str, held_out: NDArray[np.bool_]) -> None:
    """Raise a `DataError` unless some rows (N,) are held out and some are not."""
    if held_out.all() or not held_out.any():
        some = "every" if held_out.all() else "no"
        raise DataError(f"{where}: {name} holds out {some} image from training; some must be, and some must not")


def _numbers(distinct: Sequence[str] | NDArray[np.float64]) -> NDArray[np.float64] | None:
    if isinstance(distinct, np.ndarray):
        return distinct.astype(np.float64)
    truths = {"false": 0.0, "true": 1.0}
    if all(word.lower() in truths for word in distinct):
        return np.array([truths[word.lower()] for word in distinct])
    found = [_number(word) for word in distinct]
    return None if any(number is None for number in found) else np.array(found, dtype=np.float64)


def _number(word: str) -> float | None:
    try:
        return None if "_" in word else float(word)
    except ValueError:
        return None


def _require_points(where: str, name: str, distinct: Sequence[str] | NDArray[np.float64]) -> None:
    """Numbers as spreadsheets write them where a decimal comma is the custom are not to be taken for words."""
    written = [str(word) for word in distinct]
    if all(re.fullmatch(r"[+-]?\d+(,\d+)?", word) for word in written):
        comma = next(word for word in written if "," in word)
        raise DataError(
            f"{where}: column {name} holds {comma!r}; write numbers with a point, {comma.replace(',', '.')}"
        )


def _require_no_mixture(where: str, name: str, distinct: Sequence[str] | NDArray[np.float64]) -> None:
    kinds = {_number(word) is None: word for word in distinct}
    if len(kinds) > 1:
        raise DataError(
            f"{where}: column {name} mixes numbers and words ({kinds[False]!r} and {kinds[True]!r}); "
            f"leave such rows out, or declare it: kinds: {{{name}: categorical}}"
        )


def _binned(numbers: NDArray[np.float64], held_out: NDArray[np.bool_], bins: int) -> NDArray[np.int64]:
    """Bins of numbers (N,) that hold equally many rows, as far as equal numbers allow; none is empty."""
    edges = np.unique(bounds(numbers[~held_out], bins))
    placed = np.searchsorted(edges, numbers, side="right")
    return np.unique(placed, return_inverse=True)[1].reshape(-1).astype(np.int64)
