"""The side of the page: which run is looked at, and which one beside it."""

from __future__ import annotations

from collections.abc import Sequence
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
    first = _run(shelf.openable, "", with_dataset=True)
    beside = st.toggle("A second model beside it", key="beside", bind="query-params")
    if not beside:
        return first, None
    same = [each for each in shelf.openable if _images(each) == _images(first.shelved)]
    return first, _run(same, "second_", with_dataset=False)


def _run(cells: Sequence[Shelved], prefix: str, with_dataset: bool) -> Picked:
    """Widgets for dataset, variant, strength and seed, each offering what the ones before leave."""
    if with_dataset:
        dataset = _choice("Dataset", f"{prefix}dataset", [each.place[0] for each in cells])
        cells = [each for each in cells if each.place[0] == dataset]
    titles = {_variant(each): _title(each) for each in cells}
    variant = _choice("Variant", f"{prefix}variant", list(titles), titles)
    cells = [each for each in cells if _variant(each) == variant]
    strengths = {each.place[2]: each for each in cells}
    symbol = cells[0].cell.variant.make("variant").symbol if cells[0].cell else "β"
    shelved = strengths[_choice(symbol, f"{prefix}strength", list(strengths))]
    seed = _choice("Seed", f"{prefix}seed", [str(seed) for seed in shelved.finished])
    return Picked(shelved, int(seed))


def _choice(label: str, key: str, options: Sequence[str], titles: dict[str, str] | None = None) -> str:
    options = list(dict.fromkeys(options))
    return str(st.selectbox(label, options, key=key, format_func=lambda name: (titles or {}).get(name, name)))


def _variant(each: Shelved) -> str:
    return f"{each.study}/{each.place[1]}" if each.is_own else each.place[1]


def _title(each: Shelved) -> str:
    title = variant_title(each.cell) if each.cell else each.place[1]
    return f"{title}, {each.study}" if each.is_own else title


def _images(each: Shelved) -> str:
    """What makes the images of a cell: models of the same can be compared."""
    return each.cell.data_key if each.cell else ""
