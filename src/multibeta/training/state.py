"""The state of one run on disk: its checkpoint while it trains, its weights and history when it has ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from multibeta.config_errors import first_line
from multibeta.files import write_bytes, write_json
from multibeta.plain import in_one_line
from multibeta.records import EndRecord

#: Raise when a checkpoint begins to hold other things; one of another format is not gone on from.
FORMAT = 2


@dataclass
class Saved:
    """Tensors by name, and facts that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)

    def group(self, prefix: str) -> dict[str, Tensor]:
        """The tensors named ``<prefix>/…``, without the prefix."""
        start = f"{prefix}/"
        return {name.removeprefix(start): tensor for name, tensor in self.tensors.items() if name.startswith(start)}


class RunState:
    """The folder ``.state/<fingerprint>/`` of a run. Files are replaced whole, so a kill leaves the one before.

    Args:
        folder: is made when something is written.
        require_ours: called before anything is written; what it raises prevents that.
    """

    def __init__(self, folder: Path, require_ours: Callable[[], None] = lambda: None) -> None:
        self.folder, self._require_ours = folder, require_ours
        self._checkpoint = folder / "checkpoint.safetensors"
        self._finished = folder / "finished.safetensors"
        self._progress = folder / "progress.json"

    def tell(self, progress: dict[str, Any]) -> None:
        """Leave word of where the training is, if there is room, for whoever watches; nothing is gone on from it."""
        self._require_ours()
        with suppress(OSError):
            write_json(self._progress, progress)

    def checkpoint(self) -> Saved | None:
        return _read_state(self._checkpoint)

    def write_checkpoint(self, saved: Saved) -> None:
        self._require_ours()
        _write_state(self._checkpoint, saved)

    def write_snapshot(self, step: int, weights: dict[str, Tensor]) -> None:
        """Weights of a step on the way, kept as ``step~<step>.safetensors``."""
        self._require_ours()
        write_bytes(self.folder / f"step~{step}.safetensors", tensors_file(weights))

    def finished(self) -> Saved | None:
        """What `finish` wrote, or None while the run is not trained."""
        saved = _read(self._finished)
        if saved is None or not (why := _unlike_an_end(saved)):
            return saved
        _tell_unreadable(self._finished, why)
        return None

    def finish(self, saved: Saved) -> None:
        """Keep the ended run, and drop what was only needed on the way."""
        self._require_ours()
        _write(self._finished, saved)
        self.tidy(saved)

    def tidy(self, ended: Saved) -> None:
        """Drop what killed trainers left, and the checkpoint unless the run ended for want of time."""
        lefts = [self._progress, *self.folder.glob(f".{self._checkpoint.name}.*")]
        if ended.facts["status"] != "timeout":
            lefts.append(self._checkpoint)
        for left in lefts:
            left.unlink(missing_ok=True)


class Lineage:
    """Where trainings that differ in their budget alone leave their last state, for a longer one to go on from.

    Args:
        folder: ``.lineage/<hash>/``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, saved: Saved) -> None:
        _write_state(self.folder / f"{saved.facts['step']}.safetensors", saved)

    def longest(self, below: int) -> Saved | None:
        """The state after the most steps below a number of steps."""
        names = (path.stem for path in self.folder.glob("*.safetensors"))
        steps = sorted((int(name) for name in names if name.isdecimal()), reverse=True)
        shorter = (_read_state(self.folder / f"{each}.safetensors") for each in steps if each < below)
        return next((saved for saved in shorter if saved is not None), None)


def tensors_file(tensors: dict[str, Tensor], facts: dict[str, Any] | None = None) -> bytes:
    """The content of a safetensors file; equal tensors and facts give equal bytes."""
    # One metadata key only: safetensors writes several in a random order.
    metadata = {"facts": json.dumps(facts, sort_keys=True)} if facts is not None else None
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)


def _write(path: Path, saved: Saved) -> None:
    write_bytes(path, tensors_file(saved.tensors, saved.facts))


def _write_state(path: Path, saved: Saved) -> None:
    _write(path, Saved(saved.tensors, {**saved.facts, "format": FORMAT}))


def _read_state(path: Path) -> Saved | None:
    """The state of a training, unless it is of another format than this version writes."""
    saved = _read(path)
    if saved is None or saved.facts.get("format") == FORMAT:
        return saved
    print(f"{path}: written by another version; training this run from its start", file=sys.stderr)
    return None


def _read(path: Path) -> Saved | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            facts = json.loads(file.metadata()["facts"])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        _tell_unreadable(path, str(error))
        return None
    if not isinstance(facts, dict):
        _tell_unreadable(path, "its facts are no mapping")
        return None
    return Saved(tensors, facts)


def _tell_unreadable(path: Path, why: str) -> None:
    print(in_one_line(f"{path}: unreadable ({why}); training this run from its start"), file=sys.stderr)


def _unlike_an_end(saved: Saved) -> str:
    """What keeps the state from being one that `RunState.finish` was given; empty if nothing does."""
    try:
        end = EndRecord.model_validate(saved.facts)
    except ValidationError as error:
        return first_line(error, EndRecord)
    history = saved.tensors.get("history")
    if history is None or history.dtype != torch.float64 or history.numel() % (len(end.columns) + 1):
        return "its history is no table of its columns"
    return ""
