"""How a cell is called in figures and tables."""

from __future__ import annotations

from multibeta.cell import Cell


def variant_title(cell: Cell) -> str:
    """The variant as the literature writes it; an entry of the study with a name of its own keeps that name."""
    title: str = cell.variant.make("variant").title
    return title if cell.variant.name == cell.variant.plug_in else f"{cell.variant.name} ({title})"


def cell_title(cell: Cell) -> str:
    symbol = cell.variant.make("variant").symbol
    return f"{cell.dataset.name} · {variant_title(cell)} · {symbol} = {cell.strength}"
