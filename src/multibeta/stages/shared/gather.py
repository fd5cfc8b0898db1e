"""Reads what exists of a study's results into the findings of its report; what does not exist is said, not raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from multibeta import registry
from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.files import read_table
from multibeta.metrics import all_scores
from multibeta.options import SplitOptions
from multibeta.records import CardRecord, CellRecord, CostsRecord, is_measured, read, read_study
from multibeta.report.comparisons import COMPARISONS_COLUMNS, compare
from multibeta.report.doctor import Diagnosis, diagnose
from multibeta.report.findings import GALLERIES, CellKey, Findings, Measure
from multibeta.report.statistics import summarise
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, RUNS_COLUMNS, CellFolder, StudyFolder, data_folder
from multibeta.stages.shared.provenance import git_commit
from multibeta.stages.shared.specs import cell_of
from multibeta.stages.shared.titles import variant_title

#: Measures that runs.csv repeats beside the costs.
OF_RUNS = ("reconstruction", "kl", "elbo", "active_units")


@dataclass(frozen=True)
class Found:
    """One cell of the study and what its folder holds."""

    cell: Cell
    data_key: str
    #: Fingerprint of the evaluation that study.json asks for, which other code may have named otherwise; or empty.
    evaluation: str
    folder: CellFolder
    facts: dict[str, Any]
    costs: dict[str, Any]
    metrics: pd.DataFrame
    repeats: pd.DataFrame

    @classmethod
    def read(cls, study: StudyFolder, spec: dict[str, Any]) -> Found:
        """``spec`` is a cell of study.json. Missing files leave empty facts, costs and metrics."""
        cell = cell_of(study, spec)
        folder = study.cell(cell.dataset.name, cell.variant.name, cell.strength)
        facts = read(folder.cell, CellRecord) if folder.cell.is_file() else {}
        metrics = read_table(folder.metrics, METRICS_COLUMNS) if folder.metrics.is_file() else _empty(METRICS_COLUMNS)
        repeats = read_table(folder.repeats, REPEATS_COLUMNS) if folder.repeats.is_file() else _empty(REPEATS_COLUMNS)
        costs = read(folder.costs, CostsRecord) if folder.costs.is_file() else {}
        found = cls(
            cell, spec["data_key"], spec.get("evaluation_fingerprint", ""), folder, facts, costs, metrics, repeats
        )
        seeds = [seed for seed in cell.seeds if found.status(seed)[0] != "missing" and found.is_measured(seed)]
        return replace(found, metrics=metrics[metrics.seed.isin(seeds)], repeats=repeats[repeats.seed.isin(seeds)])

    @property
    def key(self) -> CellKey:
        cell = self.cell
        return CellKey(cell.dataset.name, cell.variant.name, cell.strength, tuple(cell.seeds))

    def spec(self) -> dict[str, Any]:
        return {**self.cell.model_dump(mode="json"), "condition": self.cell.condition()}

    @cached_property
    def fingerprints(self) -> dict[int, str]:
        return {seed: self.cell.run_fingerprint(seed) for seed in self.cell.seeds}

    def status(self, seed: int) -> tuple[str, str]:
        """What became of a run and why; results of another spec than the study's count as missing."""
        run = self.facts.get("runs", {}).get(str(seed))
        if run is None:
            return "missing", ""
        if run["fingerprint"] != self.fingerprints[seed]:
            return "missing", "what lies there was trained from another spec"
        return run["status"], run["reason"]

    def is_measured(self, seed: int) -> bool:
        """Are the measures that lie there those of this run, by the evaluation that the study asks for?"""
        return is_measured(self.costs, seed, self.fingerprints[seed], self.evaluation)

    def runs(self) -> list[dict[str, Any]]:
        """A row of runs.csv for every seed of the study, with ``reason`` and ``evaluated``."""
        rows = []
        values = self.metrics[(self.metrics.factor == "") & self.metrics.metric.isin(OF_RUNS)]
        measured = values.set_index(["seed", "metric"]).value.to_dict()
        for seed in self.cell.seeds:
            status, reason = self.status(seed)
            row: dict[str, Any] = dict(zip(("dataset", "variant", "beta"), self.key.place, strict=True))
            row |= {"seed": seed, "status": status, "reason": reason, "fingerprint": self.fingerprints[seed]}
            if status != "missing":
                row |= {name: self.facts["runs"][str(seed)].get(name) for name in RUNS_COLUMNS[5:12]}
                row["evaluation_seconds"] = self.costs.get(str(seed))
                row |= {name: measured.get((seed, name)) for name in OF_RUNS}
            rows.append({**row, "evaluated": bool((self.metrics.seed == seed).any())})
        return rows

    def diagnoses(self) -> dict[int, list[Diagnosis]]:
        """What the history of each run that has ended tells."""
        history = self.folder.history
        histories = (
            read_table(history, ("seed", "step", "strength")) if history.is_file() else pd.DataFrame({"seed": []})
        )
        ended = {seed: self.status(seed) for seed in self.cell.seeds}
        return {
            seed: diagnose(histories[histories.seed == seed], status, reason)
            for seed, (status, reason) in ended.items()
            if status != "missing"
        }

    def pictures(self) -> list[str]:
        if all(self.status(seed)[0] == "missing" for seed in self.cell.seeds):
            return []
        return [name for name in GALLERIES if (self.folder.figures / f"{name}.png").is_file()]

    def animations(self) -> list[str]:
        return [name for name in self.pictures() if (self.folder.figures / f"{name}.webp").is_file()]


def gather(folder: StudyFolder) -> Findings:
    """The findings of a study: only the cells and seeds of study.json, whatever else lies on disk; without references.

    Raises:
        FileNotFoundError: the folder holds no study.
    """
    if not folder.study.is_file():
        raise FileNotFoundError(f"{folder.path}: no study there (study.json is missing)")
    study = read_study(folder.study)
    found = [Found.read(folder, spec) for spec in study["cells"]]
    keys = [each.key for each in found]
    columns = [*RUNS_COLUMNS, "reason", "evaluated"]
    runs = pd.DataFrame([row for each in found for row in each.runs()], columns=columns)
    numeric = RUNS_COLUMNS[5:10] + RUNS_COLUMNS[11:16]
    runs = runs.astype(dict.fromkeys(numeric, float))
    metrics = _stacked([each.metrics for each in found], METRICS_COLUMNS)
    repeats = _stacked([each.repeats for each in found], REPEATS_COLUMNS)
    data = {each.key.dataset: data_folder(folder.root, each.data_key) for each in found}
    splits = {each.key.dataset: each.cell.split for each in found}
    cards = {name: _card(path, splits[name]) for name, path in data.items() if (path / "card.json").is_file()}
    targets, published = study["report"]["targets"], study["report"].get("published", [])
    cells = {each.cell.variant.name: each.cell for each in found}
    asked = asked_of([each.cell for each in found])
    findings = Findings(
        name=study["name"],
        title=study["report"]["title"] or study["name"],
        cells=keys,
        specs={each.key.place: each.spec() for each in found},
        cards=cards,
        references={},
        calibrations={name: calibration_of(path / "features.safetensors") for name, path in data.items()},
        runs=runs,
        metrics=metrics,
        repeats=repeats,
        summary=summarise(metrics, keys),
        measures=measures_of(
            [*asked, *metrics.metric.unique(), *(entry["metric"] for entry in [*targets, *published])]
        ),
        variants={name: variant_title(cell) for name, cell in cells.items()},
        symbols={name: cell.variant.make("variant").symbol for name, cell in cells.items()},
        targets=targets,
        pictures={each.key.place: each.pictures() for each in found},
        provenance=_provenance(study, found, cards),
        comparisons=_empty(COMPARISONS_COLUMNS),
        diagnoses={each.key.place: each.diagnoses() for each in found},
        published=published,
        animations={each.key.place: each.animations() for each in found},
        sources=_sources([each.cell for each in found]),
        asked=asked,
    )
    return findings.beside(comparisons=compare(findings))


def _card(folder: Path, split: SplitOptions) -> dict[str, Any]:
    """The card of a prepared dataset; split otherwise, with what is then held out."""
    card = read(folder / "card.json", CardRecord)
    return card if split == SplitOptions() else Dataset(folder, split).card


def _provenance(study: dict[str, Any], found: list[Found], cards: dict[str, Any]) -> dict[str, Any]:
    return {
        "study": study["name"],
        "report_fingerprint": study.get("report_fingerprint", ""),
        "command": f"snakemake --cores all --configfile {study['config_file']}",
        "git_commit": git_commit(),
        "versions": _distinct([each.facts.get("versions", {}) for each in found if each.facts]),
        "hardware": _distinct([each.facts.get("hardware", {}) for each in found if each.facts]),
        "datasets": {
            name: {**card["sha256"], **{file["name"]: file["digest"] for file in card["files"]}}
            for name, card in cards.items()
        },
        "config": study["config"],
    }


def _sources(cells: list[Cell]) -> dict[tuple[str, str], str]:
    """What the plug-ins of the cells name as their source."""
    named = {("variant", cell.variant.plug_in) for cell in cells}
    named |= {("architecture", cell.training.architecture) for cell in cells}
    found = {(kind, name): str(registry.find(kind, name).source) for kind, name in sorted(named)}
    for name in sorted({name for cell in cells for name in cell.metric_names}):
        metric = registry.find("metric", name)
        found |= {("metric", score): str(metric.source) for score in metric.all_scores()}
    return found


def asked_of(cells: Iterable[Cell]) -> list[str]:
    """The metrics that some of the cells is to be measured by, each by the names of its scores."""
    names = dict.fromkeys(name for cell in cells for name in cell.metric_names)
    return [score for name in names for score in registry.find("metric", name).all_scores()]


def measures_of(names: list[str]) -> dict[str, Measure]:
    scores = all_scores()
    return {name: Measure(*scores[name]) for name in dict.fromkeys(names) if name in scores}


def calibration_of(path: Any) -> dict[str, Any]:
    from multibeta.metrics._calibration import Calibration
    from multibeta.metrics._features import DomainFeatures

    if not path.is_file():
        return {}
    features = DomainFeatures.load(path)

    def facts(network: Calibration) -> dict[str, Any]:
        return {"unusable": network.unusable, "floor": network.floor, "ladders": network.ladders}

    pretrained = {name: facts(network) for name, network in features.pretrained.items()}
    return {**facts(features), "accuracy": features.accuracy, "pretrained": pretrained}


def _distinct(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [value for position, value in enumerate(values) if value not in values[:position]]


def _stacked(tables: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else _empty(columns)


def _empty(columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns)).astype({"seed": int, "value": float} if "value" in columns else {})
