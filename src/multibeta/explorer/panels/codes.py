"""Panel: the codes as points, coloured by what is known of the images; a point that is clicked shows its image."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.panels.start import start_from
from multibeta.explorer.pictures import data_url
from multibeta.explorer.scatter import Points, colourings, points, told_of
from multibeta.figures._style import MARKERS, told_apart

#: Shapes of Vega in the place of `MARKERS`.
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
#: Schemes of Vega by kind of factor, all readable without red and green.
SCHEMES: dict[str, Any] = {"ordinal": "viridis", "periodic": "sinebow"}


@st.fragment
def show(first: Opened, second: Opened | None) -> None:
    """The panel."""
    if second is None:
        with told():
            _one(first, "0", *st.columns([5, 2], gap="large"))
        return
    for i, (column, model) in enumerate(zip(st.columns(2, gap="large"), (first, second), strict=True)):
        with told():
            _one(model, str(i), column, column)


def _one(model: Opened, key: str, chart: Any, aside: Any) -> None:
    """A model's points, and aside the image of the one that is clicked."""
    chart.markdown(f"**{plain(model.title)}**")
    chosen, _ = model.require_codes()
    order, kinds = model.order.tolist(), colourings(model)
    names = {j: f"z{j}" if np.isnan(model.kl[j]) else f"z{j} (KL {model.kl[j]:.2f})" for j in order}
    one, two, three = chart.columns(3)
    of_latent: Any = {"format_func": names.__getitem__, "persist_state": "session"}
    across = one.selectbox("Across", order, key=f"across{key}", **of_latent)
    up = two.selectbox("Up", order, min(1, len(order) - 1), key=f"up{key}", **of_latent)
    by = str(three.selectbox("Coloured by", list(kinds), key=f"by{key}", persist_state="session"))
    found = points(model, across, up)
    drawn = _chart(found, f"z{across}", f"z{up}", by, kinds[by])
    event: Any = chart.altair_chart(drawn, key=f"points{key}", on_select="rerun", width="stretch")
    chart.caption(f"{len(found.position):,} of {len(chosen.code_table):,} images ({model.origin}).")
    picked = event.selection.get("picked") or []
    with aside:
        if picked:
            _image(model, int(picked[0]["position"]), key)
        else:
            st.info("Click a point to see its image.")


def _chart(found: Points, across: str, up: str, by: str, kind: str) -> Any:
    import altair as alt
    import pandas as pd

    # Names of factors may hold what Vega takes for a path, or be those of other columns.
    columns = {name: f"fact{k}" for k, name in enumerate(found.facts)}
    table = pd.DataFrame({"position": found.position, "across": found.across, "up": found.up})
    table = table.assign(**{columns[name]: values for name, values in found.facts.items()})
    field = f"{columns[by]}:{'N' if kind == 'categorical' else 'Q'}"
    if kind == "categorical":
        # As in the figures, a class has a shape too: colours alone do not tell many apart, nor everybody a few.
        count = table[columns[by]].nunique()
        looks = told_apart(by, [""] * count)
        shapes = [SHAPES[MARKERS.index(marker)] for marker in looks["markers"]]
        colour = alt.Color(field, scale=alt.Scale(range=looks["palette"]), title=by)
        encoding: Any = {"color": colour, "shape": alt.Shape(field, scale=alt.Scale(range=shapes), title=by)}
    else:
        encoding = {"color": alt.Color(field, scale=alt.Scale(scheme=SCHEMES[kind]), title=by)}
    picked = alt.selection_point(name="picked", fields=["position"], on="click", clear="dblclick")
    tips = [alt.Tooltip("position", title="no."), *(alt.Tooltip(columns[name], title=name) for name in columns)]
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=36)
        .encode(
            x=alt.X("across:Q", title=across),
            y=alt.Y("up:Q", title=up),
            **encoding,
            opacity=alt.condition(picked, alt.value(0.85), alt.value(0.3)),
            tooltip=tips,
        )
        .add_params(picked)
        .properties(height=460)
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
    st.caption(plain(f"image {position}: {told_of(model, position)}; beside it its reconstruction"))
    if st.button("Start the sliders from it", key=f"from{key}", on_click=start_from, args=(position,)):
        st.rerun(scope="app")
