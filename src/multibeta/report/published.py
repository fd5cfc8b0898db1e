"""The section of published values: each beside ours of the same protocol, with the difference and its interval."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from multibeta.report.findings import Column, Findings
from multibeta.report.paired import Difference, difference
from multibeta.report.statistics import interval
from multibeta.report.text import DASH, decimals, number, plain, table, with_interval

#: Values of a variant by strength and seed.
Values = Mapping[str, Mapping[int, float]]

ABOUT = (
    "Ours is the mean over seeds ± half its 95 % interval (Student's t). Published is what the source gives, with what "
    "stands behind its ± there. The interval of the difference is that of our seeds "
    "alone: the published value is taken as a fixed number, though it too is a mean over few runs, or one run. "
    "Intervals are not corrected for their number. Only numbers of one protocol and representation stand in a row; "
    "what else is known to differ is said in the notes."
)
BEST = (
    "*Best*: the source names no strength. Each of our seeds is then read at the strength that is best by the mean of "
    "the other seeds, so that no seed has a say in where it is read; in brackets the strengths so chosen."
)


class Beside(NamedTuple):
    """Ours next to one published value.

    Attributes:
        strengths: at which ours was read; several where the seeds differ in which is best.
        ours: by seed.
        difference: ours − published, with the one-sample interval over seeds.
    """

    entry: Mapping[str, Any]
    strengths: list[str]
    ours: dict[int, float]
    difference: Difference

    @property
    def verdict(self) -> str:
        """Does the published value lie in our interval?"""
        found = self.difference
        if math.isnan(found.low):
            return DASH
        return "**no**<br>ours is " + ("higher" if found.mean > 0 else "lower") if found.tells else "yes"


def beside(findings: Findings, entry: Mapping[str, Any]) -> Beside:
    """One published value, an entry of the study's ``report.published``, and what this study has beside it."""
    values = _values(findings, entry)
    if entry["strength"] is not None:
        ours = dict(values.get(entry["strength"], {}))
        strengths = [entry["strength"]]
    else:
        measure = findings.measures.get(entry["metric"])
        chosen = best_by_others(values, -1 if measure and measure.better == "lower" else 1)
        ours = {seed: values[beta][seed] for seed, beta in chosen.items()}
        strengths = sorted(set(chosen.values()), key=float)
    return Beside(entry, strengths, ours, difference([value - entry["value"] for value in ours.values()]))


def best_by_others(values: Values, sign: int = 1) -> dict[int, str]:
    """For each seed the strength at which the mean of all other seeds is best.

    A seed read at the strength that it helped to choose would stand too high, by the luck that made it the choice.
    Strengths at which the seed has no value, or no other has one, are no choice; a single strength always is.

    Args:
        values: by strength and seed.
        sign: 1 if more is better, −1 if less is.
    """
    if len(values) == 1:
        return {seed: beta for beta, own in values.items() for seed in own}
    chosen = {}
    for seed in sorted({seed for own in values.values() for seed in own}):
        means = {
            beta: interval([value for other, value in own.items() if other != seed])[0]
            for beta, own in values.items()
            if seed in own and len(own) > 1
        }
        if means:
            chosen[seed] = max(means, key=lambda beta: sign * means[beta])
    return chosen


def published(findings: Findings) -> str:
    """Every published value of the study beside ours; nothing where the study gives none."""
    rows = [beside(findings, entry) for entry in findings.published]
    if not rows:
        return ""
    notes = list(dict.fromkeys(row.entry["note"] for row in rows if row.entry["note"]))
    parts = ["## Beside published values", ABOUT]
    if any(row.entry["strength"] is None for row in rows):
        parts.append(BEST)
    for dataset in dict.fromkeys(row.entry["dataset"] for row in rows):
        own = [row for row in rows if row.entry["dataset"] == dataset]
        parts.append(f"### {plain(dataset)}: published values\n\n{_counted(own)}\n\n{_table(findings, own, notes)}")
    if notes:
        parts.append("Notes on what was published:")
        parts.append("\n".join(f"{position}. {plain(note)}" for position, note in enumerate(notes, 1)))
    return "\n\n".join(parts)


def _counted(rows: Sequence[Beside]) -> str:
    """How many values lie where, in a sentence."""
    verdicts = [row.verdict for row in rows if row.verdict != DASH]
    if not verdicts:
        return f"None of {len(rows)} published values can be compared yet: that takes two finished seeds."
    higher = sum(verdict.endswith("higher") for verdict in verdicts)
    lower = sum(verdict.endswith("lower") for verdict in verdicts)
    waiting = len(rows) - len(verdicts)
    return (
        f"Published values in the 95 % interval of ours: {verdicts.count('yes')} of {len(verdicts)}; ours is higher "
        f"than {higher} and lower than {lower}." + (f" {waiting} more cannot be compared yet." if waiting else "")
    )


def _table(findings: Findings, rows: Sequence[Beside], notes: Sequence[str]) -> str:
    body = []
    for row in rows:
        entry, found = row.entry, row.difference
        value, spread = entry["value"], entry["spread"]
        # As many as published, or three digits.
        places = max(decimals([value], most=3), *(_places(each) for each in (value, spread) if each is not None))
        column = Column(entry["metric"], entry["protocol"], entry["representation"])
        ours, _, _, high = interval(list(row.ours.values()))
        body.append(
            [
                f"{plain(findings.variants[entry['variant']])}<br>{_strength(findings, row)}",
                findings.header(column),
                _link(entry["source"]) + (f"<br>note {notes.index(entry['note']) + 1}" if entry["note"] else ""),
                str(found.pairs),
                with_interval(ours, high, places),
                number(value, places) + (f" ± {number(spread, places)}" if spread is not None else ""),
                _difference(found, places),
                row.verdict,
            ]
        )
    headers = [
        *("variant", "measure", "source", "seeds", "ours", "published", "ours −<br>published"),
        "in our<br>interval",
    ]
    return table(headers, body, 3)


def _places(value: float) -> int:
    """Digits after the point of a number as it was written."""
    exponent = Decimal(str(value)).as_tuple().exponent
    return max(0, -int(exponent))


def _values(findings: Findings, entry: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """Finite values of the entry's column, by strength, in the order of the study, and seed."""
    rows = findings.metrics[(findings.metrics.factor == "") & (findings.metrics.status == "done")]
    for name in ("dataset", "variant", "metric", "protocol", "representation"):
        rows = rows[rows[name] == entry[name]]
    values: dict[str, dict[int, float]] = {}
    for beta, seed, value in zip(rows.beta, rows.seed, rows.value, strict=True):
        if math.isfinite(value):
            values.setdefault(str(beta), {})[int(seed)] = float(value)
    return values


def _strength(findings: Findings, row: Beside) -> str:
    symbol = findings.symbols[row.entry["variant"]]
    if row.entry["strength"] is not None:
        return plain(f"{symbol} = {row.entry['strength']}")
    return plain("best" + (f" ({symbol} = {', '.join(row.strengths)})" if row.strengths else ""))


def _difference(found: Difference, places: int) -> str:
    """``−0.05`` over ``(−0.07 to −0.03)``; the mean alone where one seed gives no interval."""
    if math.isnan(found.low):
        return number(found.mean, places)
    return f"{number(found.mean, places)}<br>({number(found.low, places)} to {number(found.high, places)})"


def _link(source: str) -> str:
    """``Lin et al. 2020, table 1, https://…`` as a link of that name; the bare address where it has no other."""
    address = re.search(r"https?://[^\s<>()]+", source)
    assert address is not None, "an entry without an address is refused when the study is read"
    name = " ".join((source[: address.start()] + source[address.end() :]).split()).strip(" ,;:")
    return f"[{plain(name or address[0]).replace('[', '(').replace(']', ')')}]({address[0].rstrip('.,;')})"
