"""Finds a dataset's files in the mirror, the cache or at the official address, and verifies every one of them."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from multibeta.datasets import DataError, DatasetSource, File

CHUNK = 1 << 20
#: Seconds without a single byte before a download is given up.
TIMEOUT = 30.0


def locate(
    source: DatasetSource, mirror: Path | None = None, cache: Path | None = None, timeout: float = TIMEOUT
) -> dict[str, Path]:
    """The verified files of a dataset by name.

    Each is looked for as ``<mirror>/<dataset>/<name>``, then in the cache, then downloaded into the cache, from the
    first of its addresses that gives it; the dataset is the one that the file is ``of``, if it says so. A wrong file in
    the mirror is an error, since somebody put it there; a wrong file in the cache is downloaded anew.

    Args:
        source: the dataset, whose ``files`` are wanted.
        mirror: a folder that is only read.
        cache: default: ``$MULTIBETA_CACHE``, else ``~/.cache/multibeta/data``.
        timeout: seconds a download may stall.

    Raises:
        DataError: one line: a file is nowhere to be had, or is not what its hash says, or the cache cannot be written.
    """
    cache = cache or default_cache()
    return {file.name: _locate(file.of or source.name, file, mirror, cache, timeout) for file in source.files}


def default_cache() -> Path:
    return Path(os.environ.get("MULTIBETA_CACHE") or Path.home() / ".cache" / "multibeta" / "data").expanduser()


def _locate(dataset: str, file: File, mirror: Path | None, cache: Path, timeout: float) -> Path:
    looked_in = []
    if mirror is not None:
        path = mirror / dataset / file.name
        if path.is_file():
            problem = find_problem(path, file)
            if problem:
                raise DataError(f"{path} of the mirror {problem}; delete it or put the official file there")
            return path
        looked_in.append(f"{path} (not there)")
    path = cache / dataset / file.name
    if path.is_file():
        problem = find_problem(path, file)
        if not problem:
            return path
        looked_in.append(f"{path} ({problem})")
    else:
        looked_in.append(f"{path} (not there)")
    failures = []
    for url in (file.url, *file.mirrors):
        try:
            _download(file, url, path, timeout)
        except _NotDownloaded as failure:
            failures.append(f"{url} {failure}")
        else:
            return path
    raise DataError(
        f"{dataset} needs {file.name}: looked in {', '.join(looked_in)}; {'; '.join(failures)}; "
        f"without a network, put the file into <folder>/{dataset}/ and set MULTIBETA_MIRROR=<folder>"
    )


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


class _NotDownloaded(Exception):
    """Why an address did not give the file, as one clause."""


def _download(file: File, url: str, path: Path, timeout: float) -> None:
    """Fetch to a temporary name beside ``path``, verify, rename; nothing stays behind on failure."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as target:
            temporary = Path(target.name)
            _fetch(url, target, timeout)
        problem = find_problem(temporary, file)
        if problem:
            raise _NotDownloaded(f"served a file that {problem}")
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written to the cache: {error.strerror or error}; "
            "set MULTIBETA_CACHE to a folder with space that can be written"
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _fetch(url: str, target: IO[bytes], timeout: float) -> None:
    import http.client
    import urllib.error
    import urllib.request

    def attempt(action: Callable[[], Any]) -> Any:
        """Network trouble is an OSError too; it is told apart from trouble with the disk here."""
        try:
            return action()
        except urllib.error.HTTPError as error:
            raise _NotDownloaded(f"answered {error.code} {error.reason}") from None
        except TimeoutError:
            raise _NotDownloaded(f"stalled for {timeout:g} seconds after {received} bytes") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise _NotDownloaded(f"could not be downloaded ({str(reason) or type(error).__name__})") from None

    received = 0
    with attempt(lambda: urllib.request.urlopen(url, timeout=timeout)) as response:
        length = response.headers.get("Content-Length")
        while chunk := attempt(lambda: response.read(CHUNK)):
            target.write(chunk)
            received += len(chunk)
    if length is not None and received != int(length):
        raise _NotDownloaded(f"broke off after {received} of {length} bytes")
