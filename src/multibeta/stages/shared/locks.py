"""A lock of cited numbers as a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from multibeta.files import read_json, write_json
from multibeta.report.lock import Lock


def read_lock(path: Path) -> Lock:
    """
    Raises:
        FileNotFoundError: there is none.
        ValueError: it is none of ours or damaged; the message names it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no lock there; `multibeta numbers STUDY --lock` writes one")
    try:
        return Lock.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{path}: is no lock of numbers ({where}: {first['msg']})") from None


def write_lock(path: Path, lock: Lock) -> None:
    write_json(path, lock.model_dump(mode="json"))
