"""The numbers that a text may cite: each with a name of letters alone, which becomes a macro of LaTeX."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multibeta.report.comparisons import DISTORTIONS, RATES
from multibeta.report.findings import CellKey, Column, Findings, ordered
from multibeta.report.latex import number, plain_number
from multibeta.report.text import decimals

#: Every macro begins with it, after the backslash.
PREFIX = "mb"
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
#: What a macro's name ends in, where it is not the number itself that is wanted: its interval in brackets, the number
#: with half its interval, the seeds (or pairs of seeds) behind it, the p value of a difference.
SUFFIXES = ("", "CI", "PM", "N", "P")
ABOUT = r"""% One macro for each number: \input this file once, before \begin{document}; it needs no package.
% \mb<Number> is a mean over seeds, \mb<Number>CI its 95 % interval, \mb<Number>PM the mean ± half of it, \mb<Number>N
% how many seeds there are. \mbDiff<Number> is a mean difference within seeds, N its pairs, and P its p value after
% Holm's correction, with its relation: $p \mbDiff<Number>P$. What was not computed says so in the text.
\providecommand{\mbNotComputed}{\textbf{not computed}}
\providecommand{\mbNoInterval}{\textbf{no interval}}"""
NOT_COMPUTED, NO_INTERVAL = r"\mbNotComputed{}", r"\mbNoInterval{}"


@dataclass(frozen=True)
class Number:
    """A mean over seeds, or a mean difference within them.

    Attributes:
        name: of its macro, without ``\\mb``; ends in the spelled digits of a strength.
        about: what it is, by the names of the study: two numbers are the same if this is the same.
        value: NaN if it was not computed.
        low: of the 95 % interval; NaN where there is none.
        high: likewise.
        n: seeds, or pairs of seeds.
        places: digits after the point to write.
        p: of a difference, after Holm's correction; NaN if undefined, None for what is no difference.
    """

    name: str
    about: str
    value: float
    low: float
    high: float
    n: int
    places: int
    p: float | None = None

    @property
    def macros(self) -> list[str]:
        """All its macros, in the order of `SUFFIXES`."""
        return [PREFIX + self.name + suffix for suffix in SUFFIXES if suffix != "P" or self.p is not None]


def numbers(findings: Findings) -> list[Number]:
    """Every mean over seeds and every paired difference of the study, cell by cell; parts by factor are left out.

    A measure with several protocols or codes is called by its own name alone where it is that of targets and figures,
    and with protocol and codes where it is another. Names that would be equal are told apart by letters of a hash of
    what they are names of, all of them: none means something else once the study has grown.
    """
    found = [*_means(findings), *_differences(findings)]
    taken = Counter(number.name for number in found)
    return [replace(each, name=_unlike(each)) if taken[each.name] > 1 else each for each in found]


def words(text: object) -> str:
    """Letters for a macro: ``beta_vae`` is BetaVae, ``dlib19`` DlibOneNine, ``0.5`` ZeroPointFive."""
    pieces = re.findall(r"[A-Za-z]+|\d|\.(?=\d)", str(text))
    return "".join(_word(piece) for piece in pieces)


def _word(piece: str) -> str:
    if piece == ".":
        return "Point"
    return DIGITS[int(piece)] if piece.isdigit() else piece[0].upper() + piece[1:]


def _means(findings: Findings) -> Iterator[Number]:
    table = findings.summary[findings.summary.factor == ""]
    names = _measures(findings)
    for dataset in findings.datasets:
        own = table[table.dataset == dataset]
        rows: dict[tuple[Any, ...], Any] = {
            (row.variant, row.beta, row.metric, row.protocol, row.representation): row for row in own.itertuples()
        }
        means = own.groupby(list(Column._fields), sort=False)["mean"]
        places = {Column(*map(str, key)): decimals(values.dropna()) for key, values in means}
        for cell in findings.of_dataset(dataset):
            for column, name in names.items():
                yield _mean(cell, column, name, rows.get((*cell.place[1:], *column)), places.get(column, 2))


def _mean(cell: CellKey, column: Column, name: str, row: Any, places: int) -> Number:
    name, about = name + "".join(map(words, cell.place)), f"{_about(column)} of {', '.join(cell.place)}"
    if row is None:
        return Number(name, about, math.nan, math.nan, math.nan, 0, places)
    return Number(name, about, row.mean, row.ci_low, row.ci_high, int(row.seeds), places)


def _differences(findings: Findings) -> Iterator[Number]:
    names = _measures(findings)
    for (_, kind, metric), group in findings.comparisons.groupby(["dataset", "kind", "metric"], sort=False):
        places = decimals(group["mean"].dropna())
        rows: list[Any] = list(group.itertuples())
        for row in rows:
            column = Column(str(metric), row.protocol, row.representation)
            how, against = _compared(str(kind), row)
            name = f"Diff{names[column]}{words(row.dataset)}{words(row.variant)}{how}"
            about = f"difference in {_about(column)} of {row.dataset}, {row.variant}{f', {row.beta}' * bool(row.beta)}"
            about += f" from {row.against_variant}, {row.against_beta} ({kind})"
            yield Number(name + against, about, row.mean, row.ci_low, row.ci_high, int(row.pairs), places, row.p_holm)


def _compared(kind: str, row: Any) -> tuple[str, str]:
    """How a difference is called: FourVsOne, FourVsBetaVaeFour, AtRateOf BetaVaeFour."""
    other = words(row.against_variant) if row.against_variant != row.variant else ""
    how = {RATES: "AtRateOf", DISTORTIONS: "AtReconstructionOf"}.get(kind, f"{words(row.beta)}Vs")
    return how, other + words(row.against_beta)


def _measures(findings: Findings) -> dict[Column, str]:
    """The name of each column that has a row, computed or not: no name depends on what could be computed."""
    table = findings.summary[findings.summary.factor == ""]
    found = {Column(*key) for key in table[list(Column._fields)].itertuples(index=False, name=None)}
    names: dict[Column, str] = {}
    first: set[str] = set()
    for column in ordered(found):
        names[column] = words(column.metric) if column.metric not in first else "".join(map(words, column))
        first.add(column.metric)
    return names


def _about(column: Column) -> str:
    return f"{column.metric} ({column.protocol}, {column.representation})"


def _unlike(number: Number) -> str:
    digest = hashlib.sha256(number.about.encode()).hexdigest()[:6]
    return f"{number.name}Which{''.join(chr(ord('a') + int(digit, 16)) for digit in digest)}"


def named(found: Sequence[Number]) -> dict[str, Number]:
    """Numbers by every macro that shows them."""
    return {macro: number for number in found for macro in number.macros}


def numbers_tex(found: Sequence[Number]) -> str:
    """A file for the preamble: the macros of each number, under a comment that says what it is."""
    parts = [ABOUT]
    for each in found:
        shown = zip(each.macros, _shown(each), strict=False)
        parts += [f"% {each.about}", *(rf"\newcommand{{\{macro}}}{{{text}}}" for macro, text in shown)]
    return "\n".join(parts) + "\n"


def _shown(each: Number) -> list[str]:
    """What its macros expand to, in the order of `SUFFIXES`."""
    if not math.isfinite(each.value):
        return [NOT_COMPUTED, NOT_COMPUTED, NOT_COMPUTED, str(each.n), _p(math.nan)]
    mean, shown = number(each.value, each.places), plain_number(each.value, each.places)
    interval, both = NO_INTERVAL, f"{mean} ({NO_INTERVAL})"
    if math.isfinite(each.high):
        low, high, half = (plain_number(x, each.places) for x in (each.low, each.high, each.high - each.value))
        interval, both = rf"\ensuremath{{[{low}, {high}]}}", rf"\ensuremath{{{shown} \pm {half}}}"
    return [mean, interval, both, str(each.n), _p(each.p)]


def _p(p: float | None) -> str:
    """With its relation, so that ``$p \\mbDiff…P$`` reads well however small it is."""
    if p is None or math.isnan(p):
        return rf"\ensuremath{{=}} {NOT_COMPUTED}"
    return r"\ensuremath{\leq 0.0001}" if p <= 1e-4 else rf"\ensuremath{{= {p:.2g}}}"
