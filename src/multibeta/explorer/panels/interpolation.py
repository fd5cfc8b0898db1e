"""Panel: the way between two images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from multibeta.explorer.between import between
from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.start import DROPPED, HELD_OUT, pick_start, pick_told

#: Of a strip, pixels.
WIDTH = 820


@st.fragment
def show(first: Opened, second: Opened | None) -> None:
    """The panel."""
    from multibeta.figures._style import render
    from multibeta.figures.images import interpolations

    with told():
        ends = []
        for column, name, number in zip(st.columns(2, gap="large"), ("From", "To"), (0, 1), strict=True):
            with column:
                ends.append(pick_start(first, f"end{number}", name, (HELD_OUT, DROPPED), number))
        steps = st.slider("Steps", 3, 15, 9, key="steps", persist_state="session")
        one, other = ends
        if one is None or other is None or one.image is None or other.image is None:
            return
        images = np.stack([one.image, other.image])
        for i, model in enumerate([first] if second is None else [first, second]):
            columns = st.columns(2, gap="large")
            with columns[0]:
                of_one = pick_told(model, one, f"told_end0_{i}")
            with columns[1]:
                of_other = pick_told(model, other, f"told_end1_{i}")
            strip, _ = between(model, images, (of_one, of_other), steps)
            note = "" if model.run.condition is None else "decoded with the condition of the nearer end"
            figure = interpolations(strip[None], images[None], note, model.title)
            st.image(render(figure, "png"), width=WIDTH)
