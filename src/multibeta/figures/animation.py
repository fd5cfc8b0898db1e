"""Traversals that move: latents side by side, each going from one end to the other and back, as an animated picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from multibeta.figures._style import INK, MUTED, shortened
from multibeta.figures._tiles import smaller, tiled

#: Latents at most, and side by side.
MOST_LATENTS, SIDE_BY_SIDE = 12, 6
#: Pixels of a tile's side, about, and of an image that is not averaged down.
TILE, LARGEST = 80, 96
#: Pixels of letters, of the line below a tile, of the axis below all of them, and between tiles.
TEXT, LINE, AXIS, GAP = 11, 17, 20, 4
#: Letters that fit below a tile.
LETTERS = 11
#: Milliseconds of a frame.
FRAME = 90
#: Of WebP: a quarter of the bytes of a GIF, and no loss that is seen.
QUALITY = 75


def animation(
    images: NDArray[np.float32], values: NDArray[np.floating], labels: Sequence[str], muted: Sequence[bool]
) -> bytes:
    """An animated WebP of images (L, S, C, H, W) in [0, 1], of L latents at S values each; equal images, equal bytes.

    Args:
        images: as those of `multibeta.figures.images.traversals`.
        values: (S,), in standard deviations of the prior; a mark on an axis below the tiles moves along with them.
        labels: of the latents.
        muted: whose labels are grey.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not len(images) == len(labels) == len(muted) or images.shape[1] != len(values):
        raise ValueError(f"{images.shape[:2]} images do not fit {len(labels)} latents and {len(values)} values")
    images = smaller(images, LARGEST)
    latents, steps, channels, height, width = images.shape
    scale = max(1, round(TILE / max(height, width)))
    columns = min(SIDE_BY_SIDE, latents)
    rows = -(-latents // columns)
    padded = np.ones((rows * columns, steps, channels, height, width), np.float32)
    padded[:latents] = images
    # Rows of tiles stand apart by the line of their labels.
    by_row = padded.reshape(rows, columns, steps, channels, height, width).swapaxes(1, 2)
    across, down = columns * (width * scale + GAP) - GAP, height * scale + LINE
    font = ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), TEXT)
    empty = Image.new("RGB", (across, rows * down + AXIS), "white")
    pen = ImageDraw.Draw(empty)
    for latent, label in enumerate(labels):
        row, column = divmod(latent, columns)
        place = (column * (width * scale + GAP) + width * scale / 2, row * down + height * scale + 2)
        pen.text(place, shortened(label, LETTERS), MUTED if muted[latent] else INK, font, "ma")
    ends = [f"{value:+g}".replace("-", "−") for value in (values[0], values[-1])]
    start, end = (pen.textlength(text, font) + 8 for text in ends)
    middle = rows * down + AXIS // 2
    pen.text((2, middle), ends[0], INK, font, "lm")
    pen.text((across - 2, middle), ends[1], INK, font, "rm")
    pen.line((start, middle, across - end, middle), MUTED)
    frames = []
    for step in (*range(steps), *range(steps - 2, 0, -1)):
        frame = empty.copy()
        for row in range(rows):
            frame.paste(Image.fromarray(tiled(by_row[row, step][None], GAP, scale)), (0, row * down))
        x = start + (across - end - start) * step / max(steps - 1, 1)
        ImageDraw.Draw(frame).ellipse((x - 3, middle - 3, x + 3, middle + 3), INK)
        frames.append(frame)
    buffer = io.BytesIO()
    options = {"quality": QUALITY, "method": 2, "loop": 0, "duration": FRAME}
    frames[0].save(buffer, "WebP", save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()
