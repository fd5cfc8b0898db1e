"""Stage pack: a study becomes one archive that says what it holds and from which it is run again."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from multibeta.files import replacing
from multibeta.records import ProvenanceRecord, read, read_study
from multibeta.results import StudyFolder
from multibeta.stages.shared.archive import CRATE, FORMAT, MANIFEST, RERUN, copy, is_safe
from multibeta.stages.shared.contents import check_report, files_of, missing, place_of
from multibeta.stages.shared.crate import crate
from multibeta.stages.shared.specs import cell_of

#: Compressed already.
STORED = frozenset({".png", ".webp", ".npz", ".pdf", ".safetensors"})
#: The one time that all entries have, so that equal files make equal archives.
TIME = (1980, 1, 1, 0, 0, 0)


def pack(
    folder: StudyFolder, target: Path, weights: bool = False, date: str | None = None, licence: str | None = None
) -> list[str]:
    """Write the archive of a study; the same files give the same bytes.

    Args:
        folder: ``results/<study>``, its report written; only read.
        target: the zip to write, whole or not at all.
        weights: with ``models.safetensors`` and ``codes.npz`` of every cell.
        date: of publication, as YYYY-MM-DD; None: the day on which the report was written (UTC).
        licence: SPDX identifier of the one it is published under; None: the metadata names none.

    Returns:
        What is not in it that a re-run needs, or that the study asked for, a line each.

    Raises:
        FileNotFoundError: the folder holds no study, or no report of it.
        ValueError: the report is older than the study, a plug-in is no longer what the study was trained with, a file
            cannot be in an archive, or the target lies among the results or is a file of another kind.
    """
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing); give results/<study>")
    for file in (folder.report_html, folder.provenance, folder.runs):
        if not file.is_file():
            why = f"no report of it yet ({file.name} is missing)"
            raise FileNotFoundError(f"{folder.path}: {why}; run multibeta report {folder.path} first")
    study = read_study(folder.study)
    name = study["name"]
    _check_target(target, folder, study)
    check_report(folder, study)
    day = date or datetime.fromtimestamp(folder.report_html.stat().st_mtime, UTC).date().isoformat()
    _check_fingerprints(folder, study)
    files, others = files_of(folder, study, weights)
    plugins = _plugins(study["config"].get("plugins", []))
    files |= {f"{RERUN}/{place}": path for path, place in plugins.items()}
    config = _config(study, [plugins[Path(path)] for path in study["config"].get("plugins", [])])
    written = {f"{RERUN}/config.yaml": _yaml(config)}
    lines = (*missing(folder, study, weights), *others)
    lost = [line if line.isprintable() else ascii(line) for line in lines]
    listed = {place: _facts_of(path) for place, path in files.items()}
    listed |= {place: _facts(content) for place, content in written.items()}
    written[CRATE] = _json(crate(study, read(folder.provenance, ProvenanceRecord), listed, lost, day, licence))
    listed[CRATE] = _facts(written[CRATE])
    for place in listed:
        if not is_safe(place):
            raise ValueError(f"{place!r}: a file of this name cannot be in an archive; rename it")
    if len({place.casefold() for place in listed}) < len(listed):
        raise ValueError(
            f"{folder.path}: two names differ in capitals alone, which some systems take for one; rename one"
        )
    manifest = {"format": FORMAT, "study": name, "weights": weights, "missing": lost}
    written[MANIFEST] = _json({**manifest, "files": dict(sorted(listed.items()))})
    with replacing(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for place in (MANIFEST, *sorted(listed)):
            entry = _entry(place)
            if place in written:
                archive.writestr(entry, written[place])
                continue
            size = int(listed[place]["size"])
            entry.file_size = size  # or zipfile takes it for small
            with files[place].open("rb") as source, archive.open(entry, "w") as written_to:
                if copy(source, written_to, size) != listed[place]["sha256"]:
                    raise ValueError(f"{files[place]}: changed while it was packed; pack again when nothing runs")
    return lost


def _check_target(target: Path, folder: StudyFolder, study: Mapping[str, Any]) -> None:
    """Refuse a target among the files of the study, or in the place of another file than an archive."""
    place = target.parent.resolve() / target.name
    cells = [folder.cell(*place_of(spec)).path for spec in study["cells"]]
    hidden = [folder.root / name for name in (".data", ".state", ".lineage")]
    for taken in (folder.path, *hidden, folder.path / "cells", *cells):
        if place.is_relative_to(taken.resolve()):
            what = "the study" if taken == folder.path else str(taken)
            raise ValueError(f"{target}: lies inside {what}; name a file outside it with -o")
    if target.exists() and not zipfile.is_zipfile(target):
        raise ValueError(f"{target}: is there already, and is no archive; name another file with -o")


def _check_fingerprints(folder: StudyFolder, study: Mapping[str, Any]) -> None:
    if not study["config"].get("plugins"):
        return
    for spec in study["cells"]:
        cell = cell_of(folder, spec)
        for seed, fingerprint in spec["fingerprints"].items():
            if cell.run_fingerprint(int(seed)) != fingerprint:
                place = f"{cell.dataset.name}/{cell.variant.name}/beta~{cell.strength}"
                raise ValueError(f"{place}: its plug-ins or the code have changed; run the study again first")


def _plugins(paths: list[str]) -> dict[Path, str]:
    """Where each plug-in file lies below `RERUN`: at its own path if that is relative, or in plugins/."""
    places: dict[Path, str] = {}
    for given in paths:
        path = Path(given)
        inside = not path.is_absolute() and ".." not in path.parts
        place = path.as_posix() if inside else f"plugins/{path.name}"
        if place in places.values() or place == "config.yaml":
            raise ValueError(f"plugins: two files would be {place} in the archive; rename one")
        places[path] = place
    return places


def _config(study: Mapping[str, Any], plugins: list[str]) -> dict[str, Any]:
    """The config as given, with each dataset as it was found: resolved names, and the hash of one's own content."""
    config = {key: value for key, value in study["config"].items() if key != "mirror"}
    given = config["datasets"]
    entries = {name: {} for name in given} if isinstance(given, list) else given
    found = {cell["dataset"]["name"]: cell["dataset"] for cell in study["cells"]}
    config["datasets"] = {
        name: {**(entry or {}), "dataset": found[name]["plug_in"], "options": found[name]["options"]}
        if name in found
        else entry
        for name, entry in entries.items()
    }
    return {**config, **({"plugins": plugins} if plugins else {})}


def _entry(place: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(place, TIME)
    entry.create_system = 3  # Unix, also where it is packed elsewhere
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_STORED if Path(place).suffix in STORED else zipfile.ZIP_DEFLATED
    return entry


def _facts_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": file.tell(), "sha256": digest}


def _facts(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _yaml(config: Mapping[str, Any]) -> bytes:
    import yaml

    text: str = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    return text.encode()
