"""Panel: the report's trade-off figures with the cell that is looked at marked."""

from __future__ import annotations

import streamlit as st

from multibeta.explorer.panels.cached import told
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.shelf import Shelf, Shelved
from multibeta.explorer.tradeoff import FIGURES, datasets_of, tradeoff_figure
from multibeta.stages.shared.titles import cell_title


@st.fragment
def show(shelf: Shelf, chosen: Shelved) -> None:
    """The panel."""
    name = st.segmented_control(
        "Figure",
        list(FIGURES),
        default=next(iter(FIGURES)),
        key="figure",
        persist_state="session",
        format_func=FIGURES.__getitem__,
        required=True,
    )
    with told():
        picture, problems = _drawn(shelf, chosen, str(name))
        st.image(picture, width="stretch")
        title = cell_title(chosen.cell) if chosen.cell else ""
        st.caption(plain(f"Ringed: {title}. These are the figures of the report."))
        for problem in problems:
            st.warning(plain(problem))


def _drawn(shelf: Shelf, chosen: Shelved, name: str) -> tuple[bytes, list[str]]:
    datasets = datasets_of(shelf, chosen, name)
    files = [each.folder.metrics for each in shelf.openable if each.place[0] in datasets]
    versions = tuple((str(file), file.stat().st_mtime_ns) for file in files if file.is_file())
    return _kept(versions, str(chosen.folder.path), name, shelf, chosen)


@st.cache_data(max_entries=50, show_spinner="Drawing …")
def _kept(
    versions: tuple[tuple[str, int], ...], path: str, name: str, _shelf: Shelf, _chosen: Shelved
) -> tuple[bytes, list[str]]:
    return tradeoff_figure(_shelf, _chosen, name)
