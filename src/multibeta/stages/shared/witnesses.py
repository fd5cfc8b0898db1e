"""What tells an altered file of a study from a drift of its training: bytes of weights, of codes and of datasets."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multibeta.datasets import _storage
from multibeta.files import read_json, reading
from multibeta.results import CellFolder, state_folder

if TYPE_CHECKING:
    from torch import Tensor

#: Single precision, as a share of the largest code: how far equal weights may encode apart on another machine.
CODES_ROUNDING = 1e-3

Weights = Mapping[str, "Tensor"]


def stored_weights(folder: CellFolder) -> dict[int, dict[str, Tensor]]:
    """The weights of every finished run of a cell, by seed.

    Raises:
        FileNotFoundError: there is no file of them.
        ValueError: it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not folder.models.is_file():
        raise FileNotFoundError(f"{folder.models}: not there")
    with reading(folder.models, (SafetensorError, ValueError, KeyError)):
        found: dict[int, dict[str, Tensor]] = {}
        for name, tensor in load_file(folder.models).items():
            seed, _, parameter = name.partition("/")
            found.setdefault(int(seed.removeprefix("seed")), {})[parameter] = tensor
        return found


def of_other_runs(held: Collection[int], runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Why a file of a cell does not hold what belongs to its finished runs, and to them alone; "" if it does.

    Args:
        held: seeds that the file is of.
        runs: those of cell.json.
    """
    finished = {int(seed) for seed, run in runs.items() if run["status"] == "done"}
    if lost := sorted(finished - set(held)):
        return f"holds nothing of seed {lost[0]}, which cell.json says is done"
    if more := sorted(set(held) - finished):
        return f"holds something of seed {more[0]}, which cell.json does not say is done"
    return ""


def clause(error: Exception, path: Path) -> str:
    """What is wrong with a file, without its name and what to do."""
    return " ".join(str(error).split()).removeprefix(f"{path}: ").partition("; remove it")[0]


def kept_weights(root: Path, fingerprint: str) -> dict[str, Tensor] | None:
    """The weights that a training left in ``.state`` when it ended; None if they are gone or cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(state_folder(root, fingerprint) / "finished.safetensors")
    except (OSError, SafetensorError):
        return None
    start = "network/"
    return {name.removeprefix(start): tensor for name, tensor in found.items() if name.startswith(start)}


def distance(one: Weights, other: Weights) -> float:
    """‖other − one‖ / ‖one‖ over all numbers; 0 only if all bytes are equal, infinite if they are of other networks."""
    if one.keys() != other.keys() or any(one[name].shape != other[name].shape for name in one):
        return math.inf
    if all(_bytes(one[name]) == _bytes(other[name]) for name in one):
        return 0.0
    size = sum(float(tensor.double().square().sum()) for tensor in one.values())
    apart = sum(float((other[name].double() - one[name].double()).square().sum()) for name in one)
    share = math.sqrt(apart / size) if size else math.inf
    # What differs in the sign of a zero alone, or not in numbers, is yet not the same.
    return share if share > 0 else (math.inf if math.isnan(share) else np.finfo(float).tiny)


def codes_agree(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Are codes (N, D) those of the same images by the same weights, up to rounding?"""
    if one.shape != other.shape:
        return False
    scale = float(np.abs(other).max(initial=1.0))
    return bool(np.abs(one.astype(np.float64) - other).max(initial=0) <= CODES_ROUNDING * scale)


def altered_data(folder: Path, reported: Mapping[str, Any] | None) -> dict[str, str]:
    """Files of a prepared dataset that are not what its card says, or what the report said of its card, and why.

    Args:
        reported: ``datasets`` in provenance.json, of this dataset; None where there is none.
    """
    hashes = read_json(folder / "card.json")["sha256"]
    found = {}
    for name, digest in hashes.items():
        path = folder / f"{name}.npy"
        if path.is_file() and _digest(path) != digest:
            found[str(path)] = "its content is not what its card says"
    if reported is not None and any(reported.get(name, digest) != digest for name, digest in hashes.items()):
        found[str(folder / "card.json")] = "names other content than provenance.json of the report"
    return found


def is_whole(folder: Path) -> bool:
    """Does a prepared dataset have all arrays that its card names?"""
    card = folder / "card.json"
    return card.is_file() and all((folder / f"{name}.npy").is_file() for name in read_json(card)["sha256"])


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as ``sha256sum`` gives it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(path: Path) -> str:
    """SHA-256 of an array's data in C order, without the header of its file."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    digest = hashlib.sha256()
    for start in range(0, len(array), _storage.CHUNK):
        digest.update(np.ascontiguousarray(array[start : start + _storage.CHUNK]).data)
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.detach().cpu().contiguous().numpy().tobytes()
    return content
