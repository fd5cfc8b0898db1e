"""Panel: the codes as points, coloured by what is known of the images; a point that is clicked shows its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.start import HELD_OUT
from multibeta.explorer.pictures import data_url
from multibeta.explorer.scatter import colourings, points, told_of
from multibeta.figures._style import COLOURS

if TYPE_CHECKING:
    import pandas as pd

#: Schemes of Vega by kind of factor, all readable without red and green.
SCHEMES: dict[str, Any] = {"ordinal": "viridis", "periodic": "sinebow"}


@st.fragment
def show(first: Opened, second: Opened | None) -> None:
    """The panel."""
    models = [first] if second is None else [first, second]
    for i, (column, model) in enumerate(zip(st.columns(2, gap="large"), models, strict=False)):
        with column, told():
            _one(model, str(i))


def _one(model: Opened, key: str) -> None:
    st.markdown(f"**{model.title}**")
    chosen, _ = model.require_codes()
    order = model.order.tolist()
    kinds = colourings(model)
    across, up, by = st.columns(3)
    x = across.selectbox("Across", order, key=f"across{key}", format_func=lambda j: _name(model, j))
    y = up.selectbox("Up", order, index=min(1, len(order) - 1), key=f"up{key}", format_func=lambda j: _name(model, j))
    colour = str(by.selectbox("Coloured by", list(kinds), key=f"colour{key}"))
    table = points(model, x, y)
    chart = _chart(table, x, y, colour, kinds[colour])
    event: Any = st.altair_chart(chart, key=f"points{key}", on_select="rerun", width="stretch")
    st.caption(f"{len(table):,} of {len(chosen.code_table):,} images ({model.origin}). Click a point to see its image.")
    picked = event.selection.get("picked") or []
    if picked:
        _image(model, int(picked[0]["position"]), key)


def _chart(table: pd.DataFrame, x: int, y: int, colour: str, kind: str) -> Any:
    import altair as alt

    values = table[colour].nunique()
    if kind == "categorical" and values <= len(COLOURS):
        scale: Any = alt.Scale(range=list(COLOURS))
    elif kind == "categorical":
        scale = alt.Scale(scheme="tableau20")
    else:
        scale = alt.Scale(scheme=SCHEMES[kind])
    of_kind = "N" if kind == "categorical" else "Q"
    picked = alt.selection_point(name="picked", fields=["position"], on="click", clear="dblclick")
    return (
        alt.Chart(table)
        .mark_circle(size=36)
        .encode(
            x=alt.X("x:Q", title=f"z{x}"),
            y=alt.Y("y:Q", title=f"z{y}"),
            color=alt.Color(f"{colour}:{of_kind}", scale=scale),
            opacity=alt.condition(picked, alt.value(0.9), alt.value(0.35)),
            tooltip=[alt.Tooltip(name) for name in table.columns],
        )
        .add_params(picked)
        .properties(height=420)
    )


def _image(model: Opened, position: int, key: str) -> None:
    """The image of a point and what the model makes of it."""
    image, condition = model.image(position), np.array([model.condition_at(position)])
    decoded = model.decode(model.encode(image[None], condition), condition)[0]
    pictures = {f"image {position}": image, "its reconstruction": decoded}
    style = "width:9rem;image-rendering:pixelated;border:1px solid #bbb;margin-right:1rem"
    tags = [
        f'<img alt="{name}" title="{name}" src="{data_url(each)}" style="{style}">' for name, each in pictures.items()
    ]
    st.html("".join(tags))
    st.caption(f"image {position}: {told_of(model, position)}; beside it its reconstruction")
    if model.require_images().held_out[position]:
        st.button("Start the sliders from it", key=f"from{key}", on_click=_start_from, args=(position,))


def _start_from(position: int) -> None:
    st.session_state["start_kind"] = HELD_OUT
    st.session_state["start_position"] = position
    st.session_state["panel"] = "Sliders"


def _name(model: Opened, j: int) -> str:
    return f"z{j}" if np.isnan(model.kl[j]) else f"z{j} (KL {model.kl[j]:.2f})"
