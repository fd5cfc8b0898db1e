"""The lock of the numbers that a text cites: what each was when the text was written, and which have moved since."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from multibeta.report.latex import plain_number
from multibeta.report.numbers import PREFIX, Number
from multibeta.report.paired import ALPHA

#: As LaTeX reads it: to the end of the line, but not after a backslash of its own.
COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
DEFINITION = re.compile(r"\\(?:new|renew|provide)command\*?\s*\{?\s*\\\w+\s*\}?")


class LockedNumber(BaseModel):
    """A number as it was cited: the fields of `multibeta.report.numbers.Number`, None for NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    about: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    places: int = Field(ge=0, le=20)
    p: float | None


class Lock(BaseModel):
    """The content of a lock file: numbers by the name of their macro, without its prefix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: dict[str, LockedNumber]


def cited(tex: str) -> list[str]:
    """The macros of numbers that a TeX source uses, in order; not those in comments, nor where they are defined.

    Meant are names of ``mb`` and a capital, so ``\\mbox`` is none.
    """
    text = DEFINITION.sub("", COMMENT.sub(r"\1", tex))
    return list(dict.fromkeys(re.findall(rf"\\({PREFIX}[A-Z][A-Za-z]*)", text)))


def locked(numbers: Sequence[Number]) -> Lock:
    """The lock of these numbers, as they are now."""
    return Lock(numbers={each.name: _locked(each) for each in numbers})


def moved(lock: Lock, numbers: Sequence[Number]) -> list[str]:
    """A line for each locked number that a text can no longer cite as it did: which, from, to.

    A mean or difference has moved if it lies outside its locked 95 % interval and is written differently; of a number
    without an interval (one seed, or no spread) the second suffices. A difference has also moved if it held at 5 %
    after Holm's correction and holds no longer, or the other way round.
    """
    now = {each.name: each for each in numbers}
    said = {name: _said(then, now.get(name)) for name, then in lock.numbers.items()}
    return [f"\\{PREFIX}{name} {how}" for name, how in said.items() if how]


def _locked(number: Number) -> LockedNumber:
    value, low, high, p = map(_finite, (number.value, number.low, number.high, number.p))
    return LockedNumber(about=number.about, value=value, low=low, high=high, n=number.n, places=number.places, p=p)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _said(then: LockedNumber, number: Number | None) -> str:
    if number is None:
        return f"no longer exists; it was {_written(then)}, the {then.about}"
    now = _locked(number)
    if now.about != then.about:
        return f"means something else; it was the {then.about} and is the {now.about}"
    if _has_moved(then, now):
        return f"moved from {_written(then)} to {_written(now)}: the {now.about}"
    if now.p is not None and then.p is not None and (now.p <= ALPHA) != (then.p <= ALPHA):
        holds = "now holds" if now.p <= ALPHA else "holds no longer"
        return f"{holds}: p was {then.p:.2g} and is {now.p:.2g} after Holm's correction; the {now.about}"
    return ""


def _has_moved(then: LockedNumber, now: LockedNumber) -> bool:
    if then.value is None or now.value is None:
        return then.value != now.value
    inside = then.low is not None and then.high is not None and then.low <= now.value <= then.high
    return not inside and plain_number(then.value, then.places) != plain_number(now.value, then.places)


def _written(number: LockedNumber) -> str:
    """``0.410 (95 % interval 0.385 to 0.435, n = 5)``."""
    if number.value is None:
        return "not computed"
    mean = plain_number(number.value, number.places)
    if number.low is None or number.high is None:
        return f"{mean} (n = {number.n})"
    low, high = plain_number(number.low, number.places), plain_number(number.high, number.places)
    return f"{mean} (95 % interval {low} to {high}, n = {number.n})"
