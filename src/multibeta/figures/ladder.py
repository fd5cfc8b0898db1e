"""The same latents down a ladder of runs: one row for each run, from a small strength to a large one."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import INK, MUTED, PAGE, shortened, styled
from multibeta.figures._tiles import CHARACTERS_PER_INCH, PIXELS_PER_INCH, TEXT, smaller, tiled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Latents side by side; more stand below, with all runs once more.
SIDE_BY_SIDE = 4
#: Images are averaged down to this many pixels a side: they are a quarter of an inch wide.
MOST_PIXELS = 64
#: Inches of the names of the runs, of a number beside its strip, of a heading.
NAMES, NUMBER, HEADING = 0.98, 0.38, 0.16
STRIP = (PAGE - NAMES - 0.02) / SIDE_BY_SIDE - NUMBER
#: Letters of a run's name.
LETTERS = 17
#: Grey value of a strip without a match.
EMPTY = 0.94


@dataclass(frozen=True)
class Rung:
    """One run of a ladder: L latents, moved over S values.

    Attributes:
        group: heading above the runs that follow each other and share it, such as the variant.
        name: of the run within its group, such as ``β = 4, seed 0``.
        strips: images (L, S, C, H, W) in [0, 1]; what stands for a latent that is not matched is not shown.
        correlation: (L,), of the codes with those of the reference; 0 where no latent was left.
        matched: (L,).
        reference: whether it is the run that all are matched to.
    """

    group: str
    name: str
    strips: NDArray[np.float32]
    correlation: NDArray[np.floating]
    matched: NDArray[np.bool_]
    reference: bool = False


@styled
def ladder(rungs: Sequence[Rung], latents: Sequence[str], note: str = "", title: str = "") -> Figure:
    """Strips of every run, one column for each latent of the reference, with the match's correlation beside each.

    Args:
        rungs: at least one, in the order of the rows.
        latents: headings (L,) of the columns.
        note: below.
        title: above.
    """
    for rung in rungs:
        if not len(rung.strips) == len(rung.correlation) == len(rung.matched) == len(latents):
            raise ValueError(f"{rung.name}: {len(rung.strips)} strips do not fit {len(latents)} latents")
    groups = [(name, list(of_group)) for name, of_group in groupby(rungs, lambda rung: rung.group)]
    every = range(len(latents))
    bands = [every[start : start + SIDE_BY_SIDE] for start in every[::SIDE_BY_SIDE]]
    canvases = [[_Canvas.of(of_group, band) for _, of_group in groups] for band in bands]
    text = "\n".join(textwrap.wrap(note, int(CHARACTERS_PER_INCH * PAGE)))
    bottom = 0.04 + (0.04 + 0.12 * len(text.splitlines()) if text else 0)
    tall = sum(HEADING * (1 + len(groups)) + sum(each.inches for each in band) for band in canvases)
    height = (0.2 if title else 0.02) + tall + bottom
    figure = Figure(figsize=(PAGE, height), dpi=canvases[0][0].dpi)
    top = height - (0.2 if title else 0.02)
    for band, row in zip(bands, canvases, strict=True):
        top -= HEADING
        for position, latent in enumerate(band):
            centre = NAMES + position * (STRIP + NUMBER) + STRIP / 2
            figure.text(centre / PAGE, (top + 0.03) / height, latents[latent], ha="center", fontsize=TEXT)
        for (name, of_group), canvas in zip(groups, row, strict=True):
            top -= HEADING
            figure.text(0.02 / PAGE, (top + 0.03) / height, name, fontsize=TEXT, fontweight="bold")
            top -= canvas.inches
            place = (NAMES / PAGE, top / height, canvas.wide / PAGE, canvas.inches / height)
            _draw(figure.add_axes(place), canvas, of_group, band)
    if title:
        figure.text(0.02 / PAGE, 1 - 0.03 / height, title, ha="left", va="top", fontsize=TEXT)
    if text:
        figure.text(0.02 / PAGE, 0.02 / height, text, ha="left", va="bottom", fontsize=TEXT, color=MUTED)
    return figure


@dataclass(frozen=True)
class _Canvas:
    """The strips of a group of runs as one array, room for a number right of each."""

    pixels: NDArray[np.uint8]
    dpi: float
    #: Pixels from one row to the next, of a strip and from one strip to the next.
    row: int
    strip: int
    column: int

    @property
    def inches(self) -> float:
        return self.pixels.shape[0] / self.dpi

    @property
    def wide(self) -> float:
        return self.pixels.shape[1] / self.dpi

    @classmethod
    def of(cls, rungs: Sequence[Rung], band: range) -> _Canvas:
        strips = [[smaller(rung.strips[j], MOST_PIXELS) if rung.matched[j] else None for j in band] for rung in rungs]
        count, _, height, width = smaller(rungs[0].strips[band[0]], MOST_PIXELS).shape
        scale = max(1, -(-int(STRIP * PIXELS_PER_INCH) // (count * width)))
        gap = max(2, round(0.03 * width * scale))
        strip = count * (width * scale + gap) - gap
        dpi = strip / STRIP
        column, row = strip + round(NUMBER * dpi), height * scale + gap
        pixels = np.full((len(rungs) * row, len(band) * column, 3), 255, np.uint8)
        for i, of_run in enumerate(strips):
            for j, images in enumerate(of_run):
                place = pixels[i * row : (i + 1) * row - gap, j * column : j * column + strip]
                place[:] = round(255 * EMPTY) if images is None else tiled(images[None], gap, scale)
        return cls(pixels, dpi, row, strip, column)


def _draw(axes: Axes, canvas: _Canvas, rungs: Sequence[Rung], band: range) -> None:
    axes.imshow(canvas.pixels, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for i, rung in enumerate(rungs):
        middle = (i + 0.5) * canvas.row - 1
        near: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": TEXT}
        weight = "bold" if rung.reference else "normal"
        axes.annotate(shortened(rung.name, LETTERS), (0, middle), (-4, 0), ha="right", fontweight=weight, **near)
        for j, latent in enumerate(band):
            start, r = j * canvas.column, rung.correlation[latent]
            if rung.matched[latent]:
                said = "ref." if rung.reference else _two_places(r)
                axes.annotate(said, (start + canvas.strip, middle), (3, 0), ha="left", color=INK, **near)
            else:
                # Towards 0, so that none is as large as one that matches.
                said = f"no match: {_two_places(np.trunc(100 * r) / 100)}" if r else "no latent left"
                centre = (start + canvas.strip / 2, middle)
                axes.annotate(said, centre, (0, 0), ha="center", color=MUTED, **near)


def _two_places(r: float) -> str:
    return f"{r:.2f}".replace("-", "−")
