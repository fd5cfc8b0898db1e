"""Panel: a slider for every latent, and what one model or two make of the code while it is moved."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from multibeta.explorer.opened import Opened
from multibeta.explorer.panels.cached import matched, told
from multibeta.explorer.panels.start import Start, pick_start, pick_told
from multibeta.explorer.pictures import data_url
from multibeta.explorer.sliders import STEPS, Slider, first_code, positions, second_code, sliders_of, start_code

WEB = Path(__file__).parents[1] / "web"
KEY = "sliders"

_sliders = st.components.v2.component(
    "multibeta_sliders",
    html=(WEB / "sliders.html").read_text(encoding="utf-8"),
    css=(WEB / "sliders.css").read_text(encoding="utf-8"),
    js=(WEB / "sliders.js").read_text(encoding="utf-8"),
)


class Hand(NamedTuple):
    """One model under the sliders: where its code starts, and what it is told."""

    opened: Opened
    start: NDArray[np.float32]
    told: int


@st.fragment
def show(first: Opened, second: Opened | None) -> None:
    """The panel; what is above the sliders runs again only when it is changed itself."""
    with told():
        start = pick_start(first, "start", "Start from")
        if start is None:
            return
        models = [first] if second is None else [first, second]
        hands = []
        for i, (column, model) in enumerate(zip(st.columns(2), models, strict=False)):
            with column:
                hands.append(_hand(model, start, f"told{i}"))
        collapsed = not first.active.any()
        inactive = st.checkbox("Inactive latents too", key="inactive", persist_state="session") or collapsed
        if collapsed:
            st.info("This model uses none of its latents: its posterior is the prior's, and all images decode alike.")
        matching = None if second is None else matched(first, second)
        sliders = sliders_of(first, hands[0].start, matching, inactive)
        name = repr((start.name, inactive, [(hand.opened.key, hand.told) for hand in hands]))
        _moving(hands, sliders, start, hashlib.sha256(name.encode()).hexdigest()[:16])
        if matching is not None:
            st.caption(
                "The second model's latents are matched by the correlation of the codes of the same images; each moves "
                "as far from its own start as the slider does, the other way round where a minus stands before it."
            )


def _hand(model: Opened, start: Start, key: str) -> Hand:
    condition = pick_told(model, start, key)
    return Hand(model, start_code(model, start.image, condition), condition)


@st.fragment
def _moving(hands: Sequence[Hand], sliders: Sequence[Slider], start: Start, name: str) -> None:
    """All that runs when a slider is moved."""
    # What is kept is for the time that another panel is open.
    state = st.session_state.get(KEY, {}).get("moved") or st.session_state.get("kept")
    st.session_state["kept"] = state
    number, values = positions(state, name, sliders)
    before = time.perf_counter()
    codes = [first_code(hands[0].start, sliders, values)]
    codes += [second_code(hand.start, sliders, values) for hand in hands[1:]]
    images = [hand.opened.decode(z, np.array([hand.told]))[0] for hand, z in zip(hands, codes, strict=True)]
    milliseconds = 1000 * (time.perf_counter() - before)
    tiles = [] if start.image is None else [{"title": start.title, "note": "", "src": data_url(start.image)}]
    tiles += [
        {"title": hand.opened.title, "note": "", "src": data_url(image)}
        for hand, image in zip(hands, images, strict=True)
    ]
    _sliders(
        key=KEY,
        data={
            "start": name,
            "number": number,
            "sliders": [_as_data(slider, value) for slider, value in zip(sliders, values, strict=True)],
            "tiles": tiles,
            "took": f"decoded in {milliseconds:.1f} ms",
        },
        on_moved_change=lambda: None,
    )


def _as_data(slider: Slider, value: float) -> dict[str, Any]:
    return {
        "latent": slider.latent,
        "start": slider.start,
        "now": value,
        "reach": slider.reach,
        "step": slider.reach / STEPS,
        "note": slider.note,
    }
