"""The head of the report: one table to take in, and what the study shows and cannot tell in a sentence each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from multibeta.report.comparisons import STRENGTHS, seeds_for
from multibeta.report.differences import WANTED, holds, seeds_in_words
from multibeta.report.findings import CORE, Column, Findings, Place
from multibeta.report.paired import ALPHA
from multibeta.report.text import DASH, decimals, long_table, number, plain


def at_a_glance(findings: Findings) -> str:
    """The means of the core measures in one table per dataset; bold where a strength makes a difference."""
    parts = _tables(findings)
    if not parts:
        return ""
    return "\n\n".join(
        [
            "## At a glance",
            *parts,
            "Means over seeds. In **bold**: what differs from the reference strength (1, or else the first of the "
            f"grid) within seeds, at {100 * ALPHA:g} % after Holm's correction over all strengths and variants of that "
            "column. Intervals stand under [Differences within seeds](#differences-within-seeds) and "
            "[Results](#results).",
        ]
    )


def in_short(findings: Findings) -> str:
    """A sentence or two on MIG by dataset and variant: what the study shows, what it costs, what it cannot tell."""
    if findings.column("mig") is None:
        return ""
    return "\n".join(["## In short", "", *(f"- {line}" for line in _sentences(findings))])


def _sentences(findings: Findings) -> list[str]:
    """What each dataset and variant shows of MIG, and what it cannot tell."""
    found = findings.comparisons
    needed = {(row[0], row[1]): row[-1] for row in seeds_for(findings, "mig", WANTED)}
    lines = []
    for dataset, variant in dict.fromkeys((cell.dataset, cell.variant) for cell in findings.cells):
        own = found[(found.dataset == dataset) & (found.variant == variant) & (found.kind == STRENGTHS)]
        family = found[(found.dataset == dataset) & (found.kind == STRENGTHS) & (found.metric == "mig")]
        stronger = own[(own.metric == "mig") & (own.pairs > 1)]
        stronger = stronger[stronger.beta.astype(float) > stronger.against_beta.astype(float)]
        name, symbol = plain(findings.variants[variant]), findings.symbols[variant]
        where = f"**{plain(dataset)}, {name}**"
        if stronger.empty:
            lines.append(f"{where}: nothing to compare within two seeds or more.")
            continue
        rows: list[Any] = list(stronger.itertuples())
        best = max([row for row in rows if holds(row)] or rows, key=lambda row: row.mean)
        interval = f"95 % interval {number(best.ci_low, 3)} to {number(best.ci_high, 3)}, {best.pairs} pairs of seeds"
        tested = f"p = {_p(best.p_holm)} after Holm's correction over {len(family)} comparison{'s' * (len(family) > 1)}"
        difference = f"MIG at {symbol} = {best.beta} is {_by(best.mean)} than at {symbol} = {best.against_beta}"
        if holds(best):
            lines.append(f"{where}: {difference} ({interval}; {tested}){_cost(own, best.beta)}.")
        else:
            lines.append(
                f"{where}: these seeds cannot tell whether a larger {symbol} raises MIG. The largest mean difference "
                f"is {number(best.mean, 3)}, at {symbol} = {best.beta} against {best.against_beta} "
                f"({interval}; {tested}). {_seen(needed[dataset, variant], best.pairs)}"
            )
    return lines


def _seen(needed: int | None, pairs: int) -> str:
    """What a study of as many seeds would see."""
    if needed is not None and needed <= pairs:
        return f"A difference of {WANTED:g} would have shown in four of five such studies."
    return f"To see a difference of {WANTED:g} would take {seeds_in_words(needed)}."


def _cost(own: Any, beta: str) -> str:
    """What it costs in nats, where that holds too."""
    rows = [row for row in own[(own.metric == "reconstruction") & (own.beta == beta)].itertuples() if row.pairs > 1]
    if not rows:
        return ""
    row: Any = rows[0]
    more = "more" if row.mean > 0 else "fewer"
    half = number(row.ci_high - row.mean, 1)
    return f". It costs {number(abs(row.mean), 1)} ± {half} nats {more} of reconstruction"


def _by(mean: float) -> str:
    return f"{number(abs(mean), 3)} {'higher' if mean > 0 else 'lower'}"


def _p(p: float) -> str:
    if math.isnan(p):
        return "undefined"
    return "0.0001 or less" if p <= 1e-4 else f"{p:.2g}"


def _tables(findings: Findings) -> list[str]:
    parts = []
    differ = differing(findings)
    for dataset in findings.datasets:
        tried = [column for metric in CORE if (column := findings.first_column(metric, dataset))]
        numbers = {column: findings.numbers(column, dataset=dataset) for column in tried}
        columns = [column for column in tried if any(row.seeds for row in numbers[column].values())]
        if not columns:
            continue
        places = {column: decimals([row.mean for row in numbers[column].values()], most=3) for column in columns}
        seconds = _seconds_per_epoch(findings, dataset)
        body = []
        for cell in findings.of_dataset(dataset):
            values = [
                _mean(numbers[column].get(cell.place), places[column], (*cell.place, column.metric) in differ)
                for column in columns
            ]
            epoch = number(seconds.get(cell.place), decimals(seconds.values(), most=2))
            body.append([findings.variants[cell.variant], cell.beta, *values, epoch])
        headers = ["variant", findings.symbol, *(findings.first_header(column.metric, dataset) for column in columns)]
        shown = long_table("Means of every cell", [*headers, "s per epoch"], body)
        parts.append("\n\n".join(filter(None, [f"**{plain(dataset)}**", shown, _without(findings, numbers)])))
    return parts


def _without(findings: Findings, numbers: Mapping[Column, Mapping[Place, Any]]) -> str:
    """Which measures have no number in how many of the cells that were measured, and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for column, rows in numbers.items():
        reasons = Counter(row.reason for row in rows.values() if not row.seeds)
        for reason, count in reasons.items():
            where = "every cell" if count == len(rows) else f"{count} of {len(rows)} cells"
            found.setdefault((where, reason.replace("not computed: ", "")), []).append(findings.label(column.metric))
    lines = [f"{', '.join(names)} in {where} ({reason})" for (where, reason), names in found.items()]
    return plain(f"No number: {'; '.join(lines)}.") if lines else ""


def _mean(row: Any, places: int, differs: bool) -> str:
    if row is None or not row.seeds:
        return DASH
    text = number(row.mean, places)
    return f"**{text}**" if differs else text


def differing(findings: Findings) -> set[tuple[str, ...]]:
    """Dataset, variant, strength and core measure of what differs from the reference strength, corrected by Holm."""
    found = findings.comparisons
    found = found[(found.kind == STRENGTHS) & (found.p_holm <= ALPHA)]
    return set(found[["dataset", "variant", "beta", "metric"]].itertuples(index=False, name=None))


def _seconds_per_epoch(findings: Findings, dataset: str) -> dict[tuple[str, str, str], float]:
    done = findings.runs[(findings.runs.dataset == dataset) & (findings.runs.status == "done")]
    seconds: Any = (done.seconds / done.epochs).groupby([done.dataset, done.variant, done.beta]).mean()
    return {place: float(value) for place, value in seconds.items()}
