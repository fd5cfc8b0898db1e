"""What a report is made of, and which measures it shows in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from multibeta.report.statistics import Summary, table_rows

if TYPE_CHECKING:
    import pandas as pd

    from multibeta.report.doctor import Diagnosis

#: Measures in the order of their columns; those of other names follow by name.
ORDER = (
    *("reconstruction", "generalisation_gap", "kl", "elbo", "active_units"),
    *("kl_mutual_information", "kl_total_correlation", "kl_dimension_wise"),
    *("mig", "mig_sup", "dcimig", "jemmig", "sap", "sap_continuous"),
    *("dci_disentanglement", "dci_completeness", "dci_informativeness"),
    *("factor_vae_score", "beta_vae_score", "modularity", "explicitness", "irs", "gaussian_tc", "udr"),
    *("downstream_10", "downstream_100", "downstream_1000", "downstream_10000"),
    *("controllability", "control_effect", "control_monotonicity", "control_leakage"),
    *("edit_effect", "edit_selectivity"),
    *("ssim", "ms_ssim", "psnr", "mse", "lpips"),
    *("fd_domain", "kd_domain", "precision_domain", "recall_domain", "density_domain", "coverage_domain"),
    *("nearest_real", "grid_coverage", "fid", "kid"),
)
PROTOCOLS = ("dlib19", "chen18", "ours", "dlib19_sklearn")
REPRESENTATIONS = ("mean", "sampled", "posterior", "traversal", "edit", "reconstruction", "prior")
#: Those of codes.
CODES = ("mean", "sampled")
#: The measures of the figures against the strength, by the name of the figure.
PANELS = {
    "tradeoff": ("reconstruction", "kl", "mig", "ssim", "fd_domain"),
    "disentanglement": ("mig", "dci_disentanglement", "factor_vae_score", "sap", "controllability"),
}
#: The measures that cells are compared by, and those of the table at the head of a report.
CORE = (
    *("kl", "reconstruction", "mig", "dci_disentanglement", "factor_vae_score", "ssim", "fd_domain", "fid"),
    "controllability",
)
#: Those of the figure of paired differences.
DIFFERENCES = ("reconstruction", "mig", "dci_disentanglement", "factor_vae_score", "controllability")
#: The figures of a cell and what they are called, in the order of the galleries.
GALLERIES = {
    "reconstructions": "Reconstructions of held-out images",
    "samples": "Samples from the prior",
    "conditional_samples": "Class-conditional samples",
    "traversals_prior": "Prior traversals of every latent",
    "traversals_posterior": "Posterior traversals of every latent",
    "interpolations": "Interpolations between held-out images",
    "latents": "KL and variance of the means, per latent",
    "importance": "What each latent tells: importances of DCI",
    "control": "What each latent moves: effects of traversals",
    "edits": "Edits: a code moved along the direction of each attribute",
    "edit_matrix": "What edits of each factor do to every factor",
}


#: Dataset, variant, strength.
Place = tuple[str, str, str]


class Column(NamedTuple):
    """What a number is: numbers that differ in any of these never share a column."""

    metric: str
    protocol: str
    representation: str


@dataclass(frozen=True)
class Measure:
    """How a metric presents itself: its plug-in's declarations."""

    title: str
    unit: str = ""
    better: str = "neither"

    @property
    def arrow(self) -> str:
        return {"higher": " ↑", "lower": " ↓"}.get(self.better, "")


@dataclass(frozen=True)
class Cited:
    """What became of locked numbers: a line for each that has moved; or why the lock cannot be read."""

    file: str
    total: int = 0
    moved: Sequence[str] = ()
    damage: str = ""


@dataclass(frozen=True)
class CellKey:
    """A cell by its names, with the seeds that the study asks for."""

    dataset: str
    variant: str
    beta: str
    seeds: tuple[int, ...]

    @property
    def place(self) -> tuple[str, str, str]:
        return self.dataset, self.variant, self.beta


@dataclass(frozen=True)
class Ladder:
    """What the traversal ladder of a dataset shows, or why there is none.

    Attributes:
        reference: the run that all others are matched to, in words, and why it is the one.
        runs, among: how many runs are shown, of how many finished ones.
        latents, active: how many latents are shown, of how many active ones of the reference.
        matched, strips: how many strips of the other runs are matched, of how many.
        left_out: cells that could not be shown, with the reason.
        missing: why there is no ladder; empty if there is one.
    """

    reference: str = ""
    runs: int = 0
    among: int = 0
    latents: int = 0
    active: int = 0
    matched: int = 0
    strips: int = 0
    left_out: Sequence[str] = ()
    missing: str = ""


@dataclass(frozen=True)
class Findings:
    """Everything a report says, as plain tables and mappings.

    Attributes:
        name: of the study.
        title: heading of the report.
        cells: in the order of the study.
        specs: the resolved spec of each cell, by `CellKey.place`.
        cards: of the datasets by name; empty for one not prepared yet.
        calibrations: of the datasets' domain features by name, as `multibeta.stages.report` reads them.
        references: of the datasets by name: what codes without a model score, by their title and `Column`.
        runs: the columns of runs.csv and ``reason``; one row for every run of the study, also those not done.
        metrics: the columns of metrics.csv.
        repeats: the columns of repeats.csv: scores of one run of each cell by several seeds of the metrics.
        summary: as `multibeta.report.statistics.summarise` makes it.
        comparisons: as `multibeta.report.comparisons.compare` makes it.
        measures: by name of metric; of all that are asked for.
        variants: title by name of variant.
        symbols: letter of the strength by name of variant.
        targets: ``metric``, ``name``, ``above``, ``below``, as the study gives them.
        pictures: names of the figures that exist, by `CellKey.place`.
        provenance: the content of provenance.json.
        diagnoses: what the histories tell, by `CellKey.place` and seed; empty for a healthy run.
        cited: what became of the numbers that a text cites, where a lock of them lies in the study's folder.
        published: entries of the study's ``report.published``, as `multibeta.options.Published` has them.
        animations: names of the figures that exist once more as a moving picture, by `CellKey.place`.
        ladders: of the datasets by name.
        sources: what plug-ins of the study name as their source, by kind ("variant", "architecture", "metric") and
            name; a metric's under each of its scores.
        asked: the metrics that some cell is to be measured by, whether or not they could be computed.
    """

    name: str
    title: str
    cells: Sequence[CellKey]
    specs: Mapping[tuple[str, str, str], Mapping[str, Any]]
    cards: Mapping[str, Mapping[str, Any]]
    calibrations: Mapping[str, Mapping[str, Any]]
    references: Mapping[str, Mapping[str, Mapping[tuple[str, str, str], float]]]
    runs: pd.DataFrame
    metrics: pd.DataFrame
    repeats: pd.DataFrame
    summary: pd.DataFrame
    comparisons: pd.DataFrame
    measures: Mapping[str, Measure]
    variants: Mapping[str, str]
    symbols: Mapping[str, str]
    targets: Sequence[Mapping[str, Any]]
    pictures: Mapping[tuple[str, str, str], Sequence[str]]
    provenance: Mapping[str, Any]
    diagnoses: Mapping[tuple[str, str, str], Mapping[int, Sequence[Diagnosis]]] = field(default_factory=dict)
    cited: Cited | None = None
    published: Sequence[Mapping[str, Any]] = ()
    animations: Mapping[tuple[str, str, str], Sequence[str]] = field(default_factory=dict)
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], str] = field(default_factory=dict)
    asked: Collection[str] = ()

    def beside(self, **changes: Any) -> Findings:
        """A copy with other fields beside the same tables, which keeps what has been searched in these."""
        copy = replace(self, **changes)
        searched = ("failures", "_columns", "_tried", "_numbers", "_runs", "_repeats")
        vars(copy).update({name: value for name, value in vars(self).items() if name in searched})
        return copy

    @property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(cell.dataset for cell in self.cells))

    @property
    def symbol(self) -> str:
        """The letter of the strength, all of them if the variants differ."""
        return ", ".join(dict.fromkeys(self.symbols[cell.variant] for cell in self.cells))

    def of_dataset(self, dataset: str) -> list[CellKey]:
        return [cell for cell in self.cells if cell.dataset == dataset]

    def strength(self, cell: CellKey) -> str:
        return f"{self.symbols[cell.variant]} = {cell.beta}"

    def columns(self, dataset: str | None = None) -> list[Column]:
        """The columns that hold a number for at least one cell (of the dataset), in the order of the tables."""
        return self._columns.get(dataset, [])

    def first_column(self, metric: str, dataset: str | None = None) -> Column | None:
        """The column that targets and figures mean: the first one that a cell (of the dataset) was measured in.

        Whether that gave a number plays no part, or numbers of another protocol or representation would take its place.
        """
        return next((column for column in self._tried.get(dataset, []) if column.metric == metric), None)

    def column(self, metric: str, dataset: str | None = None) -> Column | None:
        """`first_column`; None if it has no number."""
        first = self.first_column(metric, dataset)
        return first if first in self.columns(dataset) else None

    def label(self, metric: str) -> str:
        return self.measures[metric].title if metric in self.measures else metric

    def detail(self, metric: str, dataset: str | None = None) -> str:
        """What the title of a metric leaves open: its unit, or representation and protocol of `first_column`."""
        column = self.first_column(metric, dataset)
        codes = f"{column.representation}, {column.protocol}" if column and column.representation in CODES else ""
        return self.measures.get(metric, Measure(metric)).unit or codes

    def first_header(self, metric: str, dataset: str) -> str:
        """The heading of `first_column`, as figures have it."""
        measure, detail = self.measures.get(metric, Measure(metric)), self.detail(metric, dataset)
        return f"{measure.title}{measure.arrow}" + (f"<br>{detail}" if detail else "")

    def short_header(self, column: Column) -> str:
        """A column's heading where a common one gives protocol and representation."""
        measure = self.measures.get(column.metric, Measure(column.metric))
        return f"{measure.title}{measure.arrow}" + (f"<br>{measure.unit}" if measure.unit else "")

    def header(self, column: Column) -> str:
        """A column's heading, with protocol and representation, which are part of what the number is."""
        measure = self.measures.get(column.metric, Measure(column.metric))
        unit = f"{measure.unit} · " if measure.unit and measure.unit.lower() not in measure.title.lower() else ""
        codes = " codes" if column.representation in CODES else ""
        return f"{measure.title}{measure.arrow}<br>{unit}{column.representation}{codes}<br>{column.protocol}"

    def numbers(self, column: Column, factor: str = "", dataset: str | None = None) -> dict[Place, Any]:
        """The rows of the summary for a column (and a dataset), by `CellKey.place`."""
        by_dataset = self._numbers.get((column, factor), {})
        return {
            place: row for name, rows in by_dataset.items() if dataset in (None, name) for place, row in rows.items()
        }

    def runs_of(self, column: Column, dataset: str | None = None) -> pd.DataFrame:
        """What runs (of the dataset) score in a column: rows of metrics.csv, without parts and failures."""
        import pandas as pd

        by_dataset = self._runs.get(column, {})
        found = [table for name, table in by_dataset.items() if dataset in (None, name)]
        return pd.concat(found) if found else self.metrics[:0]

    def repeats_of(self, column: Column, dataset: str) -> pd.DataFrame:
        """The rows of `repeats` for a column and a dataset."""
        return self._repeats.get((*column, dataset), self.repeats[:0])

    @property
    def trainings(self) -> pd.DataFrame:
        """The rows of `runs` that were trained, of those that share one training only the first."""
        return self.runs[self.runs.seconds.notna()].drop_duplicates("fingerprint")

    @cached_property
    def failures(self) -> pd.DataFrame:
        """The rows of `metrics` that have no number, without parts."""
        return self.metrics[(self.metrics.factor == "") & (self.metrics.status != "done")]

    # A study may have a million rows; each table is searched once.

    @cached_property
    def _columns(self) -> dict[str | None, list[Column]]:
        return self._columns_in(self.summary[self.summary.seeds > 0])

    @cached_property
    def _tried(self) -> dict[str | None, list[Column]]:
        return self._columns_in(self.summary)

    @staticmethod
    def _columns_in(summary: pd.DataFrame) -> dict[str | None, list[Column]]:
        table = summary[summary.factor == ""]
        names = ["dataset", *Column._fields]
        found: dict[str | None, set[Column]] = {None: set()}
        for dataset, *column in table[names].drop_duplicates().itertuples(index=False, name=None):
            for of_dataset in (found[None], found.setdefault(dataset, set())):
                of_dataset.add(Column(*column))
        return {dataset: ordered(columns) for dataset, columns in found.items()}

    @cached_property
    def _numbers(self) -> dict[tuple[Column, str], dict[str, dict[Place, Any]]]:
        found: dict[tuple[Column, str], dict[str, dict[Place, Any]]] = {}
        rows = (Summary(*values) for values in table_rows(self.summary, Summary._fields))
        for row in rows:
            of_column = found.setdefault((Column(row.metric, row.protocol, row.representation), row.factor), {})
            of_column.setdefault(row.dataset, {})[row.dataset, row.variant, row.beta] = row
        return found

    @cached_property
    def _runs(self) -> dict[Column, dict[str, pd.DataFrame]]:
        computed = (self.metrics.factor == "") & (self.metrics.status == "done") & self.metrics.value.notna()
        found: dict[Column, dict[str, pd.DataFrame]] = {}
        groups: Any = self.metrics[computed].groupby([*Column._fields, "dataset"], sort=False)
        for (*column, dataset), table in groups:
            found.setdefault(Column(*column), {})[dataset] = table
        return found

    @cached_property
    def _repeats(self) -> dict[tuple[str, ...], pd.DataFrame]:
        groups: Any = self.repeats.groupby([*Column._fields, "dataset"], sort=False)
        return dict(iter(groups))


def ordered(columns: Iterable[Column]) -> list[Column]:
    """Columns in the order of the tables; the first of a measure is the one that targets and figures mean."""
    return sorted(columns, key=_rank)


def _rank(column: Column) -> tuple[Any, ...]:
    names = zip(column, (ORDER, PROTOCOLS, REPRESENTATIONS), strict=True)
    return tuple((order.index(name) if name in order else len(order), name) for name, order in names)
