"""An image to start from: the prior without one, any held-out image, or a file dropped onto the page."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.gallery import pick_held_out
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.pictures import as_of_dataset

PRIOR, HELD_OUT, DROPPED = "Prior mean", "Held-out image", "Your own image"
#: Offered once a point of the codes has been picked.
POINT = "Picked point"
#: Largest file that may be dropped, megabytes.
MOST_MEGABYTES = 20


class Start(NamedTuple):
    """What a code starts from.

    Attributes:
        name: tells it from every other.
        title: for people.
        image: (C, H, W) in [0, 1], or None for the prior.
        position: in the dataset, or None.
    """

    name: str
    title: str
    image: NDArray[np.float32] | None
    position: int | None


def pick_start(
    opened: Opened, key: str, label: str, kinds: tuple[str, ...] = (PRIOR, HELD_OUT, DROPPED), first: int = 0
) -> Start | None:
    """What is picked; None while a file is waited for.

    Raises:
        ValueError: the file that was dropped is no image.
    """
    if opened.dataset is None:
        st.info(plain(opened.missing))
        kinds = tuple(kind for kind in kinds if kind != HELD_OUT)
    point: int = st.session_state.get(f"{key}_point", -1)
    if opened.dataset is not None and 0 <= point < len(opened.dataset.images):
        kinds = (*kinds, POINT)
    if st.session_state.get(f"{key}_kind") not in kinds:
        st.session_state[f"{key}_kind"] = kinds[0]
    kind = st.segmented_control(label, kinds, key=f"{key}_kind", required=True, persist_state="session")
    if kind == HELD_OUT:
        position = pick_held_out(opened, key, first)
        return Start(f"image {position}", f"image {position}", opened.image(position), position)
    if kind == DROPPED:
        return _dropped(opened, key)
    if kind == POINT:
        return Start(f"image {point}", f"image {point}", opened.image(point), point)
    return Start("prior", "prior mean", None, None)


def start_from(position: int) -> None:
    """Let the sliders start from an image of the dataset when the page is made again, and show them."""
    st.session_state.update(start_kind=POINT, start_point=position, panel="Sliders")


def _dropped(opened: Opened, key: str) -> Start | None:
    file, kept = f"{key}_file", f"{key}_kept"

    def keep() -> None:
        # The file itself is gone when another panel is opened.
        found = st.session_state[file]
        st.session_state[kept] = None if found is None else (found.name, found.getvalue())

    st.file_uploader(
        "Drop an image file here: it is cut, resized and coloured as the dataset's",
        ["png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm"],
        key=file,
        max_upload_size=MOST_MEGABYTES,
        on_change=keep,
    )
    inverted = st.checkbox("Invert, as for a drawing on paper", key=f"{key}_inverted", persist_state="session")
    if st.session_state.get(kept) is None:
        return None
    name, content = st.session_state[kept]
    binary = opened.dataset is not None and bool(opened.dataset.card.get("binary"))
    image = as_of_dataset(content, opened.run.shape, binary, inverted)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Start(f"file {digest} {inverted}", name, image, None)


def pick_told(opened: Opened, start: Start, key: str) -> int:
    """What a conditional model is told: at first what is true of the image."""
    told = opened.run.condition
    if told is None:
        return 0
    true = 0 if start.position is None else opened.condition_at(start.position)
    names = opened.condition_names
    return int(
        st.selectbox(
            plain(f"{opened.title} is told {told.name}"),
            range(len(names)),
            index=true,
            format_func=lambda value: names[value],
            key=f"{key}_{start.name}",
            persist_state="session",
        )
    )
