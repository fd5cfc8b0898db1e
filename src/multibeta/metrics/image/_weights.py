"""Pretrained weights: where they are looked for, how they are verified, how they are fetched. See weights.lock."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from multibeta.download import NotDownloaded, download
from multibeta.metrics import NotComputed

LOCK = Path(__file__).parents[2] / "weights.lock"
TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class Weights:
    """One entry of weights.lock."""

    title: str
    file: str
    url: str
    bytes: int
    sha256: str
    licence: str


def locked() -> dict[str, Weights]:
    """The entries of weights.lock by name."""
    return {name: Weights(**entry) for name, entry in tomllib.loads(LOCK.read_text(encoding="utf-8")).items()}


def folder() -> Path:
    """``$MULTIBETA_WEIGHTS``, else ``~/.cache/multibeta/weights``."""
    named = os.environ.get("MULTIBETA_WEIGHTS")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "multibeta" / "weights"


def path_of(name: str) -> Path:
    """The file of the weights ``name``, its sha256 verified.

    Raises:
        NotComputed: the file is absent, or its bytes are not the expected ones.
    """
    weights = locked()[name]
    path = folder() / weights.file
    if not path.is_file():
        raise NotComputed(
            f"{weights.title} weights absent (expected sha256 {weights.sha256[:8]}…; `multibeta weights` fetches them)"
        )
    found = _sha256(path)
    if found != weights.sha256:
        raise NotComputed(
            f"{weights.title} weights altered: {weights.file} has sha256 {found[:8]}…, expected "
            f"{weights.sha256[:8]}… (`multibeta weights` fetches them again)"
        )
    return path


def fetch(name: str) -> Path:
    """The verified file of the weights ``name``, downloaded unless it is there already.

    Nothing but a whole and verified file ever has the final name.

    Raises:
        OSError: the address cannot be reached, the file is not the expected one, or the folder cannot be written.
    """
    weights = locked()[name]
    path = folder() / weights.file
    if path.is_file() and _sha256(path) == weights.sha256:
        return path

    def problem(part: Path) -> str:
        size, found = part.stat().st_size, _sha256(part)
        if size == weights.bytes and found == weights.sha256:
            return ""
        return (
            f"is not the expected one: found {size} bytes of sha256 {found[:8]}…, expected "
            f"{weights.bytes} bytes of sha256 {weights.sha256[:8]}…"
        )

    try:
        download([weights.url], path, problem, TIMEOUT)
    except NotDownloaded as failure:
        raise OSError(str(failure)) from None
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
