"""Images in rows and columns as one array, shown by one imshow: hundreds of axes would take seconds."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import COLUMN, INK, MUTED, shortened

#: A raster figure is at least this many pixels wide per inch; small images are enlarged by whole factors.
PIXELS_PER_INCH = 220
TEXT = 7  # points
CHARACTERS_PER_INCH = 18  # of that text, at least


def tiled(images: NDArray[np.float32], gap: int, scale: int) -> NDArray[np.uint8]:
    """(rows, columns, C, H, W) in [0, 1] → uint8 (rows·(H·scale + gap) − gap, columns·(…) − gap, 3), gaps white."""
    rows, columns, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"can show images of 1 or 3 channels, found {channels}")
    pixels = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8).repeat(scale, axis=3).repeat(scale, axis=4)
    step_y, step_x = height * scale + gap, width * scale + gap
    canvas = np.full((rows * step_y, columns * step_x, 3), 255, dtype=np.uint8)
    cells = canvas.reshape(rows, step_y, columns, step_x, 3)
    cells[:, : height * scale, :, : width * scale] = pixels.transpose(0, 3, 1, 4, 2)
    return canvas[: rows * step_y - gap, : columns * step_x - gap]


def smaller(images: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Images (…, H, W) averaged over squares, as large as it takes for no side to have more than so many pixels."""
    height, width = images.shape[-2:]
    factor = -(-max(height, width) // most)
    if factor == 1:
        return images
    high, wide = height // factor, width // factor
    whole = images[..., : high * factor, : wide * factor]
    found: NDArray[np.float32] = whole.reshape(*images.shape[:-2], high, factor, wide, factor).mean((-3, -1))
    return found


def grid(
    images: NDArray[np.float32],
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    muted_rows: Sequence[bool] | None = None,
    title: str = "",
    note: str = "",
    width: float = COLUMN,
) -> Figure:
    """A grid of images (rows, columns, C, H, W) with labels to its left and above, and a note below.

    The file's resolution is chosen so that one array element is one pixel: images are enlarged by a whole factor and
    never resampled.
    """
    rows, columns, _, _, image_width = images.shape
    row_labels = ["\n".join(map(shortened, label.splitlines())) for label in row_labels or []]
    characters = max((len(line) for label in row_labels for line in label.splitlines()), default=0)
    left = 0.02 + (0.062 * characters + 0.05 if row_labels else 0.0)
    top = 0.02 + (0.16 if title else 0) + (0.14 if column_labels else 0)
    note = "\n".join(
        line for part in note.splitlines() for line in textwrap.wrap(part, int(CHARACTERS_PER_INCH * width))
    )
    bottom = 0.02 + (0.04 + 0.12 * len(note.splitlines()) if note else 0)
    inner = width - left - 0.02
    scale = max(1, -(-int(inner * PIXELS_PER_INCH) // (columns * image_width)))
    gap = max(2, round(0.03 * image_width * scale))
    canvas = tiled(images, gap, scale)
    dpi = canvas.shape[1] / inner
    tall = canvas.shape[0] / dpi
    figure = Figure(figsize=(width, tall + top + bottom), dpi=dpi)
    total = tall + top + bottom
    axes = figure.add_axes((left / width, bottom / total, inner / width, tall / total))
    axes.imshow(canvas, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    if row_labels:
        _label_rows(axes, row_labels, canvas.shape[0] / rows, muted_rows)
    for column, label in enumerate(column_labels or ()):
        centre = (column + 0.5) * (canvas.shape[1] + gap) / columns - gap / 2
        axes.annotate(label, (centre, 0), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=TEXT)
    if title:
        figure.text(0.02 / width, 1 - 0.03 / total, title, ha="left", va="top", fontsize=TEXT)
    if note:
        figure.text(0.02 / width, 0.02 / total, note, ha="left", va="bottom", fontsize=TEXT, color=MUTED)
    return figure


def _label_rows(axes: Axes, labels: Sequence[str], step: float, muted: Sequence[bool] | None) -> None:
    for row, label in enumerate(labels):
        colour = MUTED if muted is not None and muted[row] else INK
        axes.annotate(
            label,
            (0, (row + 0.5) * step),
            (-3, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=TEXT,
            color=colour,
        )
