"""The one look of every figure: sizes of print, colours safe for the colour-blind, and bytes that repeat."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

#: Widths of a two-column page, inches.
COLUMN, PAGE = 3.3, 6.9
#: Dots per inch of plots as PNG.
DPI = 220

#: Okabe & Ito 2008, "Color Universal Design"; yellow left out, it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, MUTED = "#1a1a1a", "#767676"

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
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
    "axes.formatter.useoffset": False,  # what is left out of the ticks would be printed over the label
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

#: All ship with matplotlib, so every machine draws the same letters. Serifs are smaller at the same size.
_SERIFS = {
    **dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 8),
    "axes.titlesize": 8.5,
}
FONTS: dict[str, dict[str, Any]] = {
    "sans": {},
    "times": {**_SERIFS, "font.family": ["STIXGeneral", "DejaVu Sans"], "mathtext.fontset": "stix"},
    # Computer Modern has no Greek letters, arrows nor minus among its letters.
    "computer modern": {
        **_SERIFS,
        "font.family": ["cmr10", "STIXGeneral", "DejaVu Sans"],
        "mathtext.fontset": "cm",
        "axes.formatter.use_mathtext": True,
    },
}

#: Letters of a label beside or above a picture, at most.
LETTERS = 28


class Look(NamedTuple):
    """Where figures are printed.

    Attributes:
        width: inches of the text across the page.
        column: inches of one of its columns; None where it has no two.
        font: one of `FONTS`, which matches the text around.
    """

    width: float
    column: float | None = None
    font: str = "sans"

    def narrow(self) -> Look | None:
        """The look of a figure in one of two columns."""
        return Look(self.column, None, self.font) if self.column else None


#: The report's own look.
REPORT = Look(PAGE)
#: Text widths of the LaTeX templates of journals and conferences.
LOOKS = {
    "neurips": Look(5.5, font="times"),
    "iclr": Look(5.5, font="times"),
    "icml": Look(6.75, 3.25, "times"),
    "aaai": Look(7.0, 3.31, "times"),
    "cvpr": Look(6.87, 3.28, "times"),
    "acl": Look(6.3, 3.03, "times"),
    "ieee": Look(7.14, 3.48, "times"),
    "acm": Look(7.0, 3.33, "times"),
    "jmlr": Look(6.0, font="computer modern"),
    "lncs": Look(4.8, font="computer modern"),
}
P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in this style, whatever the user's matplotlibrc says; in that of the keyword ``look`` where it is given."""

    @wraps(draw)
    def in_style(*arguments: P.args, **keywords: P.kwargs) -> Figure:
        look: Any = keywords.get("look", REPORT)
        with _in_style(look):
            figure = draw(*arguments, **keywords)
            _fit_letters(figure, look.font)
            if layout := figure.get_layout_engine():
                # Once: every file of the figure then has the same layout, and none pays for it again.
                layout.execute(figure)
                figure.set_layout_engine("none")
            return figure

    return in_style


def _fit_letters(figure: Figure, font: str) -> None:
    """What a style sheet cannot say: the lines of these fonts stand too far apart, and bold is a family of its own."""
    if font == "sans":
        return
    for text in figure.findobj(Text):
        text.set_linespacing(0.95 if font == "times" else 1.1)
        if font == "computer modern" and text.get_fontweight() == "bold":
            text.set(fontfamily=["cmb10", *text.get_fontfamily()[1:]], fontweight="normal")


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
    # The dates within Computer Modern are so old that they look wrong to it.
    logging.getLogger("fontTools.ttLib.tables._h_e_a_d").setLevel(logging.ERROR)
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
def _in_style(look: Look = REPORT) -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        parameters: Any = mpl.rcParams
        parameters.update({**STYLE, **FONTS[look.font]})
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
