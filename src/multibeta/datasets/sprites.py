"""Sprites: one white shape on black, rendered here; the teaching set, which needs no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DatasetSource, Factor, grid_factors, random_held_out

SIDE = 32
SHAPES = ("square", "ellipse", "triangle")
#: Square root of the shape's area, in pixels. Shapes of one scale have one area, so brightness tells scale, not shape.
SCALES = np.linspace(9, 12, 6)
#: Centre of gravity, in pixels from the left and from the top. x ranges nearly twice as far as y: with equal ranges any
#: rotation of the two explains the images as well, and no objective could align latents with them. Neither ranges much
#: further than a shape is wide: two latents that run round a circle tell a longer way as well as one does.
XS = np.linspace(10.5, 21.5, 16)
YS = np.linspace(12.5, 18.5, 8)
#: Samples along each side of a pixel when anti-aliasing.
SAMPLES = 4


class Sprites(DatasetSource):
    """The full grid of shape 3 × scale 6 × x 16 × y 8: 2,304 grey images of 32×32 with exact factors."""

    class Options(registry.Options):
        antialias: bool = Field(
            True,
            description="edges in grey by supersampling; false: black and white, where neighbours may look alike",
        )

    version = 2
    title = "Sprites"
    licence = "MIT, as this project"
    source = "rendered by this project"
    factors = (
        Factor("shape", len(SHAPES), "categorical"),
        Factor("scale", len(SCALES), "ordinal"),
        Factor("x", len(XS), "ordinal"),
        Factor("y", len(YS), "ordinal"),
    )
    grid = True
    shape = (1, SIDE, SIDE)

    def build(self, files: dict[str, Path]) -> Arrays:
        samples = SAMPLES if self.options.antialias else 1
        images = np.concatenate([_render(shape, scale, samples) for shape in SHAPES for scale in SCALES])
        return Arrays(images, random_held_out(len(images)), grid_factors(self.factors))


def _render(shape: str, scale: float, samples: int) -> NDArray[np.uint8]:
    """Images (X·Y, H, W, 1) of one shape at all places: the share of ``samples``² points of a pixel it covers."""
    points = (np.arange(SIDE * samples) + 0.5) / samples
    right = (points - XS[:, None])[:, None, None, :] / scale
    down = (points - YS[:, None])[None, :, :, None] / scale
    covered = _inside(shape, right, down)
    pixels = covered.reshape(len(XS) * len(YS), SIDE, samples, SIDE, samples).mean((2, 4), dtype=np.float32)
    return np.round(255 * pixels).astype(np.uint8)[..., None]


def _inside(shape: str, right: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a point, seen from the centre of gravity, lies in the shape of area 1."""
    if shape == "square":  # half-open, so that a side of 6 covers 6 pixels also where edges meet samples
        return (right >= -0.5) & (right < 0.5) & (down >= -0.5) & (down < 0.5)
    if shape == "ellipse":  # upright, twice as tall as wide
        return (2 * right) ** 2 + down**2 < 2 / np.pi
    height = 3**0.25  # of the equilateral triangle of area 1, which points up
    return (down < height / 3) & (np.sqrt(3) * abs(right) < down + 2 * height / 3)
