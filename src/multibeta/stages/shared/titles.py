"""How a cell, and what its model is told, is called in figures and tables."""

from __future__ import annotations

from itertools import product

from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.figures._style import LETTERS


def variant_title(cell: Cell) -> str:
    """The variant as the literature writes it; an entry of the study with a name of its own keeps that name."""
    title: str = cell.variant.make("variant").title
    return title if cell.variant.name == cell.variant.plug_in else f"{cell.variant.name} ({title})"


def cell_title(cell: Cell) -> str:
    symbol = cell.variant.make("variant").symbol
    return f"{cell.dataset.name} · {variant_title(cell)} · {symbol} = {cell.strength}"


def condition_names(dataset: Dataset, condition: str, short: bool = False) -> list[str]:
    """Of every value of a condition, see `multibeta.datasets.Dataset.column`.

    Args:
        short: of several factors that are long together, the values alone.
    """
    if condition == "label":
        return list(dataset.classes)
    factors = {factor.name: range(factor.size) for factor in dataset.factor_specs}
    names = condition.split("+")
    combinations = list(product(*(factors[each] for each in names)))
    if short and len(", ".join(names)) + 2 * len(names) > LETTERS:
        return [" ".join(map(str, of)) for of in combinations]
    return [", ".join(f"{each} {value}" for each, value in zip(names, of, strict=True)) for of in combinations]
