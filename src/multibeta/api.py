"""The public functions that read and measure: anybody's model, a dataset by name, the results of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multibeta.files import read_table
from multibeta.option_values import PROTOCOLS, canonical_strength
from multibeta.options import EvaluationOptions
from multibeta.registry import find, load_file, nearest
from multibeta.results import StudyFolder
from multibeta.stages.score import measure_anybody, prepared

if TYPE_CHECKING:
    import pandas as pd

    from multibeta.datasets import Dataset
    from multibeta.model import Run


@dataclass(frozen=True)
class StudyResults:
    """What `load_study` gives: the tables of a study's report, and its trained models.

    Attributes:
        path: the study's folder.
        metrics: one row for each run and measure, as metrics.csv.
        runs: one row for each run: status, costs, loss terms.
        summary: mean, standard deviation and 95 % interval over the seeds of each cell.
        comparisons: differences within seeds, with interval and corrected p value.
    """

    path: Path
    metrics: pd.DataFrame
    runs: pd.DataFrame
    summary: pd.DataFrame
    comparisons: pd.DataFrame

    def run(self, dataset: str, variant: str, beta: str | float, seed: int | None = None) -> Run:
        """A trained model of the study, on the CPU; ``seed`` None takes the cell's first.

        Raises:
            FileNotFoundError: the study has no trained cell of these names.
            ValueError: the cell has no finished run of that seed.
        """
        from multibeta.model import load_run

        return load_run(StudyFolder(self.path).cell(dataset, variant, canonical_strength(beta)).path, seed)


def evaluate(
    model: Any,
    dataset: str | Dataset,
    metrics: list[str] | str = "all",
    protocol: Sequence[str] | str = ("dlib19", "chen18", "ours"),
    codes: int = 15_000,
    held_out: int = 2_000,
    samples: int = 2_000,
    seed: int = 0,
    results: str | Path = "results",
) -> pd.DataFrame:
    """Measure a model: the columns of metrics.csv from ``protocol`` on, one row for each metric and part.

    Args:
        model: has ``encode(images) -> (mean, logvar)``, images (B, C, H, W) in [0, 1] to two arrays (B, D), and
            ``decode(z) -> images`` in [0, 1]. A `torch.nn.Module` is given tensors on its own device, anything else
            NumPy arrays. A run from `multibeta.load_run` is given its condition, if it has one.
        dataset: a name, such as ``"digits"``, or a prepared `Dataset`.
        metrics: names of metrics, or ``"all"``.
        protocol: the recipe, or several, for metrics that have several: see `multibeta.option_values.PROTOCOLS`.
        codes, held_out, samples: how many images for metrics of codes, of reconstructions, of prior samples.
        seed: of the metrics' own draws.
        results: folder for the prepared dataset, as for the command line.

    The reconstruction term takes the decoded image as the mean of a Bernoulli likelihood, except for a run of ours,
    whose own likelihood is taken.

    Raises:
        PlugInError: there is no dataset or metric of that name.
        ValueError: the model's arrays are not what is described above, or there is no protocol of that name.
    """
    picked = [protocol] if isinstance(protocol, str) else list(protocol)
    for name in picked:
        if name not in PROTOCOLS:
            raise ValueError(f"unknown protocol {name!r}{nearest(name, list(PROTOCOLS))}")
    wanted = _metric_names(metrics)
    options = EvaluationOptions(protocols=picked, codes=codes, held_out=held_out, samples=samples, seed=seed)
    return _table(measure_anybody(model, prepared(dataset, Path(results)), wanted, options).rows)


def load_study(path: str | Path) -> StudyResults:
    """The tables of a study that has a report, such as ``results/default``, and its models by `StudyResults.run`.

    β is text in the tables, in its one spelling: ``"0.5"``, ``"1"``, ``"4"``.

    Raises:
        FileNotFoundError: the folder holds no report of a study.
    """
    folder = StudyFolder(Path(path))
    files = (folder.metrics, folder.runs, folder.summary, folder.comparisons)
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise FileNotFoundError(f"{folder.path}: no {missing.name} here; `multibeta report {folder.path}` writes it")
    return StudyResults(folder.path, *map(read_table, files))


def load_dataset(name: str, results: str | Path = "results", plugins: Sequence[str | Path] = ()) -> Dataset:
    """A dataset by name, prepared below ``results`` if it is not yet: `multibeta.datasets.Dataset`.

    Its ``images`` are uint8 (N, H, W, C), ``held_out`` (N,) says which no model is to be trained on.

    Args:
        plugins: files of datasets of one's own; the file's name is the dataset's.

    Raises:
        PlugInError: there is no dataset of that name, or a file cannot be loaded.
    """
    for plugin in plugins:
        load_file(plugin)
    return prepared(name, Path(results))


def _metric_names(metrics: list[str] | str) -> list[str]:
    from multibeta.registry import names

    chosen = names("metric") if metrics == "all" else [metrics] if isinstance(metrics, str) else metrics
    for name in chosen:
        find("metric", name)
    return chosen


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)[["protocol", "representation", "metric", "factor", "value", "n", "status"]]
