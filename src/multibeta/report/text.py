"""Markdown by the piece: tables, numbers, pictures, foldable blocks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

DASH = "–"
#: Of a table that stands open.
MOST_ROWS = 60


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], text_columns: int = 1) -> str:
    """A GitHub table; the first ``text_columns`` are aligned left, the rest, numbers, right."""
    align = [":--" if position < text_columns else "--:" for position in range(len(headers))]
    lines = [[cell(header) for header in headers], align, *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def long_table(summary: str, headers: Sequence[str], rows: Sequence[Sequence[object]], text_columns: int = 1) -> str:
    """A table that is folded under a summary if it has many rows: what stands open is laid out when a page opens."""
    shown = table(headers, rows, text_columns)
    return shown if len(rows) <= MOST_ROWS else fold(f"{summary}, {len(rows)} rows", shown)


def cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|") or DASH


def plain(text: object) -> str:
    """Text from outside, safe inside Markdown and HTML."""
    return escape(" ".join(str(text).split()), quote=False).replace("*", "\\*").replace("_", "\\_")


def code(text: object) -> str:
    return f"`{str(text).replace('`', '')}`"


def decimals(values: Iterable[float], most: int = 5) -> int:
    """Places after the point, at least one, that show three digits of the largest value; equal for a whole column."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return 2
    return min(most, max(1, 2 - math.floor(math.log10(largest))))


def number(value: float | None, places: int) -> str:
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def with_interval(mean: float, ci_high: float, places: int) -> str:
    """``0.213 ± 0.041``; the mean alone where one seed gives no interval."""
    if not math.isfinite(ci_high):
        return number(mean, places)
    return f"{number(mean, places)} ± {number(ci_high - mean, places)}"


def duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return DASH
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def listed(items: Sequence[str], most: int = 12) -> str:
    """``a, b, c`` and how many more."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def picture(path: str, alternative: str, width: str = "") -> str:
    """An image as HTML, which GitHub scales as asked; Markdown's own form cannot."""
    size = f' width="{width}"' if width else ""
    return f'<img src="{quote(path)}" alt="{escape(alternative)}"{size}>'


def fold(summary: str, body: str, opened: bool = False) -> str:
    """A block that opens on a click, closed in the text of a long report."""
    return f"<details{' open' if opened else ''}>\n<summary>{escape(summary)}</summary>\n\n{body}\n\n</details>"
