"""Reads the files of a zip or tar archive into memory, one by one: nothing is unpacked, so nothing can escape."""

from __future__ import annotations

import lzma
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from multibeta.datasets import DataError

#: Bytes of one file of an archive; the largest of a known dataset, a car of Cars3D, takes 5 MB.
LARGEST = 1 << 28
#: What reading an archive, or an array in one, raises if it is damaged or means harm.
DAMAGES = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, tokenize.TokenError, SyntaxError),
)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file that is wanted: of a zip sorted by name, of a tar, gzipped or not, in its order.

    An archive that names a place outside of itself, or that holds a link, is refused whole when that member is reached,
    wanted or not: whoever made it meant something else than data.

    Raises:
        DataError: such an archive, or a damaged or unknown one; the message is one line.
    """
    try:
        yield from _of_zip(path, wanted) if zipfile.is_zipfile(path) else _of_tar(path, wanted)
    except DataError:
        raise
    except DAMAGES as error:
        raise DataError(f"{path} is no whole zip or tar archive: {error}") from None


def _of_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            is_link = info.external_attr >> 28 == 0o12
            _require_inside(path, info.filename, is_link)
            if not info.is_dir() and wanted(info.filename):
                if info.flag_bits & 1:
                    raise DataError(f"{path}: {info.filename!r} is encrypted")
                _require_small(path, info.filename, info.file_size)
                yield info.filename, archive.read(info)


def _of_tar(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    # As a stream, so that a large archive is read once from front to back.
    with tarfile.open(path, "r|*") as archive:
        for info in archive:
            _require_inside(path, info.name, info.issym() or info.islnk())
            if info.isfile() and wanted(info.name):
                _require_small(path, info.name, info.size)
                stream = archive.extractfile(info)
                assert stream is not None
                content = stream.read()
                if len(content) < info.size:
                    raise tarfile.ReadError(f"{info.name!r} ends after {len(content)} of {info.size} bytes")
                yield info.name, content


def _require_inside(path: Path, name: str, is_link: bool) -> None:
    place = PurePosixPath(name.replace("\\", "/"))
    if is_link:
        raise DataError(f"{path}: {name!r} is a link, and archives of data hold none; get the official file")
    if place.is_absolute() or ".." in place.parts or (place.parts and ":" in place.parts[0]):
        raise DataError(f"{path}: {name!r} names a place outside the archive; get the official file")


def _require_small(path: Path, name: str, size: int) -> None:
    if size > LARGEST:
        raise DataError(f"{path}: {name!r} has {size} bytes, at most {LARGEST} are read")
