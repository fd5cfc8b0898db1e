"""What figures of several variants share: which go together, the legend, and what an empty panel says."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from multibeta.figures._style import INK, MUTED, told_apart

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Letters of a reason side by side in one of five panels, its lines at most, and their size in points: the report has
#: every reason at full length.
LETTERS, LINES, SMALL = 20, 5, 6
#: Variants in a panel beside each other; of more, the panels are divided.
TOGETHER = 5
#: Strengths of which each is labelled, and has its seeds and a bar; of more, some are labelled, and the interval is a
#: band without seeds.
DENSE, MOST_LABELS = 12, 7
#: Letters of a legend that fit beside each other in an inch, and those whose place a marker takes.
LINE, MARKER = 16, 7


def bands(variants: Mapping[str, str], symbols: Mapping[str, str]) -> list[dict[str, str]]:
    """The variants, all together if they are few; else those of one letter, in even parts of a few."""
    if len(variants) <= TOGETHER:
        return [dict(variants)]
    by_letter: dict[str, list[str]] = {}
    for variant in variants:
        by_letter.setdefault(symbols.get(variant, "β"), []).append(variant)
    bands = []
    for names in by_letter.values():
        count = -(-len(names) // TOGETHER)
        size = -(-len(names) // count)
        bands += [{name: variants[name] for name in names[i : i + size]} for i in range(0, len(names), size)]
    return bands


def rows_for(count: int, width: float, least: float) -> int:
    """How many rows so many panels take, each at least so many inches wide."""
    return -(-count // max(1, int(width / least)))


def blocks(part: Any, sets: int, count: int, rows: int, least: int = 1) -> Any:
    """Axes (sets, count): for each set a block of rows, as even as may be; what is left over stays empty.

    Fewer than ``least`` to a row are not drawn out over the whole of it.
    """
    columns = max(-(-count // rows), least)
    grid = part.subplots(sets * rows, columns, squeeze=False).reshape(sets, rows * columns)
    for axes in grid[:, count:].flat:
        axes.remove()
    return grid[:, :count]


def labelled(path: pd.DataFrame) -> pd.DataFrame:
    """Those rows of a path of strengths that have room for a label: all of a short one; else some, and the last."""
    if len(path) <= DENSE:
        return path
    every = -(-len(path) // MOST_LABELS)
    return path.iloc[sorted({*range(0, len(path) - (every + 1) // 2, every), len(path) - 1})]


def say(axes: Axes, reason: str) -> None:
    """An empty panel says why it is empty."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#d0d0d0", linestyle=(0, (3, 3)))
    text = textwrap.fill(reason, LETTERS, max_lines=LINES, placeholder=" …")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=SMALL)


def legend(figure: Any, variants: Mapping[str, str], note: str, width: float) -> None:
    """Below the figure, which is so many inches wide."""
    looks = told_apart("variant", list(variants))
    handles = [
        Line2D([], [], label=title, color=colour, marker=marker)
        for title, colour, marker in zip(variants.values(), looks["palette"], looks["markers"], strict=True)
    ]
    letters, line = [len(title) + MARKER for title in variants.values()], int(LINE * width)
    if sum(letters) + len(note) <= line:
        handles += [Line2D([], [], linestyle="", label=note, color=INK)] if note else []
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.5)
    else:
        columns, title = max(1, min(len(handles), line // max(letters))), textwrap.fill(note, line) or None
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, columnspacing=1.5, title=title)
