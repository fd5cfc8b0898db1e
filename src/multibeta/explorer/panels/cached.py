"""What is kept between two runs of the page: what lies in the folder, and the models that were opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from multibeta.explorer.opened import Opened, open_one
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.shelf import DAMAGES, Shelf, Shelved, read_shelf
from multibeta.report.matching import Matching

#: Seconds after which the folder is looked at again.
SECONDS = 10


@st.cache_resource(ttl=SECONDS, show_spinner=False)
def shelf(study: Path, plugins: frozenset[Path]) -> Shelf:
    """What the folder of the study holds."""
    return read_shelf(study, plugins)


def opened(shelved: Shelved, seed: int) -> Opened:
    """A run, opened once as long as its files stay the same."""
    return _opened(str(shelved.folder.path), seed, shelved.modified, shelved)


@st.cache_resource(max_entries=12, show_spinner="Opening the model …")
def _opened(path: str, seed: int, modified: int, _shelved: Shelved) -> Opened:
    return open_one(_shelved, seed)


def matched(first: Opened, second: Opened) -> Matching:
    """Which latents of two models are the same."""
    return _matched(first.key, second.key, first, second)


@st.cache_resource(max_entries=50, show_spinner="Matching latents …")
def _matched(first: str, second: str, _first: Opened, _second: Opened) -> Matching:
    from multibeta.explorer.sliders import matched as match

    return match(_first, _second)


@contextmanager
def told() -> Iterator[None]:
    """Say in one line what is wrong with content, and let the rest of the page be."""
    try:
        yield
    except DAMAGES as error:
        st.error(plain(str(error)) or type(error).__name__)
