"""Stage why: what of a cell's spec differs from what its results were made of, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from multibeta.cell import Cell
from multibeta.records import CellRecord, read
from multibeta.results import CellFolder
from multibeta.stages.shared.specs import read_cell


def why(folder: CellFolder, cell: Cell | None = None) -> list[str]:
    """A line for each thing that would have the cell's runs trained again; none where all are what is asked for.

    Args:
        cell: what is asked for; None: the cell's spec.json.

    Raises:
        FileNotFoundError: there is no cell in the folder.
    """
    asked = read_cell(folder) if cell is None else cell
    runs: Mapping[str, Any] = read(folder.cell, CellRecord)["runs"] if folder.cell.is_file() else {}
    seeds: dict[str, list[int]] = {}
    for seed in asked.seeds:
        for line in _of_run(runs.get(str(seed)), asked, seed):
            seeds.setdefault(line, []).append(seed)
    every = len(asked.seeds)
    return [
        line if len(some) == every else f"seed{'s' * (len(some) > 1)} {', '.join(map(str, some))}: {line}"
        for line, some in seeds.items()
    ]


def _of_run(run: Mapping[str, Any] | None, asked: Cell, seed: int) -> Iterator[str]:
    if run is None:
        yield "not trained yet"
    elif run["fingerprint"] != asked.run_fingerprint(seed):
        if "identity" not in run:
            yield "trained from another spec, by a version that did not keep it"
            return
        yield from sorted(changes(run["identity"], asked.run_identity(seed)))
    elif run["status"] in ("error", "out_of_memory"):
        yield f"ended as {run['status']} ({run['reason']}); the next call tries again"


def changes(before: Any, after: Any, key: str = "") -> Iterator[str]:
    """``training.latents: 10 → 12`` for every value that differs; what only one has is at its default in the other."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            path = f"{key}.{name}" if key else str(name)
            yield from changes(before.get(name, _Default()), after.get(name, _Default()), path)
    elif before != after:
        yield f"{key}: {_shown(before)} → {_shown(after)}"


class _Default:
    """The place of an option that an identity leaves out, for it is at its default."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Default)

    __hash__ = None  # type: ignore[assignment]


def _shown(value: Any) -> str:
    return "its default" if isinstance(value, _Default) else str(value)
