"""Files that are written whole or not at all, and read with one line that names what is damaged."""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import glob
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, NoReturn
from zipfile import BadZipFile

from multibeta.results import TEXT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends, or is removed when it fails.

    What an earlier process that was killed in the block left behind is removed.

    Raises:
        OSError: naming ``path``: the folder cannot be written or the disk is full; the file is then as it was before.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_forsaken(path)
        handle, temporary = _locked_temporary(path)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def _locked_temporary(path: Path) -> tuple[int, Path]:
    """An open file beside ``path``, under a lock that the kernel lets go of with its holder."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):  # nobody took it for forsaken before it was locked
            return handle, Path(name)
        os.close(handle)


def _remove_forsaken(path: Path) -> None:
    """Remove what processes that were killed had written of ``path``: nobody holds its lock."""
    for left in path.parent.glob(glob.escape(f".{path.name}.") + "?" * 8 + glob.escape(path.suffix)):
        with contextlib.suppress(OSError), left.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make an OSError of the block name ``path``: a full disk has no name, and to NumPy not even a number."""
    try:
        yield
    except OSError as error:
        number = error.errno or errno.ENOSPC
        raise OSError(number, os.strerror(number), str(path)) from error


def write_bytes(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


#: What NumPy raises over an npz file that is damaged, also where it claims to hold more than fits into memory.
ARRAY_DAMAGES = (
    *(BadZipFile, EOFError, ValueError, KeyError, NotImplementedError, MemoryError, RuntimeError, zlib.error),
    # A head that is no Python text; arrays of records.
    *(SyntaxError, TokenError, TypeError),
)


@contextmanager
def reading(path: Path, damages: tuple[type[Exception], ...] = (ValueError,)) -> Iterator[None]:
    """Make an error of the block that is one of ``damages`` a ValueError that names ``path``."""
    try:
        yield
    except damages as error:
        raise ValueError(f"{path}: damaged ({error}); remove it and make it again") from None


def read_json(path: Path) -> Any:
    """
    Raises:
        ValueError: it is no JSON, or JSON as none is written here: with NaN, or nested deeper than Python reads.
    """
    with reading(path, (ValueError, RecursionError)):
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """CSV of rows by column; floats in the shortest form that reads back the same, None and absent as empty."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """CSV with the shortest decimal form that reads back to the same float64."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV of ours: β and fingerprints stay text, empty text stays empty instead of becoming NaN.

    Raises:
        ValueError: it is damaged, or has not all of ``columns``; the message names it.
    """
    import pandas as pd

    with reading(path, (ValueError, OverflowError)):
        table = pd.read_csv(path, dtype={**dict.fromkeys(TEXT_COLUMNS, str), "seed": int, "value": float})
        if lost := [name for name in columns if name not in table]:
            raise ValueError(f"no column {', '.join(lost)}")
        if not path.read_bytes().endswith(b"\n"):
            raise ValueError("its last line is cut off")
    return table.fillna({name: "" for name in TEXT_COLUMNS if name in table and table[name].hasnans})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
