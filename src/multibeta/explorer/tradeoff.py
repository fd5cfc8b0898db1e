"""The report's trade-off figures of one dataset, with the cell that is looked at marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from multibeta.explorer.shelf import DAMAGES, Shelf, Shelved
from multibeta.files import read_table
from multibeta.report.comparisons import COMPARISONS_COLUMNS
from multibeta.report.findings import PANELS, CellKey, Findings
from multibeta.report.statistics import summarise
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS
from multibeta.stages.shared.gather import asked_of, measures_of
from multibeta.stages.shared.panels import Panels, draw_rate_distortion, draw_tradeoff
from multibeta.stages.shared.titles import variant_title

if TYPE_CHECKING:
    import pandas as pd

#: Figures by name, and how they are called.
FIGURES = {
    "rate_distortion": "Distortion against rate",
    "tradeoff": "What the strength buys and costs",
    "disentanglement": "Disentanglement",
}
#: The measures that are in a figure.
SHOWN = list(dict.fromkeys(metric for panel in PANELS.values() for metric in panel))
#: Datasets beside the chosen cell's in a figure of rate and distortion.
BESIDE = 2


def tradeoff_figure(shelf: Shelf, chosen: Shelved, name: str) -> tuple[bytes, list[str]]:
    """A figure of `FIGURES` as PNG, and what could not be read for it.

    It is of the dataset of the chosen cell; of rate and distortion there is room for two more datasets of the study.

    Raises:
        ValueError: no cell of the dataset is measured, or none by what the figure shows.
    """
    from multibeta.figures._style import render

    findings, problems = measured(shelf, datasets_of(shelf, chosen, name))
    panels = Panels.of(findings, "tradeoff" if name == "rate_distortion" else name)
    shown = ("kl", "reconstruction") if name == "rate_distortion" else PANELS[name]
    needed = all if name == "rate_distortion" else any
    if not needed(metric in panels.titles for metric in shown):
        raise ValueError(f"the study does not ask for {' or '.join(findings.label(metric) for metric in shown)}")
    place = (chosen.place[0], _variant(chosen), chosen.place[2])
    draw = draw_rate_distortion if name == "rate_distortion" else draw_tradeoff
    return render(draw(findings, panels, place), "png"), problems


def datasets_of(shelf: Shelf, chosen: Shelved, name: str) -> list[str]:
    """Those that a figure is of, in the order of the study."""
    own = chosen.place[0]
    others = dict.fromkeys(each.place[0] for each in shelf.openable if not each.is_own and each.place[0] != own)
    found = {own, *list(others)[: BESIDE if name == "rate_distortion" else 0]}
    return list(dict.fromkeys(each.place[0] for each in shelf.openable if each.place[0] in found))


def measured(shelf: Shelf, datasets: Sequence[str]) -> tuple[Findings, list[str]]:
    """What metrics.csv of the cells of datasets say, as far as figures need it, and which cannot be read.

    Raises:
        ValueError: no cell is measured.
    """
    import pandas as pd

    tables: list[pd.DataFrame] = []
    keys: list[CellKey] = []
    problems: list[str] = []
    variants: dict[str, str] = {}
    symbols: dict[str, str] = {}
    for each in shelf.openable:
        if each.place[0] not in datasets or each.cell is None:
            continue
        variant = _variant(each)
        keys.append(CellKey(each.place[0], variant, each.place[2], tuple(each.cell.seeds)))
        variants[variant] = variant_title(each.cell) + (f", {each.study}" if each.is_own else "")
        symbols[variant] = each.cell.variant.make("variant").symbol
        if not each.folder.metrics.is_file():
            continue
        try:
            table = read_table(each.folder.metrics, METRICS_COLUMNS)[list(METRICS_COLUMNS)]
            # What no figure shows would take most of the time.
            table = table[table.metric.isin(SHOWN) & (table.factor == "") & table.seed.isin(each.finished)]
            tables.append(table.assign(variant=variant))
        except DAMAGES as error:
            problems.append(f"{' · '.join(each.place)}: {' '.join(str(error).split())}")
    if not tables:
        raise ValueError(
            f"no cell of {', '.join(datasets)} is measured yet: multibeta measure results/<study>/cells/<…>/beta~<β>"
        )
    metrics = pd.concat(tables, ignore_index=True)
    asked = asked_of([each.cell for each in shelf.openable if each.place[0] in datasets and each.cell])
    return _findings(keys, metrics, variants, symbols, asked), problems


def _variant(each: Shelved) -> str:
    """Its name, which those trained from the explorer do not share with the study's."""
    return f"{each.place[1]}, {each.study}" if each.is_own else each.place[1]


def _findings(
    keys: list[CellKey],
    metrics: pd.DataFrame,
    variants: Mapping[str, str],
    symbols: Mapping[str, str],
    asked: Sequence[str],
) -> Findings:
    """Findings of the metrics alone: the figures ask for no more."""
    import pandas as pd

    empty: dict[str, Any] = {"specs": {}, "cards": {}, "references": {}, "calibrations": {}, "pictures": {}}
    return Findings(
        name="",
        title="",
        cells=keys,
        runs=pd.DataFrame(),
        metrics=metrics,
        repeats=pd.DataFrame(columns=list(REPEATS_COLUMNS)),
        summary=summarise(metrics, keys),
        measures=measures_of(SHOWN),
        variants=variants,
        symbols=symbols,
        targets=[],
        provenance={},
        comparisons=pd.DataFrame(columns=list(COMPARISONS_COLUMNS)),
        asked=asked,
        **empty,
    )
