"""The dataset of a cell, split as the cell asks: every stage that reads a cell's images opens it here."""

from __future__ import annotations

from pathlib import Path

from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.results import data_folder


def open_dataset(cell: Cell, root: Path) -> Dataset:
    """The prepared dataset of a cell, below the folder of all studies.

    Raises:
        FileNotFoundError: it is not prepared.
        DataError: it is damaged, or cannot be split so.
    """
    folder = data_folder(root, cell.data_key)
    try:
        return Dataset(folder, cell.split)
    except FileNotFoundError as error:
        lost = Path(error.filename or folder).name
        raise FileNotFoundError(f"{folder}: not prepared ({lost} is missing); run multibeta prepare {folder}") from None
