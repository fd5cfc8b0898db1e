"""What of a study goes into its archive, what is not there to go in, and whether the report is about just that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from multibeta import registry
from multibeta.files import read_table
from multibeta.records import CellRecord, CostsRecord, ProvenanceRecord, is_measured, read
from multibeta.results import CellFolder, StudyFolder, data_folder
from multibeta.stages.shared.provenance import CHANGED

#: Files of a cell that hold its models, or codes as large; packed where they are asked for.
WEIGHTS = ("models.safetensors", "codes.npz")
#: What every trained and measured cell has beside its facts and metrics.
OF_CELL = ("spec.json", "history.csv")
#: What the report reads of a prepared dataset.
OF_DATA = ("card.json", "spec.json", "features.safetensors")
#: Sections of a config that change nothing in a report.
NOT_REPORTED = ("running", "mirror")


def place_of(spec: Mapping[str, Any]) -> tuple[str, str, str]:
    """Dataset, variant and β of a cell of study.json."""
    return spec["dataset"]["name"], spec["variant"]["name"], spec["strength"]


def files_of(folder: StudyFolder, study: Mapping[str, Any], weights: bool) -> tuple[dict[str, Path], list[str]]:
    """The files of a study by their path in the archive, and what lies among them and is none, a line each.

    No logs, nothing hidden, and of the cells those of study.json, whatever links their folders are. Another link to a
    folder is not followed: what lies behind it was hardly meant to be published.
    """
    within = f"results/{study['name']}"
    tops = [path for path in folder.path.iterdir() if path.name != "cells"]
    for spec in study["cells"]:
        cell = folder.cell(*place_of(spec)).path
        tops += cell.iterdir() if cell.is_dir() else ()
    found, others = {}, []
    for path in (path for top in sorted(tops) for path in _below(top)):
        relative = path.relative_to(folder.path).as_posix()
        if not path.is_file():
            what = "a link to a folder, which is not followed" if path.is_dir() else "no file, and no link to one"
            others.append(f"{relative}: {what}")
        elif weights or path.name not in WEIGHTS:
            found[f"{within}/{relative}"] = path
    for key in sorted({spec["data_key"] for spec in study["cells"]}):
        for file in OF_DATA:
            if (path := data_folder(folder.root, key) / file).is_file():
                found[f"results/.data/{key}/{file}"] = path
    return found, others


def _below(path: Path) -> Iterator[Path]:
    if path.name.startswith("."):
        return
    if path.is_dir() and not path.is_symlink():
        for each in sorted(path.iterdir()):
            yield from _below(each)
    elif path.suffix != ".log":
        yield path


def missing(folder: StudyFolder, study: Mapping[str, Any], weights: bool) -> Iterator[str]:
    """What a re-run needs that lies with the user, and what the study asked for that is not there, a line each."""
    for commit in sorted(_commits(folder, study)):
        if CHANGED in commit:
            yield f"code: {commit}, which no repository has"
    datasets = {spec["dataset"]["name"]: spec for spec in study["cells"]}
    for name, spec in datasets.items():
        options = spec["dataset"]["options"]
        if "content" in registry.find("dataset", spec["dataset"]["plug_in"]).Options.model_fields:
            yield f"dataset {name}: images of your own at {options.get('path')}, content {options.get('content')}"
    for path in sorted({spec["training"].get("pretrained") or "" for spec in study["cells"]} - {""}):
        yield f"pretrained weights: {path}"
    for name, spec in datasets.items():
        yield from _lost(f"dataset {name}", data_folder(folder.root, spec["data_key"]), OF_DATA)
    for spec in study["cells"]:
        dataset, variant, beta = place_of(spec)
        yield from _of_cell(f"cell {dataset}/{variant}/beta~{beta}", folder.cell(dataset, variant, beta), spec, weights)


def _commits(folder: StudyFolder, study: Mapping[str, Any]) -> set[str]:
    """Those that the report was written and the runs were trained at."""
    runs = [run for spec in study["cells"] for run in (_runs(folder.cell(*place_of(spec))) or {}).values()]
    report: Mapping[str, Any] = read(folder.provenance, ProvenanceRecord)
    return {str(facts.get("git_commit") or "") for facts in (report, *runs)}


def _of_cell(title: str, files: CellFolder, spec: Mapping[str, Any], weights: bool) -> Iterator[str]:
    if not files.cell.is_file() or not files.metrics.is_file():
        yield f"{title}: not trained and measured yet"
        return
    runs = _runs(files)
    if runs is None:
        yield f"{title}: what became of its runs, for its cell.json is damaged"
        return
    costs = read(files.costs, CostsRecord) if files.costs.is_file() else {}
    seeds: dict[str, list[str]] = {}
    for seed in map(str, spec["seeds"]):
        if seed not in runs:
            seeds.setdefault("not trained yet", []).append(seed)
        elif runs[seed]["fingerprint"] != spec["fingerprints"][seed]:
            seeds.setdefault("not trained as study.json asks; what is in it is of another spec", []).append(seed)
        elif not is_measured(costs, int(seed), runs[seed]["fingerprint"], spec.get("evaluation_fingerprint", "")):
            seeds.setdefault("not measured as study.json asks", []).append(seed)
    for said, some in seeds.items():
        yield f"{title}, seed{'s' * (len(some) > 1)} {', '.join(some)}: {said}"
    finished = any(run["status"] == "done" for run in runs.values())
    yield from _lost(title, files.path, (*OF_CELL, *(WEIGHTS if weights and finished else ())))


def _lost(title: str, folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    if lost := [name for name in names if not (folder / name).is_file()]:
        yield f"{title}: {' and '.join(lost)}, not there when it was packed"


def _runs(files: CellFolder) -> dict[str, Any] | None:
    """What became of the runs of a cell, by seed; None if that cannot be read."""
    try:
        return dict(read(files.cell, CellRecord)["runs"]) if files.cell.is_file() else {}
    except ValueError:
        return None


def check_report(folder: StudyFolder, study: Mapping[str, Any]) -> None:
    """Refuse a study whose report was written of other runs than it has now; what files say counts, not their times.

    Raises:
        ValueError: it is older than the study, or damaged.
    """
    again = f"run multibeta report {folder.path} first"
    columns = ("dataset", "variant", "beta", "seed", "fingerprint", "status")
    rows = read_table(folder.runs, columns)[list(columns)].itertuples(index=False, name=None)
    told = {tuple(run): status for *run, status in rows}
    now = {}
    for spec in study["cells"]:
        runs = _runs(folder.cell(*place_of(spec)))
        for seed in spec["seeds"]:
            fingerprint = spec["fingerprints"][str(seed)]
            run = (*place_of(spec), seed, fingerprint)
            facts = None if runs is None else runs.get(str(seed))
            state = facts["status"] if facts is not None and facts["fingerprint"] == fingerprint else "missing"
            # Of a damaged cell no report can be written, so what it said stands.
            now[run] = told.get(run, "missing") if runs is None else state
    if other := sorted("/".join(map(str, run[:4])) for run, _ in told.items() ^ now.items()):
        first = f"the first that differs is {other[0]}"
        raise ValueError(f"{folder.runs}: not the runs that study.json and each cell.json have now ({first}); {again}")
    config = read(folder.provenance, ProvenanceRecord).get("config", study["config"])
    if not isinstance(config, dict) or _reported(config) != _reported(study["config"]):
        raise ValueError(f"{folder.provenance}: of another config than study.json; {again}")


def _reported(config: Mapping[str, Any]) -> dict[str, Any]:
    return {section: given for section, given in config.items() if section not in NOT_REPORTED}
