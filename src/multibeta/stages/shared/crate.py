"""The metadata of an archive: what it is, what made it, and every file, as RO-Crate wants it said."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from multibeta.stages.shared.archive import CRATE, RERUN


def crate(
    study: Mapping[str, Any],
    provenance: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
    missing: list[str],
    day: str,
    licence: str | None,
) -> dict[str, Any]:
    """RO-Crate 1.1 (https://w3id.org/ro/crate/1.1): the study as a data set, made by one action of this software.

    Args:
        study: content of study.json.
        provenance: content of provenance.json.
        files: ``size`` in bytes and ``sha256`` of every file, by its path in the archive.
        missing: what the archive does not hold, a line each.
        day: of publication, YYYY-MM-DD.
        licence: SPDX identifier of the one it is published under.
    """
    name, parts = study["name"], [{"@id": quote(place)} for place in sorted(files)]
    software = {"@id": "#multibeta", "@type": "SoftwareApplication", "name": "multibeta"}
    versions = (provenance.get("versions") or [{}])[0]
    software["softwareVersion"] = versions.get("multibeta", "")
    commit = provenance.get("git_commit") or "not known"
    action = {
        "@id": "#study",
        "@type": "CreateAction",
        "name": f"Training, measuring and reporting of study {name}",
        "description": f"{provenance.get('command', '')} (commit {commit})",
        "instrument": {"@id": software["@id"]},
        "object": {"@id": f"{RERUN}/config.yaml"},
        "result": {"@id": "./"},
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": study["report"]["title"] or name,
        "description": f"Results of the multibeta study {name}: report, tables, figures, specs and provenance."
        + "".join(f" Not in it: {line}." for line in missing),
        "datePublished": day,
        "hasPart": parts,
        "mentions": {"@id": action["@id"]},
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    entities = [
        {
            "@id": quote(place),
            "@type": "File",
            "name": place,
            "contentSize": str(facts["size"]),
            "sha256": facts["sha256"],
            "encodingFormat": mimetypes.types_map.get(Path(place).suffix, "application/octet-stream"),
        }
        for place, facts in sorted(files.items())
    ]
    graph = [descriptor, root, action, software, *entities]
    if licence is not None:
        terms = {"@id": f"https://spdx.org/licenses/{licence}", "@type": "CreativeWork", "name": licence}
        root["license"] = {"@id": terms["@id"]}
        graph.append(terms)
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
