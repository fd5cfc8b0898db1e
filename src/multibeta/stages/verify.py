"""Stage verify: some runs of a study, drawn at random, are trained and measured anew and held against what it holds."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd

from multibeta import randomness
from multibeta.cell import Cell, fingerprint
from multibeta.files import read_json, read_table
from multibeta.records import CellRecord, CostsRecord, ProvenanceRecord, is_measured, read, read_study
from multibeta.report.drift import Pool, Verification, Verified, pool
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, StudyFolder, data_folder, state_folder
from multibeta.stages.anew import anew
from multibeta.stages.prepare import prepare_folder
from multibeta.stages.shared.provenance import git_commit
from multibeta.stages.shared.specs import write_data_spec
from multibeta.stages.shared.witnesses import (
    altered_data,
    clause,
    distance,
    is_whole,
    kept_weights,
    of_other_runs,
    stored_weights,
)
from multibeta.study import FOLLOWS

#: How a run may have ended for it to be trained anew: what time or memory ended depends on the machine.
ENDED = ("done", "diverged")
#: Cells of study.json, each with seeds of it.
Runs = list[tuple[dict[str, Any], list[int]]]


def verify(
    folder: StudyFolder, share: float = 0.05, seed: int = 0, keep: Path | None = None, threads: int | None = None
) -> Verification:
    """Train and measure a share of the runs in a folder of their own; the study is only read.

    Nothing that the study's trainings left (``.state``, ``.lineage``) is gone on from: it would copy what is to be
    checked. The prepared dataset is lent where all its arrays have the hashes of its card: these say as much as making
    it anew, which may need files that are no longer to be had. Where its images are gone it is made anew.

    Args:
        folder: ``results/<study>``.
        share: of the runs, in (0, 1]; one at least. They are spread over as many cells as can be.
        seed: of the draw.
        keep: a new folder for what is trained; None: a temporary one, removed at the end.
        threads: to train and measure with; None: as many as the runs were trained with.

    Raises:
        FileNotFoundError: the folder holds no study, or no run that has ended.
        FileExistsError: ``keep`` is there already, and not empty.
        ValueError: ``keep`` lies inside the study, a table of it is damaged, or this code trains other runs.
        OSError: the results folder cannot be written.
    """
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing); give results/<study>")
    study = read_study(folder.study)
    runs, passed_over = _runs(folder, study)
    if not runs:
        raise FileNotFoundError(f"{folder.path}: no run of it is trained and measured yet; nothing to verify")
    if keep is not None:
        _check_new(keep, folder)
    provenance = read(folder.provenance, ProvenanceRecord) if folder.provenance.is_file() else {}
    commits = provenance.get("git_commit", ""), git_commit()
    same_code = not all(commits) or commits[0] == commits[1]
    altered = _unlike_their_specs(folder, runs)
    beside = _beside_state(folder, runs, altered)
    verified: list[Verified] = []
    with nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory(prefix="multibeta-verify-") as scratch:
        lent: dict[str, bool] = {}
        pools: dict[str, Pool] = {}
        for spec, seeds in draw(runs, share, seed):
            key, name = spec["data_key"], spec["dataset"]["name"]
            if key not in lent:
                reported = provenance.get("datasets", {}).get(name)
                bad = _lend(folder.root, Path(scratch), spec, reported)
                lent[key] = not bad
                altered |= bad
            if lent[key]:
                if name not in pools:
                    pools[name] = pool(_tables(folder, runs, name))
                verified += anew(folder, Path(scratch), spec, seeds, pools[name], threads, same_code)
    for run in verified:
        altered |= run.altered
        if run.weights == 0 and (found := beside.pop((*run.place, run.seed), None)):
            altered[str(found[1])] = f"not the weights of {found[0]}, which training gives again"
    for (*_, of_seed), (models, state) in beside.items():
        altered.setdefault(str(models), f"seed {of_seed}: not the weights that its training left in {state}")
    return Verification(study["name"], sum(len(seeds) for _, seeds in runs), passed_over, verified, altered, commits)


def draw(runs: Runs, share: float, seed: int) -> Runs:
    """A share of the runs, one at least: cells in random order, a random seed of each, then a second one of each …"""
    generator = randomness.numpy_generator(seed, "verified runs")
    order = generator.permutation(len(runs)).tolist()
    shuffled = {place: generator.permutation(runs[place][1]).tolist() for place in order}
    count = max(1, math.ceil(share * sum(map(len, shuffled.values())) - 1e-9))
    turns = [(turn, place) for turn in range(max(map(len, shuffled.values()))) for place in order]
    chosen = [(place, shuffled[place][turn]) for turn, place in turns if turn < len(shuffled[place])][:count]
    seeds: dict[int, list[int]] = {}
    for place, each in chosen:
        seeds.setdefault(place, []).append(each)
    return [(runs[place][0], sorted(seeds[place])) for place in sorted(seeds)]


def _runs(folder: StudyFolder, study: Mapping[str, Any]) -> tuple[Runs, dict[str, int]]:
    """The runs that can be verified, and how many cannot be, by the reason."""
    runs: Runs = []
    passed_over: Counter[str] = Counter()
    for spec in study["cells"]:
        files = folder.cell(spec["dataset"]["name"], spec["variant"]["name"], spec["strength"])
        facts = read(files.cell, CellRecord)["runs"] if files.cell.is_file() else {}
        costs = read(files.costs, CostsRecord) if files.costs.is_file() else {}
        evaluation = spec.get("evaluation_fingerprint", "")
        seeds = []
        for seed in spec["seeds"]:
            run = facts.get(str(seed))
            if run is None or run["fingerprint"] != spec["fingerprints"][str(seed)]:
                passed_over["not trained yet"] += 1
            elif run["status"] not in ENDED:
                passed_over[f"ended as {run['status']}"] += 1
            elif not (files.metrics.is_file() and is_measured(costs, seed, run["fingerprint"], evaluation)):
                passed_over["not measured yet"] += 1
            else:
                seeds.append(seed)
        if seeds:
            runs.append((spec, seeds))
    return runs, dict(passed_over)


def _tables(folder: StudyFolder, runs: Runs, dataset: str) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Metrics and repeats of every cell of a dataset, of the seeds that can be verified."""
    for spec, seeds in runs:
        if spec["dataset"]["name"] == dataset:
            files = folder.cell(dataset, spec["variant"]["name"], spec["strength"])
            metrics = read_table(files.metrics, METRICS_COLUMNS)
            repeats = read_table(files.repeats, REPEATS_COLUMNS) if files.repeats.is_file() else metrics[:0]
            yield metrics[metrics.seed.isin(seeds)], repeats[repeats.seed.isin(seeds)]


def _check_new(keep: Path, folder: StudyFolder) -> None:
    if keep.resolve().is_relative_to(folder.path.resolve()):
        raise ValueError(f"{keep}: lies inside the study; name a folder outside it")
    if keep.is_symlink() or (keep.exists() and not (keep.is_dir() and not any(keep.iterdir()))):
        raise FileExistsError(f"{keep}: is there already; name a folder that is not")


def _unlike_their_specs(folder: StudyFolder, runs: Runs) -> dict[str, str]:
    """Files of cells, drawn or not, that name another run than study.json does, and why."""
    found = {}
    for spec, seeds in runs:
        files = folder.cell(spec["dataset"]["name"], spec["variant"]["name"], spec["strength"])
        if files.spec.is_file():
            try:
                content = read_json(files.spec)
            except ValueError as error:
                content = found[str(files.spec)] = clause(error, files.spec)
            else:
                if content != {name: value for name, value in spec.items() if name not in FOLLOWS}:
                    found[str(files.spec)] = "asks for something else than study.json"
        facts = read(files.cell, CellRecord)["runs"]
        for seed in seeds:
            run = facts[str(seed)]
            if run.get("identity") and fingerprint(run["identity"]) != run["fingerprint"]:
                found[str(files.cell)] = f"seed {seed}: its identity is not what its fingerprint is of"
    return found


def _beside_state(
    folder: StudyFolder, runs: Runs, altered: dict[str, str]
) -> dict[tuple[str, str, str, int], tuple[Path, Path]]:
    """Runs, drawn or not, whose weights are not those that their training left: the file of each.

    Files that cannot be read, or hold weights of other runs than are finished, go to ``altered``.
    """
    found: dict[tuple[str, str, str, int], tuple[Path, Path]] = {}
    for spec, seeds in runs:
        place = (spec["dataset"]["name"], spec["variant"]["name"], spec["strength"])
        files = folder.cell(*place)
        if not files.models.is_file():
            continue
        try:
            stored = stored_weights(files)
        except ValueError as error:
            altered[str(files.models)] = clause(error, files.models)
            continue
        if why := of_other_runs(stored, read(files.cell, CellRecord)["runs"]):
            altered[str(files.models)] = why
        for seed in seeds:
            of_run = spec["fingerprints"][str(seed)]
            kept = kept_weights(folder.root, of_run) if seed in stored else None
            if kept is not None and distance(stored[seed], kept):
                found[(*place, seed)] = files.models, state_folder(folder.root, of_run)
    return found


def _lend(root: Path, scratch: Path, spec: Mapping[str, Any], reported: Mapping[str, Any] | None) -> dict[str, str]:
    """Have the dataset of a cell in ``scratch``; which files of the study's are altered, and why, if any are."""
    source, target = (data_folder(each, spec["data_key"]) for each in (root.absolute(), scratch))
    if is_whole(source):
        if bad := altered_data(source, reported):
            return bad
        target.mkdir(parents=True)
        for path in source.iterdir():
            if path.is_file() and path.suffix != ".log" and not path.name.startswith("."):
                (target / path.name).symlink_to(path)
        return {}
    cell = Cell.model_validate({key: spec[key] for key in spec if key not in FOLLOWS})
    cell.load_plugins()
    made = prepare_folder(write_data_spec(cell, scratch))
    if (features := source / "features.safetensors").is_file():
        (target / features.name).symlink_to(features)
    card = source / "card.json"
    if card.is_file() and read_json(card)["sha256"] != made.card["sha256"]:
        return {str(card): "names other content than the dataset has when it is made anew"}
    return {}
