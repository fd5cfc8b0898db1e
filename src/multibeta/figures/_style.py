"""The one look of every figure: sizes of print, colours safe for the colour-blind, and bytes that repeat."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

#: Widths of a two-column page, inches.
COLUMN, PAGE = 3.3, 6.9
#: Dots per inch of plots as PNG.
DPI = 220

#: Okabe & Ito 2008, "Color Universal Design"; yellow left out, it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, MUTED = "#1a1a1a", "#767676"

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same letters
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "legend.frameon": False,
    "svg.hashsalt": "multibeta",  # element ids of an SVG are random without it
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: publishers refuse matplotlib's default Type 3 fonts
}

#: Letters of a label beside or above a picture, at most.
LETTERS = 28

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in this style, whatever the user's matplotlibrc says."""

    @wraps(draw)
    def in_style(*arguments: P.args, **keywords: P.kwargs) -> Figure:
        with _in_style():
            figure = draw(*arguments, **keywords)
            if layout := figure.get_layout_engine():
                # Once: every file of the figure then has the same layout, and none pays for it again.
                layout.execute(figure)
                figure.set_layout_engine("none")
            return figure

    return in_style


def told_apart(column: str, names: Sequence[str]) -> dict[str, Any]:
    """Keywords of seaborn's relational plots: a colour and a marker for each value of a column, in this order."""
    count = len(COLOURS)
    # Every further round of the colours is shifted against the markers, so that no pair comes twice.
    looks = {
        "palette": [COLOURS[i % count] for i in range(len(names))],
        "markers": [MARKERS[(i + i // count) % len(MARKERS)] for i in range(len(names))],
    }
    return {"hue": column, "hue_order": names, "style": column, "style_order": names, **looks}


def shortened(label: str, letters: int = LETTERS) -> str:
    """A label that leaves room for what it labels; names come from files and may have any length."""
    return label if len(label) <= letters else f"{label[: letters - 1]}…"


def render(figure: Figure, kind: str) -> bytes:
    """The figure as a file of kind ``png``, ``svg`` or ``pdf``: equal figures, equal bytes; no dates, no random ids."""
    if kind == "png":
        return _as_png(figure)
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.BytesIO()
    with _in_style():
        figure.set_facecolor("white")
        # Straight from the canvas: ``savefig`` would draw it twice, the first time for its layout, which it has.
        if kind == "svg":
            FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
        else:
            FigureCanvasPdf(figure).print_pdf(buffer, metadata={"CreationDate": None})
    return buffer.getvalue()


@contextmanager
def _in_style() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        parameters: Any = mpl.rcParams
        parameters.update(STYLE)
        yield


def _as_png(figure: Figure) -> bytes:
    """The picture without an alpha channel, and without colour where it has none; reports embed hundreds.

    Straight from the canvas: ``savefig`` would draw it twice and compress it once more.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image, ImageChops

    canvas = FigureCanvasAgg(figure)
    with _in_style():
        figure.set_facecolor("white")
        canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    grey = picture.convert("L")
    if ImageChops.difference(picture, grey.convert("RGB")).getbbox() is None:
        picture = grey
    buffer = io.BytesIO()
    picture.save(buffer, format="png", compress_level=6)
    return buffer.getvalue()
