"""Stage unpack: an archive of a study becomes a folder, if it is exactly what its manifest says."""

from __future__ import annotations

import contextlib
import json
import re
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from multibeta.records import ProvenanceRecord, read
from multibeta.stages.shared.archive import FORMAT, MANIFEST, copy, is_safe

#: Bytes of a manifest, of 300,000 files or so.
MOST_MANIFEST = 64 << 20
#: How many times larger than the archive its content may be: tables shrink to a tenth, bombs to a thousandth.
MOST_GROWTH = 100
#: Bytes that any archive may grow to.
SMALL = 16 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COMMIT = re.compile(r"[0-9a-f]{40}( \+ changes( [0-9a-f]{12})?)?")
DIGEST = re.compile(r"[0-9a-f]{64}")


def unpack(path: Path, target: Path) -> dict[str, Any]:
    """Check everything an archive holds and write it to a new folder, whole or not at all.

    Nothing of it is run, imported or unpickled.

    Args:
        path: what `multibeta.stages.pack.pack` wrote.
        target: does not exist yet, or is an empty folder.

    Returns:
        The manifest: ``study``, ``weights``, ``missing``, ``files``.

    Raises:
        ValueError: it is damaged, holds something else than its manifest says, or would write outside the folder.
        OSError: it cannot be read, the target is taken, or the disk is full.
    """
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise FileExistsError(f"{target}: is there already; name a folder that is not")
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive, size)
            manifest = _manifest(archive, entries)
            _write(archive, entries, manifest["files"], target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, RuntimeError) as error:
        raise ValueError(f"{path}: damaged, or no archive of a study ({error}); nothing was unpacked") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}; nothing was unpacked") from None
    return manifest


def commit_of(study: Path) -> str:
    """Of the code by which the report in an unpacked study was written; empty where that is not told."""
    try:
        commit = str(read(study / "provenance.json", ProvenanceRecord).get("git_commit"))
    except (OSError, ValueError):
        return ""
    return commit if COMMIT.fullmatch(commit) else ""


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, as far as they can be trusted before any is read."""
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for entry in archive.infolist():
        name, mode = entry.orig_filename, entry.external_attr >> 16
        if not is_safe(name):
            raise ValueError(f"{name[:200]!r} is no path below the folder")
        if name.casefold() in seen:
            raise ValueError(f"{name!r} is in it twice")
        if mode and not stat.S_ISREG(mode):
            raise ValueError(f"{name!r} is no plain file")
        if entry.flag_bits & 1:
            raise ValueError(f"{name!r} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r} is compressed in a way that archives of studies are not")
        seen.add(name.casefold())
        entries[name] = entry
    total = sum(entry.file_size for entry in entries.values())
    if total > max(MOST_GROWTH * size, SMALL):
        raise ValueError(f"its {size} bytes would become {total}, more than {MOST_GROWTH} times as many")
    if sum(entry.compress_size for entry in entries.values()) > size:
        raise ValueError("its files overlap")
    return entries


def _manifest(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> dict[str, Any]:
    if MANIFEST not in entries:
        raise ValueError(f"no archive of a study ({MANIFEST} is missing)")
    if entries[MANIFEST].file_size > MOST_MANIFEST:
        raise ValueError(f"{MANIFEST} has more than {MOST_MANIFEST} bytes")
    with archive.open(MANIFEST) as file:
        content = file.read(MOST_MANIFEST + 1)
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{MANIFEST} is damaged ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{MANIFEST} is not of the format {FORMAT!r}")
    study, missing, files = (manifest.get(key) for key in ("study", "missing", "files"))
    if not isinstance(study, str) or not NAME.fullmatch(study):
        raise ValueError(f"{MANIFEST}: study = {study!r} is no name of a study")
    if not isinstance(missing, list) or not all(isinstance(line, str) and line.isprintable() for line in missing):
        raise ValueError(f"{MANIFEST}: missing is no list of lines")
    if not isinstance(manifest.get("weights"), bool) or not isinstance(files, dict):
        raise ValueError(f"{MANIFEST}: weights or files is damaged")
    for name, facts in files.items():
        if not isinstance(facts, dict) or type(facts.get("size")) is not int or facts["size"] < 0:
            raise ValueError(f"{MANIFEST}: {name!r} has no size")
        if not isinstance(facts.get("sha256"), str) or not DIGEST.fullmatch(facts["sha256"]):
            raise ValueError(f"{MANIFEST}: {name!r} has no SHA-256")
    if lost := sorted(files.keys() - entries.keys()):
        raise ValueError(f"{lost[0]!r} is missing")
    if extra := sorted(entries.keys() - files.keys() - {MANIFEST}):
        raise ValueError(f"{extra[0]!r} is not in its manifest")
    return manifest


def _write(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], files: dict[str, Any], target: Path) -> None:
    """Write the files beside their place, or in it where it is there, and move them when all are checked."""
    near = next(folder for folder in (target.absolute(), *target.absolute().parents) if folder.exists())
    with tempfile.TemporaryDirectory(prefix=".multibeta-unpack-", dir=near) as temporary:
        folder = Path(temporary) / "archive"
        for name, entry in entries.items():
            place = folder / name
            with contextlib.suppress(FileExistsError):
                place.parent.mkdir(parents=True)
            if place.exists() or not place.parent.is_dir():
                raise ValueError(f"{name!r} is both a file and a folder")
            size = entry.file_size if name == MANIFEST else files[name]["size"]
            with archive.open(entry) as source, place.open("xb") as written:
                try:
                    digest = copy(source, written, size)
                except ValueError as error:
                    raise ValueError(f"{name!r} {error}") from None
            if name != MANIFEST and digest != files[name]["sha256"]:
                raise ValueError(f"{name!r} is not the file that was packed (its SHA-256 is another)")
        if target.is_dir():
            # It stays, for a shell may stand in it or a disk be mounted there; the manifest comes last.
            for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
                path.rename(target / path.name)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
