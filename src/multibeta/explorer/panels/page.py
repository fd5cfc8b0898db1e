"""The whole page: what is there and what is looked at on its side, and of the panels the one that is open."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from multibeta.explorer.panels import cached, codes, curves, interpolation, pick, samples, sliders, tradeoff, train
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.shelf import Shelf

PANELS = ("Sliders", "Interpolation", "Samples", "Codes", "Trade-off", "Training curves", "Train one")


def show(study: Path, plugins: frozenset[Path]) -> None:
    """The whole page; of the panels only the one that is open is made."""
    st.set_page_config(f"multibeta · {study.name}", layout="wide")
    try:
        shelf = cached.shelf(study, plugins)
    except FileNotFoundError as reason:
        st.error(plain(str(reason)))
        return
    with st.sidebar:
        st.title(plain(study.name))
        picked = pick.pick(shelf) if shelf.openable else None
        _what_is_missing(shelf)
    if picked is None:
        st.info("No run of this study can be opened yet. You can train a small one here.")
        train.show(study)
        return
    with cached.told():
        _panels(shelf, study, *picked)


def _what_is_missing(shelf: Shelf) -> None:
    """What cannot be looked at, and why."""
    if shelf.problems:
        with st.expander(f"⚠ {len(shelf.problems)} damaged", expanded=True):
            for problem in shelf.problems:
                st.caption(plain(problem))
    if shelf.waiting:
        st.caption(f"{shelf.waiting} of {len(shelf.cells)} cells are not trained yet.")
    if shelf.failures:
        with st.expander(f"{len(shelf.failures)} runs without a model"):
            for failure in shelf.failures:
                st.caption(plain(failure))


def _panels(shelf: Shelf, study: Path, picked: pick.Picked, beside: pick.Picked | None) -> None:
    tabs = dict(zip(PANELS, st.tabs(PANELS, key="panel", on_change="rerun", bind="query-params"), strict=True))
    name = next((name for name, tab in tabs.items() if tab.open), PANELS[0])
    with tabs[name]:
        if name == "Trade-off":
            tradeoff.show(shelf, picked.shelved)
        elif name == "Training curves":
            curves.show(picked.shelved, None if beside is None else beside.shelved)
        elif name == "Train one":
            train.show(study)
        else:
            models = {"Sliders": sliders, "Interpolation": interpolation, "Samples": samples, "Codes": codes}
            first = cached.opened(*picked)
            models[name].show(first, None if beside is None else cached.opened(*beside))
