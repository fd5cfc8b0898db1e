"""A figure becomes files: whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multibeta.figures._style import render
from multibeta.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: Figure, folder: Path, name: str, kinds: tuple[str, ...] = ("png",)) -> None:
    """Write ``folder/name.<kind>`` for each of the kinds ``png``, ``svg``, ``pdf``. Equal figures give equal bytes."""
    for kind in kinds:
        with replacing(folder / f"{name}.{kind}") as temporary:
            temporary.write_bytes(render(figure, kind))
