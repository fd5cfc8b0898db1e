"""What a model makes of images: reconstructions, samples, traversals, interpolations, conditional samples.

Images are float32 (…, C, H, W) in [0, 1], grey or RGB. Every figure is one column wide and its images are never
resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multibeta.figures._style import styled
from multibeta.figures._tiles import grid

#: Images in a row of reconstructions or samples.
PER_ROW = 10
#: Rows of a traversal, at most.
MOST_LATENTS = 32

Images = NDArray[np.float32]


@styled
def reconstructions(originals: Images, reconstructed: Images, title: str = "") -> Figure:
    """Held-out images (N, C, H, W) above their reconstructions (N, C, H, W), ten to a row."""
    if originals.shape != reconstructed.shape:
        raise ValueError(f"originals {originals.shape} and reconstructions {reconstructed.shape} differ in shape")
    blocks = zip(_rows(originals), _rows(reconstructed), strict=True)
    rows = np.stack([row for pair in blocks for row in pair])
    return grid(rows, row_labels=["input", "recon."] * (len(rows) // 2), title=title)


@styled
def samples(images: Images, title: str = "") -> Figure:
    """Samples from the prior (N, C, H, W), ten to a row."""
    return grid(_rows(images), title=title)


@styled
def traversals(
    images: Images,
    values: NDArray[np.floating],
    kl: NDArray[np.floating],
    kind: Literal["prior", "posterior"],
    active: NDArray[np.bool_],
    condition: str = "",
    title: str = "",
    measure: Literal["KL", "variance"] = "KL",
) -> Figure:
    """What each latent does when it alone is moved.

    Args:
        images: (D, S, C, H, W), row j decoded with latent j at each of the values.
        values: (S,), in standard deviations of the prior.
        kl: (D,), nats per image; rows are sorted by it, largest first, and labelled with it.
        kind: where the other latents rest: at the prior's mean, or at the posterior mean of one held-out image.
        active: (D,), False for the latents that the code does not use; their labels are grey.
        condition: what a conditional model is told, such as ``shape 1``.
        measure: what ``kl`` holds; codes that are points have no KL but a variance.
    """
    if not len(images) == len(kl) == len(active) or images.shape[1] != len(values):
        raise ValueError(f"{images.shape[:2]} images do not fit {len(kl)} latents and {len(values)} values")
    order = np.argsort(-np.asarray(kl, dtype=float), kind="stable")
    shown = order[:MOST_LATENTS]
    rest = "at 0" if kind == "prior" else "at one image's code"
    note = f"other latents {rest}; {'KL in nats' if measure == 'KL' else 'var: variance of the codes'}" + (
        "" if active.all() else "; grey: inactive"
    )
    if condition:
        note += f"\ntold: {condition}"
    if len(shown) < len(order):
        note += f"\nthe {len(shown)} latents of largest {measure} among {len(order)}"
    return grid(
        images[shown],
        row_labels=[f"z{j}  {'KL' if measure == 'KL' else 'var'} {kl[j]:.2f}" for j in shown],
        column_labels=[_signed(value) for value in values],
        muted_rows=[not active[j] for j in shown],
        title=title,
        note=note,
    )


@styled
def interpolations(images: Images, ends: Images, note: str = "", title: str = "") -> Figure:
    """From the code of one held-out image to that of another, decoded.

    Args:
        images: (R, S, C, H, W), S even steps for each of R pairs; the first and last are the reconstructions.
        ends: (R, 2, C, H, W), the pairs themselves, shown beside them.
        note: a line below.
    """
    if ends.shape[:2] != (len(images), 2):
        raise ValueError(f"{len(images)} rows of steps need {len(images)} pairs of ends, found {ends.shape[:2]}")
    steps = images.shape[1]
    labels = ["input", *(f"{step / (steps - 1):.2g}" for step in range(steps)), "input"]
    rows = np.concatenate([ends[:, :1], images, ends[:, 1:]], axis=1)
    return grid(rows, column_labels=labels, title=title, note=note)


@styled
def conditional_samples(
    images: Images, names: Sequence[str], condition: str = "", title: str = "", among: int = 0
) -> Figure:
    """Samples of a model that is told something.

    Args:
        images: (K, n, C, H, W): row k are samples of value k of the condition; a column shares one draw from the prior.
        names: of the values.
        among: how many values there are, if K are the most frequent of them.
    """
    if len(images) != len(names):
        raise ValueError(f"{len(images)} rows of images do not fit {len(names)} names")
    note = f"rows: {condition}; one draw of z per column" if condition else "one draw of z per column"
    if among > len(names):
        note += f"; the {len(names)} most frequent of {among}"
    return grid(images, row_labels=list(names), title=title, note=note)


def _rows(images: Images) -> Images:
    """(N, C, H, W) → (rows, PER_ROW, C, H, W), white where the last row is not full."""
    columns = min(PER_ROW, len(images))
    rows = -(-len(images) // columns)
    padded = np.ones((rows * columns, *images.shape[1:]), dtype=np.float32)
    padded[: len(images)] = images
    return padded.reshape(rows, columns, *images.shape[1:])


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"
