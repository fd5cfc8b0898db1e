"""The side of the page: which run is looked at, and which one beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from multibeta.explorer.shelf import Shelf, Shelved
from multibeta.stages.shared.titles import variant_title


class Picked(NamedTuple):
    """A finished run."""

    shelved: Shelved
    seed: int


def pick(shelf: Shelf) -> tuple[Picked, Picked | None]:
    """The run that is picked, and the second one if there is to be one."""
    dataset = _choice("Dataset", "dataset", [each.place[0] for each in shelf.openable])
    first = _run([each for each in shelf.openable if each.place[0] == dataset], "")
    if not st.toggle("A second model beside it", key="beside", bind="query-params"):
        return first, None
    same = [each for each in shelf.openable if _images(each) == _images(first.shelved)]
    return first, _run(same, "second_", _usual_second(same, first.shelved))


def _usual_second(cells: Sequence[Shelved], first: Shelved) -> Shelved:
    """What a model is first held against: its variant at strength 1, as the VAE of a β-VAE, else at another one."""
    alike = [each for each in cells if _variant(each) == _variant(first) and each is not first]
    return next((each for each in alike if each.place[2] == "1"), (alike or [first])[-1])


def _run(cells: Sequence[Shelved], prefix: str, usual: Shelved | None = None) -> Picked:
    """Widgets for variant, strength and seed, each offering what the ones before leave."""
    usual = usual or cells[0]
    titles = {_variant(each): _title(each) for each in cells}
    variant = _choice("Variant", f"{prefix}variant", list(titles), titles, _variant(usual))
    strengths = {each.place[2]: each for each in cells if _variant(each) == variant}
    symbol = next(each.cell.variant.make("variant").symbol for each in strengths.values() if each.cell)
    shelved = strengths[_choice(symbol, f"{prefix}strength", list(strengths), usual=usual.place[2])]
    seed = _choice("Seed", f"{prefix}seed", [str(seed) for seed in shelved.finished])
    return Picked(shelved, int(seed))


def _choice(
    label: str, key: str, options: Sequence[str], titles: Mapping[str, str] | None = None, usual: str = ""
) -> str:
    options = list(dict.fromkeys(options))
    index = options.index(usual) if usual in options else 0
    name = st.selectbox(
        label, options, index, key=key, format_func=lambda name: (titles or {}).get(name, name), bind="query-params"
    )
    return str(name)


def _variant(each: Shelved) -> str:
    return f"{each.study}/{each.place[1]}" if each.is_own else each.place[1]


def _title(each: Shelved) -> str:
    title = variant_title(each.cell) if each.cell else each.place[1]
    return f"{title}, {each.study}" if each.is_own else title


def _images(each: Shelved) -> str:
    """What makes the images of a cell: models of the same can be compared."""
    return each.cell.data_key if each.cell else ""
