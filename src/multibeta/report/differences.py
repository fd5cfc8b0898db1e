"""The section of paired comparisons: what a strength changes within seeds, and what a variant does beside the first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from multibeta.report.comparisons import DISTORTIONS, RATES, STRENGTHS, VARIANTS, seeds_for
from multibeta.report.findings import CORE, DIFFERENCES, Findings
from multibeta.report.paired import ALPHA
from multibeta.report.text import DASH, MOST_ROWS, decimals, fold, number, picture, plain, table

if TYPE_CHECKING:
    import pandas as pd

#: What `multibeta power` and the report ask about, unless told otherwise.
WANTED = 0.1
ABOUT = (
    "Runs of equal seed share their batches and, where the nets are the same, initial weights and noise, so cells are "
    "compared seed by seed: the mean of the differences ± half its 95 % interval (Student's paired t), in brackets the "
    f"number of pairs where it is not that of all seeds. In **bold**: differences that hold at {100 * ALPHA:g} % after "
    "Holm's correction (1979) over all rows of a table for that measure, which also pays for looking at the best of "
    f"several strengths. {DASH}: no pair, or one only, which has no interval; nor have differences that are all equal."
)
TITLES = {
    STRENGTHS: "each strength against the reference",
    VARIANTS: "variants at equal strength",
    RATES: "variants at equal rate",
    DISTORTIONS: "variants at equal reconstruction",
}
NOTES = {
    RATES: "Each seed is read off its own rate–distortion curve, by straight lines between its strengths, at the rate "
    "that the same seed of the first variant has there; a curve that does not reach the rate is not prolonged.",
    DISTORTIONS: "As at equal rate, at the reconstruction that the same seed of the first variant has there.",
}


def differences(findings: Findings) -> str:
    """Tables of the comparisons by dataset and kind, after the figure of those between strengths."""
    if findings.comparisons.empty:
        return ""
    symbol = findings.symbol
    parts = ["## Differences within seeds", ABOUT]
    if figure_panels(findings):
        parts.append(picture("figures/differences.png", f"Paired differences against {symbol}", "100%"))
        parts.append(
            "Differences to the reference strength, by seeds (points), with mean and 95 % interval, not corrected. "
            "[SVG](figures/differences.svg) · [PDF](figures/differences.pdf)"
        )
    for dataset in findings.datasets:
        own = findings.comparisons[findings.comparisons.dataset == dataset]
        for kind, title in TITLES.items():
            rows = own[own.kind == kind]
            if len(rows):
                body = "\n\n".join([*([NOTES[kind]] if kind in NOTES else []), _table(findings, rows)])
                opened = kind == STRENGTHS and body.count("\n") <= MOST_ROWS
                parts.append(fold(f"{dataset}: {title}", body, opened))
    parts += [_power(findings)]
    return "\n\n".join(part for part in parts if part)


def figure_panels(findings: Findings) -> list[str]:
    """The measures of the figure: those of `DIFFERENCES` that the study asks for, if it compares strengths."""
    compared = (findings.comparisons.kind == STRENGTHS).any()
    return [metric for metric in DIFFERENCES if compared and metric in findings.asked]


def holds(row: Any) -> bool:
    """Does a comparison hold after correction for the others of its family?"""
    return bool(row.p_holm <= ALPHA)


def _table(findings: Findings, rows: pd.DataFrame) -> str:
    metrics = [metric for metric in CORE if (rows.metric == metric).any()]
    places = {metric: decimals([*rows[rows.metric == metric]["mean"].dropna()]) for metric in metrics}
    most = rows.pairs.max()
    body = []
    for key, group in rows.groupby(["variant", "beta", "against_variant", "against_beta"], sort=False):
        by_metric = {row.metric: row for row in group.itertuples()}
        values = [shown(by_metric.get(metric), places[metric], most) for metric in metrics]
        body.append([*_names(findings, *map(str, key)), *values])
    headers = [findings.first_header(metric, str(rows.dataset.iloc[0])) for metric in metrics]
    return table(["compared", "with", *headers], body, 2)


def _names(findings: Findings, variant: str, beta: str, against: str, against_beta: str) -> tuple[str, str]:
    symbol = findings.symbols[variant]
    own = f"{symbol} = {beta}" if beta else "its own curve"
    one = f"{findings.variants[variant]}, {own}"
    return plain(one), plain(f"{findings.variants[against]}, {findings.symbols[against]} = {against_beta}")


def shown(row: Any, places: int, most: int) -> str:
    """A comparison as tables show it: mean ± half its interval, bold if it holds, the pairs if not ``most``."""
    if row is None or row.pairs < 2:
        return DASH
    half = row.ci_high - row.mean
    text = signed(row.mean, places) + (f" ± {number(half, places)}" if math.isfinite(half) else "")
    fewer = f" ({row.pairs})" if row.pairs < most else ""
    return (f"**{text}**" if holds(row) else text) + fewer


def signed(value: float, places: int) -> str:
    """A number with its sign; 0 has none."""
    text = number(value, places)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def _power(findings: Findings) -> str:
    """How many seeds would be needed to see a difference of 0.1 in MIG."""
    if findings.column("mig") is None:
        return ""
    lines = [
        f"{plain(dataset)}, {plain(findings.variants[variant])}: {seeds_in_words(needed)} (there are {pairs}; "
        f"standard deviation of the differences {number(std, 3)})"
        for dataset, variant, std, pairs, needed in seeds_for(findings, "mig", WANTED)
    ]
    if not lines:
        return ""
    return (
        f"To see a difference of {WANTED:g} in MIG between two strengths with these seeds' spread, in four of five "
        f"such studies, takes: {'; '.join(lines)}. `multibeta power` answers this for other measures and differences."
    )


def seeds_in_words(needed: int | None) -> str:
    return "more than ten thousand seeds" if needed is None else f"{needed} seeds"
