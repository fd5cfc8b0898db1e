"""The training curves of a cell: what every term of the loss was on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multibeta.explorer.shelf import Shelved
from multibeta.files import read_table

if TYPE_CHECKING:
    import pandas as pd

#: Columns that are no terms of the loss; shown behind them.
LAST = ("strength", "learning_rate")


def curves(shelved: Shelved) -> pd.DataFrame:
    """A row for each seed, step and term: ``seed``, ``step``, ``term``, ``value``; terms in their order.

    Raises:
        ValueError: there is no history, or it is damaged; the message is one line.
    """
    path = shelved.folder.history
    if not path.is_file():
        raise ValueError(f"{' · '.join(shelved.place)}: history.csv is missing")
    table = read_table(path, ("seed", "step"))
    terms = [name for name in table.columns if name not in ("seed", "step")]
    order = [name for name in terms if name not in LAST] + [name for name in LAST if name in terms]
    return table.melt(["seed", "step"], order, var_name="term").dropna()
