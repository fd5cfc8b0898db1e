"""Panel: the training curves of the cell, every seed, every term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from multibeta.explorer.curves import LAST, curves
from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.shelf import Shelved
from multibeta.figures._style import COLOURS
from multibeta.stages.shared.titles import cell_title

if TYPE_CHECKING:
    import pandas as pd


@st.fragment
def show(first: Shelved, second: Shelved | None) -> None:
    """The panel."""
    cells = [first] if second is None or second.folder == first.folder else [first, second]
    for i, shelved in enumerate(cells):
        with told():
            _one(shelved, str(i))


def _one(shelved: Shelved, key: str) -> None:
    table = curves(shelved)
    names = list(dict.fromkeys(table.term))
    st.markdown(f"**{plain(cell_title(shelved.cell) if shelved.cell else ' · '.join(shelved.place))}**")
    usual = [name for name in names if name not in LAST]
    shown = st.pills("Terms", names, default=usual, selection_mode="multi", key=f"terms{key}")
    columns = st.columns(3)
    for k, name in enumerate(name for name in names if name in shown):
        columns[k % 3].altair_chart(_chart(table[table.term == name], name), key=f"curve{key}_{name}", width="stretch")
    st.caption("Terms of the loss in nats per image; means over the steps of a row of history.csv.")


def _chart(table: pd.DataFrame, name: str) -> Any:
    import altair as alt

    legend = alt.Legend(orient="bottom", titleOrient="left", symbolType="stroke", columns=5)
    return (
        alt.Chart(table, title=name)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(tickCount=4), scale=alt.Scale(nice=False)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color("seed:N", scale=alt.Scale(range=list(COLOURS)), legend=legend),
            tooltip=["seed:N", "step:Q", "value:Q"],
        )
        .properties(height=340)
    )
