"""Panel: samples of every class or of every value of an attribute."""

from __future__ import annotations

import streamlit as st

from multibeta.explorer.conditional import attributes, samples
from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.plain import plain


@st.fragment
def show(first: Opened, second: Opened | None) -> None:
    """The panel."""
    draw = int(st.number_input("Draw", 0, 9999, 0, key="draw", width=180, persist_state="session"))
    models = [first] if second is None else [first, second]
    for i, (column, model) in enumerate(zip(st.columns(2, gap="large"), models, strict=False)):
        with column, told():
            _one(model, draw, f"attribute{i}")


def _one(model: Opened, draw: int, key: str) -> None:
    from multibeta.figures._style import render
    from multibeta.figures.images import conditional_samples

    st.markdown(f"**{plain(model.title)}**")
    names = attributes(model)
    if not names:
        st.info(plain(model.missing) or "This dataset has neither labels nor factors.")
        return
    attribute = str(st.selectbox("Of", names, key=key, persist_state="session"))
    found = samples(model, attribute, draw)
    figure = conditional_samples(found.images, found.names, attribute.replace("+", ", "), "", found.among)
    st.image(render(figure, "png"), width="stretch")
    st.caption(f"{found.how[0].upper()}{found.how[1:]}.")
