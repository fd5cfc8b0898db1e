"""Held-out images to pick one from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.pictures import data_url
from multibeta.explorer.scatter import told_of

WEB = Path(__file__).parents[1] / "web"
#: Images on a page.
PAGE = 24

_gallery = st.components.v2.component(
    "multibeta_gallery",
    html=(WEB / "gallery.html").read_text(encoding="utf-8"),
    css=(WEB / "gallery.css").read_text(encoding="utf-8"),
    js=(WEB / "gallery.js").read_text(encoding="utf-8"),
)


def held_out(opened: Opened) -> NDArray[np.int64]:
    """The positions of all held-out images, mixed as for the figures of a cell: those begin with the same images."""
    generator = randomness.numpy_generator(0, "draw, held-out images")
    mixed: NDArray[np.int64] = generator.permutation(opened.require_images().held_out.nonzero()[0])
    return mixed


def pick_held_out(opened: Opened, key: str, first: int = 0) -> int:
    """The position of the image that is picked; at first the held-out one of number ``first``."""
    positions = held_out(opened)
    state = f"{key}_position"
    if st.session_state.get(state) not in positions:
        st.session_state[state] = int(positions[min(first, len(positions) - 1)])
    pages = -(-len(positions) // PAGE)
    page = 1
    aside, room = st.columns([1, 5])
    if pages > 1:
        page = int(aside.number_input(f"Page of {pages:,}", 1, pages, key=f"{key}_page", persist_state="session"))
    shown = positions[(page - 1) * PAGE : page * PAGE].tolist()

    def picked() -> None:
        position = st.session_state[f"{key}_gallery"].get("picked")
        if position in shown:
            st.session_state[state] = position

    images = [{"position": at, "src": data_url(opened.image(at)), "note": f"image {at}"} for at in shown]
    position = int(st.session_state[state])
    with room:
        _gallery(key=f"{key}_gallery", data={"images": images, "picked": position}, on_picked_change=picked)
        st.caption(plain(f"image {position}: {told_of(opened, position)}"))
    return position
