"""Where results lie, and what their columns are."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

METRICS_COLUMNS = (
    "dataset",
    "variant",
    "beta",
    "seed",
    "protocol",
    "representation",
    "metric",
    "factor",
    "value",
    "n",
    "status",
)
#: As metrics.csv, without parts, for every seed of the metrics.
REPEATS_COLUMNS = (*METRICS_COLUMNS[:4], "metric_seed", *METRICS_COLUMNS[4:7], "value")
RUNS_COLUMNS = (
    "dataset",
    "variant",
    "beta",
    "seed",
    "status",
    "steps",
    "epochs",
    "seconds",
    "evaluation_seconds",
    "images_per_second",
    "device",
    "peak_memory_mb",
    "reconstruction",
    "kl",
    "elbo",
    "active_units",
    "fingerprint",
)
#: Of `RUNS_COLUMNS`, the numbers that a run itself tells.
RUN_COSTS = ("steps", "epochs", "seconds", "images_per_second", "peak_memory_mb")
#: Of all tables, those that stay text also where they look like numbers, and empty where they are empty.
TEXT_COLUMNS = (
    "dataset",
    "variant",
    "beta",
    "protocol",
    "representation",
    "metric",
    "factor",
    "status",
    "fingerprint",
    "kind",
    "against_variant",
    "against_beta",
)
STATUSES = ("done", "diverged", "out_of_memory", "timeout", "error")


@dataclass(frozen=True)
class Folder:
    """A folder of results, however it is written: as it is for ``.`` and ``..``, its path ends in its name."""

    path: Path

    def __post_init__(self) -> None:
        if self.path.name in ("", ".."):
            object.__setattr__(self, "path", Path(os.path.abspath(self.path)))

    def _above(self, depth: int, what: str) -> Path:
        """The folder of all studies, so many folders up.

        That of the path as it is written, unless only the folder that links of it lead to lies beside prepared
        datasets: a results folder may consist of links, and a link to a study or a cell may lie anywhere.

        Raises:
            ValueError: there are fewer folders above it.
        """
        written, real = Path(os.path.abspath(self.path)), self.path.resolve()
        roots = [place.parents[depth - 1] for place in (written, real) if len(place.parents) >= depth]
        if not roots:
            raise ValueError(f"{self.path}: lies in no folder of studies; give {what}")
        return next((root for root in roots if (root / ".data").is_dir()), roots[0])


class CellFolder(Folder):
    """The files of one cell: ``results/<study>/cells/<dataset>/<variant>/beta~<β>/``."""

    @property
    def root(self) -> Path:
        """The folder of all studies."""
        return self._above(5, "results/<study>/cells/<dataset>/<variant>/beta~<β>")

    @property
    def spec(self) -> Path:
        """What is asked for, written before training: the resolved `multibeta.study.Cell`."""
        return self.path / "spec.json"

    @property
    def cell(self) -> Path:
        """What came of it: status, budget, costs and fingerprint of every run, versions and hardware."""
        return self.path / "cell.json"

    @property
    def models(self) -> Path:
        """Weights of all seeds; a tensor is named ``seed<seed>/<parameter>``."""
        return self.path / "models.safetensors"

    @property
    def history(self) -> Path:
        """Loss terms over the steps of every seed: ``seed,step,<terms>,strength,learning_rate``."""
        return self.path / "history.csv"

    @property
    def codes(self) -> Path:
        """``seed<seed>/mean`` and ``seed<seed>/logvar`` (N, D) and the ``indices`` (N,) of the images they encode."""
        return self.path / "codes.npz"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def arrays(self) -> Path:
        """Matrices behind the scores, such as DCI's: ``seed<seed>/<score>/<protocol>/<representation>/<name>``."""
        return self.path / "arrays.npz"

    @property
    def repeats(self) -> Path:
        """The scores of the first finished run once more, by other seeds of the metrics: `REPEATS_COLUMNS`."""
        return self.path / "repeats.csv"

    @property
    def costs(self) -> Path:
        """Seconds spent on evaluating each seed; apart from metrics.csv, which holds no times."""
        return self.path / "costs.json"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def measures(self) -> tuple[Path, ...]:
        """All that is made from the models."""
        return self.codes, self.metrics, self.repeats, self.arrays, self.costs, self.figures

    def forget_measures(self) -> None:
        """Remove what was made from models that are about to be replaced."""
        for made in self.measures:
            if made.is_dir():
                shutil.rmtree(made)
            else:
                made.unlink(missing_ok=True)


class StudyFolder(Folder):
    """The files of one study: ``results/<study>/``."""

    @property
    def study(self) -> Path:
        """The resolved study: what the report is about."""
        return self.path / "study.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def runs(self) -> Path:
        return self.path / "runs.csv"

    @property
    def summary(self) -> Path:
        return self.path / "summary.csv"

    @property
    def comparisons(self) -> Path:
        """Differences within seeds: `multibeta.report.comparisons.COMPARISONS_COLUMNS`."""
        return self.path / "comparisons.csv"

    @property
    def rate(self) -> Path:
        """Effective β between neighbouring strengths: `multibeta.report.rate.RATE_COLUMNS`."""
        return self.path / "rate.csv"

    @property
    def recommended(self) -> Path:
        """The strength to take, by measure: `multibeta.report.rate.RECOMMENDED_COLUMNS`."""
        return self.path / "recommended.csv"

    @property
    def pareto(self) -> Path:
        """Which cells none beats: `multibeta.report.rate.PARETO_COLUMNS`."""
        return self.path / "pareto.csv"

    @property
    def methods(self) -> Path:
        """The methods paragraph in LaTeX, which cites keys of `references_bib`."""
        return self.path / "tables" / "methods.tex"

    @property
    def references_bib(self) -> Path:
        """BibTeX of what the study uses."""
        return self.path / "references.bib"

    @property
    def provenance(self) -> Path:
        return self.path / "provenance.json"

    @property
    def report_markdown(self) -> Path:
        return self.path / "report.md"

    @property
    def report_html(self) -> Path:
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def tables(self) -> Path:
        """Tables of a paper in LaTeX."""
        return self.path / "tables"

    @property
    def numbers(self) -> Path:
        """A macro of LaTeX for every number that a text may cite."""
        return self.path / "numbers.tex"

    @property
    def lock(self) -> Path:
        """What the numbers were that a text cites: written by hand, see `multibeta.report.lock`."""
        return self.path / "numbers.lock.json"

    def references(self, dataset: str) -> Path:
        """What codes without a model score on a dataset, to read the scores of models against."""
        return self.path / "references" / f"{dataset}.json"

    def cell(self, dataset: str, variant: str, beta: str) -> CellFolder:
        return CellFolder(self.path / "cells" / dataset / variant / f"beta~{beta}")

    @property
    def root(self) -> Path:
        """The folder of all studies, which also holds prepared datasets and the state of trainings."""
        return self._above(1, "results/<study>")


def data_folder(root: Path, key: str) -> Path:
    """The prepared dataset of that key, shared by all studies below ``root``."""
    return root / ".data" / key


def state_folder(root: Path, fingerprint: str) -> Path:
    """Checkpoint and finished weights of one run, shared by all studies below ``root``."""
    return root / ".state" / fingerprint


def lineage_folder(root: Path, lineage: str) -> Path:
    """The last states of runs that differ in their budget alone, for a longer one to go on from."""
    return root / ".lineage" / lineage
