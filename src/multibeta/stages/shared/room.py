"""The room that results take on disk: bytes and files of a finished cell and of a finished run."""

from __future__ import annotations

from multibeta.cell import Cell
from multibeta.report.findings import GALLERIES
from multibeta.training.pace import Pace

#: Files of a cell without figures: spec, cell, models, history, codes, metrics, repeats, arrays, costs, two logs, and
#: Snakemake's mark in the folder of figures.
FILES = 12
#: Its figures: one of each kind, and two that move as well.
FIGURES = len(GALLERIES) + 2
#: Bytes of a figure, and of the tables of a run; measured on sprites.
BYTES_OF_FIGURE, BYTES_OF_TABLES = 35_000, 60_000


def kept_of_cell(cell: Cell, here: Pace) -> tuple[int, int]:
    """Bytes and files of a finished cell: weights, codes as means and log-variances, tables, figures.

    Codes are those of as many images as are asked for, which a small dataset may not have.
    """
    images = cell.evaluation.codes + cell.evaluation.held_out
    codes = 2 * 4 * images * cell.training.latents
    figures = BYTES_OF_FIGURE * FIGURES * cell.evaluation.figures
    return len(cell.seeds) * (here.weights + codes + BYTES_OF_TABLES) + figures, files_of_cell(cell)


def kept_of_run(cell: Cell, here: Pace, steps: int) -> tuple[int, int]:
    """Bytes and files of a finished training beside its cells: its weights, those on the way, and its last state."""
    every = cell.running.snapshot_every
    copies = 1 + ((steps - 1) // every if every else 0)
    lineage = cell.running.extendable and cell.lineage(cell.seeds[0]) is not None
    return copies * here.weights + lineage * here.state, copies + lineage


def files_of_cell(cell: Cell) -> int:
    """Of a finished cell, at most."""
    return FILES + FIGURES * cell.evaluation.figures
