"""Panel: the training curves of the cell, every seed, every term."""

from __future__ import annotations

import streamlit as st

from multibeta.explorer.curves import curves
from multibeta.explorer.panels.cached import told
from multibeta.explorer.shelf import Shelved
from multibeta.figures._style import COLOURS


@st.fragment
def show(first: Shelved, second: Shelved | None) -> None:
    """The panel."""
    cells = [first] if second is None or second.folder == first.folder else [first, second]
    for i, shelved in enumerate(cells):
        with told():
            _one(shelved, str(i))


def _one(shelved: Shelved, key: str) -> None:
    import altair as alt

    table = curves(shelved)
    names = list(dict.fromkeys(table.term))
    st.markdown(f"**{' · '.join(shelved.place)}**")
    shown = st.pills("Terms", names, default=names, selection_mode="multi", key=f"terms{key}")
    if not shown:
        st.info("Pick a term.")
        return
    chart = (
        alt.Chart(table[table.term.isin(shown)])
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color("seed:N", scale=alt.Scale(range=list(COLOURS))),
            tooltip=["seed:N", "step:Q", "term:N", "value:Q"],
        )
        .properties(width=300, height=180)
        .facet(facet=alt.Facet("term:N", title=None, sort=list(shown)), columns=3)
        .resolve_scale(y="independent")
    )
    st.altair_chart(chart, key=f"curves{key}")
    st.caption("Terms of the loss in nats per image, means over the steps of a row of history.csv.")
