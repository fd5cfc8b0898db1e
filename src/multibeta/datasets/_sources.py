"""Finds a dataset's files in the mirror, the cache or at the official address, and verifies every one of them."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from multibeta.datasets import DataError, DatasetSource, File
from multibeta.download import CHUNK, TIMEOUT, NotDownloaded, download

#: A folder, or an address of one.
Mirror = str | Path


def locate(
    source: DatasetSource, mirror: Mirror | None = None, cache: Path | None = None, timeout: float = TIMEOUT
) -> dict[str, Path]:
    """The verified files of a dataset by name.

    Each is looked for as ``<mirror>/<dataset>/<name>``, then in the cache, then downloaded into the cache, from the
    first of its addresses that gives it; the dataset is the one that the file is ``of``, if it says so. A wrong file in
    the mirror is an error, since somebody put it there; a wrong file in the cache is downloaded anew. A mirror that is
    an address is the first to download from. Before anything is, the dataset's licence is told.

    Args:
        source: the dataset, whose ``files`` are wanted.
        mirror: a folder that is only read, or the http(s) address of one.
        cache: default: ``$MULTIBETA_CACHE``, else ``~/.cache/multibeta/data``.
        timeout: seconds a download may stall.

    Raises:
        DataError: one line: a file is nowhere to be had, or is not what its hash says, or the cache cannot be written.
    """
    cache = cache or default_cache()
    found: dict[str, Path] = {}
    told = False
    for file in source.files:
        path, looked_in = _find(file.of or source.name, file, mirror, cache)
        if path is None:
            if not told:
                print(terms(source), file=sys.stderr)
                told = True
            path = _get(file.of or source.name, file, mirror, cache, timeout, looked_in)
        found[file.name] = path
    return found


def terms(source: DatasetSource) -> str:
    """What to know before a dataset's files are used, in one line."""
    return f"{source.title}: licence {source.licence}; {source.source}"


def default_cache() -> Path:
    return Path(os.environ.get("MULTIBETA_CACHE") or Path.home() / ".cache" / "multibeta" / "data").expanduser()


def places(dataset: str, file: File, mirror: Mirror | None, cache: Path) -> list[Path]:
    """Where on disk the file is looked for, in this order."""
    roots = [cache] if mirror is None or is_address(mirror) else [Path(mirror).expanduser(), cache]
    return [root / (file.of or dataset) / file.name for root in roots]


def is_address(mirror: Mirror) -> bool:
    return str(mirror).startswith(("http://", "https://"))


def _find(dataset: str, file: File, mirror: Mirror | None, cache: Path) -> tuple[Path | None, list[str]]:
    """The file in the mirror or the cache, or None and what was found in each place."""
    looked_in = []
    for path in places(dataset, file, mirror, cache):
        if not path.is_file():
            looked_in.append(f"{path} (not there)")
            continue
        problem = find_problem(path, file)
        if not problem:
            return path, looked_in
        if cache not in path.parents:
            raise DataError(f"{path} of the mirror {problem}; delete it or put the official file there")
        looked_in.append(f"{path} ({problem})")
    return None, looked_in


def _get(dataset: str, file: File, mirror: Mirror | None, cache: Path, timeout: float, looked_in: list[str]) -> Path:
    path = cache / dataset / file.name
    urls = [file.url, *file.mirrors]
    if mirror is not None and is_address(mirror):
        urls.insert(0, f"{str(mirror).rstrip('/')}/{dataset}/{urllib.parse.quote(file.name)}")
    try:
        download(urls, path, lambda part: find_problem(part, file), timeout)
    except NotDownloaded as failure:
        raise DataError(
            f"{dataset} needs {file.name}: looked in {', '.join(looked_in)}; {failure}; "
            f"without a network, put the file into <folder>/{dataset}/ and set MULTIBETA_MIRROR=<folder>"
        ) from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be written to the cache: {error.strerror or error}; "
            "set MULTIBETA_CACHE to a folder with space that can be written"
        ) from None
    return path


def find_problem(path: Path, file: File) -> str:
    """What is wrong with the file at ``path`` as one clause, or ``""`` if it is the file that ``file`` describes.

    Raises:
        OSError: it cannot be read.
    """
    kind, _, expected = file.digest.partition(":")
    if kind == "starts":
        with path.open("rb") as stream:
            found = stream.read(len(file.starts)).hex()
        return "" if found == expected else f"is another kind of file: it starts with {found}, not with {expected}"
    digest = hashlib.md5(usedforsecurity=False) if kind == "md5" else hashlib.sha256()
    if kind == "git-blob":
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    opened: Callable[[Path], IO[bytes]] = gzip.open if file.gzip else _open  # type: ignore[assignment]
    try:
        with opened(path) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except EOFError:
        return "is truncated: its gzip stream ends too early"
    except (gzip.BadGzipFile, zlib.error) as error:
        return f"is altered: it is no valid gzip file ({error})"
    if digest.hexdigest() == expected:
        return ""
    of = " of the decompressed content" if file.gzip else ""
    return f"is truncated or altered: {kind} hash{of} is {digest.hexdigest()}, expected {expected}"


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")
