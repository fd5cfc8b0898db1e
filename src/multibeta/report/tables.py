"""The numbers of the report: tables per dataset, standing against targets, factors, what is missing and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from multibeta.report.findings import CODES, PROTOCOLS, CellKey, Column, Findings, Place
from multibeta.report.targets import SECONDS_PER_EPOCH, condition, standing
from multibeta.report.text import DASH, decimals, fold, listed, long_table, number, plain, table, with_interval

#: Rows of the tables by factor, at most; a row for each measure and cell.
MOST_PARTS = 6000
SUMMARY = "[summary.csv](summary.csv), where `factor` is not empty"


class Group(NamedTuple):
    """Columns that share a table, in the order of the tables."""

    position: tuple[int, int, int]
    heading: str
    #: Does the heading name protocol and codes, so that columns need not?
    named: bool = False


OVER_SEEDS = (
    "Mean over seeds ± half the 95 % interval of the mean (Student's t). Seeds that diverged, failed or are missing "
    "are not in a mean; the column *seeds* counts those that are, a number in brackets those of a measure that has "
    "fewer."
)


def tables(findings: Findings, about: str = OVER_SEEDS) -> str:
    """Tables by dataset and protocol: mean ± half the 95 % interval over the seeds of each cell."""
    parts = [
        "## Results",
        f"{about} {DASH}: no number, see [Not computed](#not-computed-and-why). Wide tables scroll sideways. Each "
        "heading names what was measured and the protocol. To read scores of codes against, *perfect codes* are the "
        "factors themselves beside latents of noise, *rotated* ones the same turned at random, *random codes* noise "
        "alone, at the same sample size and number of latents. Measures that count noise latents against a code, "
        "such as IRS, modularity and MIG-sup, give perfect codes less than a model may reach that leaves no latent "
        "unused. For a dataset that is the whole grid of its factors they decode to its images, and the *constant "
        "decoder* to one of them.",
    ]
    for dataset in findings.datasets:
        parts.append(f"### {plain(dataset)}: results")
        groups: dict[Group, list[Column]] = {}
        for column in findings.columns(dataset):
            groups.setdefault(_group(column), []).append(column)
        for group, columns in sorted(groups.items()):
            parts.append(fold(group.heading, _table(findings, dataset, columns, group.named)))
        if not groups:
            parts.append("No cell of this dataset is measured yet.")
    return "\n\n".join(parts)


def against_targets(findings: Findings) -> str:
    """How each cell's mean stands against the study's named targets, and the seconds an epoch takes."""
    by_metric: dict[str, list[Any]] = {}
    for target in findings.targets:
        by_metric.setdefault(target["metric"], []).append(target)
    by_metric.setdefault(SECONDS_PER_EPOCH, [])
    wanted = "; ".join(
        f"{plain(_name(findings, metric))} {', '.join(condition(target) for target in targets)}"
        for metric, targets in by_metric.items()
        if targets
    )
    parts = ["## Against targets", f"Targets: {wanted}. Means are held against them, not single seeds."]
    for dataset in findings.datasets:
        shown: dict[str, dict[Place, float]] = {}
        absent = []
        for metric in by_metric:
            means = _means(findings, metric, dataset)
            if means:
                shown[metric] = means
            else:
                absent.append(_name(findings, metric))
        rows = [
            [findings.variants[cell.variant], cell.beta]
            + [_stand(means, cell, by_metric[metric]) for metric, means in shown.items()]
            for cell in findings.of_dataset(dataset)
        ]
        headers = ["variant", findings.symbol, *(_name(findings, metric) for metric in shown)]
        note = f"\n\nNot computed for any cell: {plain(', '.join(absent))}." if absent else ""
        parts.append(f"### {plain(dataset)}: targets\n\n{long_table('Every cell', headers, rows)}{note}")
    return "\n\n".join(parts)


def factors(findings: Findings) -> str:
    """The parts of every measure that has one part per factor, such as the gap of each factor in MIG."""
    parts, counted = [], 0
    for dataset in findings.datasets:
        card = findings.cards.get(dataset, {})
        names = [factor["name"] for factor in card.get("factors", [])] or ["label"]
        groups: dict[Group, list[list[str]]] = {}
        for column in findings.columns(dataset):
            by_factor = {name: _of_dataset(findings, column, dataset, name) for name in names}
            if not any(by_factor.values()):
                continue
            group = _group(column)
            heading = findings.short_header(column) if group.named else findings.header(column)
            places = decimals([row.mean for rows in by_factor.values() for row in rows.values()], most=3)
            groups.setdefault(group, []).extend(
                [heading.replace("<br>", ", "), findings.variants[cell.variant], cell.beta]
                + [_interval(rows.get(cell.place), places) for rows in by_factor.values()]
                for cell in findings.of_dataset(dataset)
            )
        counted += sum(map(len, groups.values()))
        headers = ["measure", "variant", findings.symbol, *map(plain, names)]
        parts += [
            fold(f"{dataset}: {group.heading}", table(headers, rows, 2)) for group, rows in sorted(groups.items())
        ]
    if counted > MOST_PARTS:
        parts = [f"These are {counted} rows, more than the {MOST_PARTS} that a page would hold: see {SUMMARY}."]
    return "\n\n".join(["## By factor", *_conditioned(findings), *parts]) if parts else ""


def not_computed(findings: Findings) -> str:
    """Every measure without a number: the reasons, what they keep from being computed, and in how many runs."""
    rows = findings.failures
    heading = "## Not computed, and why"
    if rows.empty:
        return f"{heading}\n\nEvery measure of every measured run has a number."
    lines = []
    for status, group in rows.groupby("status", sort=False):
        measures = listed([findings.label(name) for name in dict.fromkeys(group.metric)])
        runs = group.drop_duplicates(["dataset", "variant", "beta", "seed"]).groupby("dataset", sort=False).size()
        where = ", ".join(f"{dataset} ({count} run{'s' * (count > 1)})" for dataset, count in runs.items())
        lines.append((plain(measures), plain(where), plain(str(status).removeprefix("not computed: "))))
    return f"{heading}\n\n{table(['measure', 'where', 'why'], lines, 3)}"


def _group(column: Column) -> Group:
    if column.representation in CODES:
        codes = f"{column.representation} codes"
        position = (1, PROTOCOLS.index(column.protocol) if column.protocol in PROTOCOLS else 9)
        recipe = column.protocol if column.protocol in PROTOCOLS else "other protocols"
        place = (*position, CODES.index(column.representation))
        return Group(place, f"Disentanglement: {recipe}, {codes}", named=column.protocol in PROTOCOLS)
    if column.representation == "traversal":
        return Group((2, 0, 0), "Controllability")
    if column.representation == "prior":
        return Group((3, 0, 0), "Samples")
    return Group((0, 0, 0), "Rate, distortion and reconstructions")


def _table(findings: Findings, dataset: str, columns: list[Column], named: bool) -> str:
    cells = findings.of_dataset(dataset)
    numbers = {column: _of_dataset(findings, column, dataset) for column in columns}
    references = findings.references.get(dataset, {})
    places = {column: _places(column, numbers, list(references.values())) for column in columns}
    body = []
    for cell in cells:
        own = {column: rows.get(cell.place) for column, rows in numbers.items()}
        counted = max((row.seeds for row in own.values() if row is not None), default=0)
        seeds = str(counted) if counted == len(cell.seeds) else f"{counted} of {len(cell.seeds)}"
        values = [_interval(row, places[column], counted) for column, row in own.items()]
        body.append([findings.variants[cell.variant], cell.beta, seeds, *values])
    for title, scores in references.items():
        if any(column in scores for column in columns):
            values = [f"*{number(scores[column], places[column])}*" if column in scores else "" for column in columns]
            body.append([f"*{plain(title)}*", "", "", *values])
    headers = [findings.short_header(column) if named else findings.header(column) for column in columns]
    return table(["variant", findings.symbol, "seeds", *headers], body)


def _places(column: Column, numbers: dict[Column, dict[Place, Any]], references: list[Mapping[Any, float]]) -> int:
    """The digits of a column, equal for all columns of a metric."""
    means = [row.mean for other, rows in numbers.items() if other.metric == column.metric for row in rows.values()]
    return decimals([*means, *(scores[column] for scores in references if column in scores)])


def _interval(row: Any, places: int, seeds: int | None = None) -> str:
    """A number that rests on fewer seeds than the others of its row says so."""
    if row is None or not row.seeds:
        return DASH
    fewer = f" ({row.seeds})" if seeds is not None and row.seeds < seeds else ""
    return with_interval(row.mean, row.ci_high, places) + fewer


def _name(findings: Findings, metric: str) -> str:
    if metric == SECONDS_PER_EPOCH:
        return "seconds per epoch"
    column = findings.column(metric)
    codes = f" ({column.representation} codes)" if column and column.representation in CODES else ""
    return findings.label(metric) + codes


def _means(findings: Findings, metric: str, dataset: str) -> dict[Place, float]:
    if metric == SECONDS_PER_EPOCH:
        done = findings.runs[(findings.runs.dataset == dataset) & (findings.runs.status == "done")]
        seconds: Any = (done.seconds / done.epochs).groupby([done.dataset, done.variant, done.beta]).mean()
        return {place: float(value) for place, value in seconds.items()}
    column = findings.column(metric, dataset)
    if column is None:
        return {}
    return {place: row.mean for place, row in _of_dataset(findings, column, dataset).items()}


def _of_dataset(findings: Findings, column: Column, dataset: str, factor: str = "") -> dict[Place, Any]:
    return {place: row for place, row in findings.numbers(column, factor, dataset).items() if row.seeds}


def _stand(means: dict[Place, float], cell: CellKey, targets: list[Any]) -> str:
    mean = means.get(cell.place, math.nan)
    if not targets:
        return number(mean, 2)
    name = standing(mean, targets)
    if name == "not computed":
        return name
    reached = f"**{plain(name)}**" if name != "not reached" else name
    return f"{number(mean, decimals(means.values(), most=3))} {reached}"


def _conditioned(findings: Findings) -> list[str]:
    told = dict.fromkeys((cell.dataset, findings.specs[cell.place]["condition"]) for cell in findings.cells)
    named = [f"{plain(factor)} ({plain(dataset)})" for dataset, factor in told if factor]
    if not named:
        return []
    return [
        f"Conditional variants are told {', '.join(named)}. Their code need not say it again, so a low score of that "
        "factor is expected there, and lowers their mean over factors."
    ]
