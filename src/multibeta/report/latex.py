"""LaTeX by the piece: text that means the same, numbers, and tables of booktabs whose numbers siunitx aligns."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import NamedTuple

#: Characters that LaTeX reads otherwise, or that pdfTeX does not know.
SPECIAL = {
    **{character: f"\\{character}" for character in "#$%&_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\char34{}"},
    **{"–": "--", "—": "---", "…": r"\ldots{}", "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$"},
    **{
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "→": r"$\rightarrow$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "∞": r"$\infty$",
    },
    **{"²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}", "½": r"$\frac{1}{2}$", "ς": r"$\varsigma$"},
}
#: What the preamble of a document with these tables must load.
PACKAGES = "Needs the packages booktabs, siunitx and graphicx."
#: Letters of a heading beside each other.
HEADING = 14
#: Set small, and shrunk where it is still wider than the line: a paper's columns are 3.25 to 7 inches wide.
BEFORE = r"""\begingroup
\footnotesize
\setlength{\tabcolsep}{3.5pt}
\sbox0{%"""
AFTER = r"""}%
\noindent\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi
\endgroup"""


class Measured(NamedTuple):
    """A number of a table: mean ± half its interval, and what stands after it."""

    mean: float
    half: float = math.nan
    mark: str = ""


class TableColumn(NamedTuple):
    """A column of a table: text, or numbers with so many places after the point."""

    heading: str
    places: int | None = None


#: A cell of a column of numbers that has none.
NOTHING = Measured(math.nan)


def escape(text: object) -> str:
    """Text from outside, on one line, which LaTeX prints as it is.

    Greek letters become mathematics; letters with accents are left to LaTeX, which has known them in UTF-8 since 2018.
    """
    return "".join(map(_escaped, " ".join(str(text).split())))


def number(value: float, places: int) -> str:
    """A number for text and for mathematics, its minus a minus."""
    text = plain_number(value, places)
    return f"\\ensuremath{{{text}}}" if text.startswith("-") else text


def plain_number(value: float, places: int) -> str:
    """Digits; nothing is −0."""
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def table(
    about: str, columns: Sequence[TableColumn], rows: Sequence[Sequence[str | Measured]], grouped: bool = False
) -> str:
    """A ``tabular`` to be put into a ``table`` of the reader's own, under a comment.

    A column of numbers is two: the means, aligned at their points by siunitx, and ± half the interval with its mark.

    Args:
        about: plain text for the comment, such as what a caption must say.
        columns: those of numbers need a `Measured` in every row, others escaped text.
        rows: body of the table.
        grouped: a little room where the first column changes.
    """
    kinds = "".join(_kind(column, [row[place] for row in rows]) for place, column in enumerate(columns))
    heads = [wrap(column.heading, HEADING, break_long_words=False) for column in columns]
    height = max(map(len, heads))
    heads = [[""] * (height - len(lines)) + lines for lines in heads]
    body = [_line(map(_heading, columns, line)) for line in zip(*heads, strict=True)] + [r"\midrule"]
    for row, before in zip(rows, [None, *rows], strict=False):
        body += [r"\addlinespace"] * (grouped and before is not None and row[0] != before[0])
        body.append(_line(map(_cell, columns, row)))
    tabular = [rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}", r"\toprule", *body, r"\bottomrule", r"\end{tabular}"]
    comment = [f"% {line}" for line in wrap(about, 110)]
    return "\n".join([*comment, BEFORE, *tabular, AFTER, ""])


def _escaped(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    name = unicodedata.name(character, "")
    if greek := re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", name):
        return _greek(greek[1] == "SMALL", greek[2].lower().replace("lamda", "lambda"))
    return character


def _greek(small: bool, name: str) -> str:
    if small:
        return "$o$" if name == "omicron" else rf"$\{name}$"
    latin = {"alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M"}
    latin |= {"nu": "N", "omicron": "O", "rho": "P", "tau": "T", "chi": "X"}
    return latin.get(name, rf"$\{name.capitalize()}$")


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _heading(column: TableColumn, text: str) -> str:
    return escape(text) if column.places is None else rf"\multicolumn{{2}}{{c}}{{{escape(text)}}}"


def _cell(column: TableColumn, value: str | Measured) -> str:
    if isinstance(value, str) or column.places is None:
        return str(value)
    if not math.isfinite(value.mean):
        return "{--} & "
    half = rf"$\pm$\,{plain_number(value.half, column.places)}" if math.isfinite(value.half) else ""
    return f"{plain_number(value.mean, column.places)} & {half}{value.mark}"


def _kind(column: TableColumn, values: Sequence[str | Measured]) -> str:
    """``l`` of text; of numbers ``S`` with room for the widest, and ``l`` for the interval."""
    if column.places is None:
        return "l"
    means = [value.mean for value in values if isinstance(value, Measured) and math.isfinite(value.mean)]
    texts = [plain_number(mean, column.places) for mean in means]
    sign = "-" * any(text.startswith("-") for text in texts)
    whole = max((len(text.removeprefix("-").partition(".")[0]) for text in texts), default=1)
    return rf"S[table-format={sign}{whole}.{column.places}]@{{\,}}l"
