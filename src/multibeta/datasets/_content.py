"""The hash of many files together, remembered for as long as none of them changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG

from multibeta.datasets import DataError
from multibeta.datasets._sources import default_cache

#: Nanoseconds within which a file may change twice and keep its times, as clocks of file systems go by ticks.
TICK = 2_000_000_000


def digest(parts: Sequence[tuple[str, Path]]) -> str:
    """``sha256:…`` of the names and bytes of files, in the order given; the places of the files do not enter.

    Reading 200,000 images takes minutes and listing them a second, so the result is kept in the cache under a key of
    the listing: the place, size and times of every file.

    Raises:
        DataError: a file cannot be read; one line.
    """
    key, newest = _listing(parts)
    kept = default_cache() / ".hashes" / key
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (text := kept.read_text(encoding="ascii")).startswith("sha256:"):
            return text.strip()
    found = f"sha256:{_hash(parts)}"
    if newest < time.time_ns() - TICK:
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = kept.with_name(f"{key}.{os.getpid()}")
            temporary.write_text(found + "\n", encoding="ascii")
            temporary.replace(kept)
    return found


def _listing(parts: Sequence[tuple[str, Path]]) -> tuple[str, int]:
    """A key of what the file system says of the files, and the latest of their times in nanoseconds."""
    listing, newest = hashlib.sha256(), 0
    for name, path in parts:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from None
        if not S_ISREG(stat.st_mode):
            raise DataError(f"{path} is no file; take it away")  # a pipe would be waited for, without end
        # The time of the inode changes even when the other one is set back, as copying and unpacking do.
        facts = (name, os.path.abspath(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        listing.update("\0".join(map(str, facts)).encode(errors="surrogateescape") + b"\n")
        newest = max(newest, stat.st_mtime_ns, stat.st_ctime_ns)
    return listing.hexdigest(), newest


def _hash(parts: Sequence[tuple[str, Path]]) -> str:
    from tqdm import tqdm

    whole = hashlib.sha256()
    for name, path in tqdm(parts, desc="hashing files", unit="file", delay=3, leave=False, disable=None):
        try:
            with path.open("rb") as file:
                own = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from None
        whole.update(f"{name}\0{own}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()
