"""Every comparison that a report draws: each strength against a reference, and variants against the first one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from multibeta.report.findings import CORE, Findings
from multibeta.report.paired import Difference, at_rate, difference, holm, seeds_needed

if TYPE_CHECKING:
    import pandas as pd

#: Each strength against the reference strength of its variant; a variant against the study's first one at equal
#: strength, and at the rate that the first one has.
STRENGTHS, VARIANTS, RATES = "strength", "variant", "variant at equal rate"
#: The same with reconstruction in the place of the rate, for objectives that trade other things than the rate.
DISTORTIONS = "variant at equal reconstruction"
COMPARISONS_COLUMNS = (
    *("dataset", "kind", "metric", "protocol", "representation"),
    *("variant", "beta", "against_variant", "against_beta"),
    *("mean", "ci_low", "ci_high", "std", "p", "p_holm", "pairs"),
)

#: Variant and strength, and those they are compared with.
Place = tuple[str, str, str, str]
#: A measure by variant and strength, then by seed.
Values = dict[tuple[str, str], dict[int, float]]


def compare(findings: Findings) -> pd.DataFrame:
    """`COMPARISONS_COLUMNS`, a row for each comparison of each core measure that any cell of the dataset has.

    ``mean`` is of ``variant`` at ``beta`` minus ``against_variant`` at ``against_beta``, over seeds that both have.
    ``p_holm`` is corrected over the rows of one dataset, kind and measure.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for dataset in findings.datasets:
        rates, distortions = (by_seed(findings, dataset, name) for name in ("kl", "reconstruction"))
        for metric in CORE:
            values, column = by_seed(findings, dataset, metric), findings.column(metric, dataset)
            if column is None:
                continue
            for kind, compared in (
                (STRENGTHS, _strengths(findings, dataset, values)),
                (VARIANTS, _variants(findings, dataset, values)),
                (RATES, _equal(findings, dataset, values, rates) if metric != "kl" else iter(())),
                (
                    DISTORTIONS,
                    _equal(findings, dataset, values, distortions) if metric != "reconstruction" else iter(()),
                ),
            ):
                found = list(compared)
                corrected = holm([each.p for _, each in found])
                rows += [
                    (dataset, kind, *column, *place, *each[:5], p_holm, each.pairs)
                    for (place, each), p_holm in zip(found, corrected, strict=True)
                ]
    return pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))


def pairs(findings: Findings, metric: str) -> pd.DataFrame:
    """Every single difference of a strength to the reference: dataset, variant, beta, seed, value."""
    import pandas as pd

    rows = []
    for dataset in findings.datasets:
        values = by_seed(findings, dataset, metric)
        for variant, strengths in sweeps(findings, dataset).items():
            against = values.get((variant, reference_strength(strengths)), {})
            rows += [
                (dataset, variant, beta, seed, value - against[seed])
                for beta in strengths
                if beta != reference_strength(strengths)
                for seed, value in values.get((variant, beta), {}).items()
                if seed in against
            ]
    return pd.DataFrame(rows, columns=["dataset", "variant", "beta", "seed", "value"])


def reference_strength(strengths: Sequence[str]) -> str:
    """The strength that others are held against: 1, which is the plain VAE, or the first."""
    return "1" if "1" in strengths else strengths[0]


def seeds_for(findings: Findings, metric: str, wanted: float) -> Iterator[tuple[str, str, float, int, int | None]]:
    """For each dataset and variant: the spread of paired differences between strengths, and the seeds they ask for.

    Yields:
        dataset, variant, standard deviation of the differences (pooled over the strengths), the seeds there are, and
        those needed to see a difference ``wanted``; None if more than ten thousand. Without two pairs nothing.
    """
    for dataset in findings.datasets:
        by_variant: dict[str, list[Difference]] = {}
        for place, each in _strengths(findings, dataset, by_seed(findings, dataset, metric)):
            by_variant.setdefault(place[0], []).append(each)
        for variant, found in by_variant.items():
            counted = [(each.std, each.pairs) for each in found if each.pairs > 1]
            if counted:
                freedom = sum(pairs - 1 for _, pairs in counted)
                std = math.sqrt(sum((pairs - 1) * std**2 for std, pairs in counted) / freedom)
                yield dataset, variant, std, max(pairs for _, pairs in counted), seeds_needed(wanted, std)


def _strengths(findings: Findings, dataset: str, values: Values) -> Iterator[tuple[Place, Difference]]:
    for variant, strengths in sweeps(findings, dataset).items():
        against = reference_strength(strengths)
        for beta in strengths:
            if beta != against:
                yield (variant, beta, variant, against), _paired(values, (variant, beta), (variant, against))


def _variants(findings: Findings, dataset: str, values: Values) -> Iterator[tuple[Place, Difference]]:
    (first, own), *others = sweeps(findings, dataset).items()
    for variant, strengths in others:
        # β = 4 and γ = 4 are not one strength.
        for beta in strengths if findings.symbols[variant] == findings.symbols[first] else ():
            if beta in own:
                yield (variant, beta, first, beta), _paired(values, (variant, beta), (first, beta))


def _equal(findings: Findings, dataset: str, values: Values, rates: Values) -> Iterator[tuple[Place, Difference]]:
    """Each seed of another variant, read off its own curve at the rate (or distortion) of that seed of the first."""
    (first, own), *others = sweeps(findings, dataset).items()
    for variant, strengths in others:
        for beta in own:
            found = []
            for seed, value in values.get((first, beta), {}).items():
                curve = [
                    (rates[variant, each][seed], values[variant, each][seed])
                    for each in strengths
                    if seed in rates.get((variant, each), {}) and seed in values.get((variant, each), {})
                ]
                rate = rates.get((first, beta), {}).get(seed)
                if curve and rate is not None:
                    found.append(at_rate(curve, rate) - value)
            # A seed whose curve does not reach the rate has no difference there.
            yield (variant, "", first, beta), difference([each for each in found if not math.isnan(each)])


def by_seed(findings: Findings, dataset: str, metric: str) -> Values:
    column = findings.column(metric, dataset)
    if column is None:
        return {}
    table = findings.runs_of(column, dataset)
    found: Values = {}
    columns = (table[name].tolist() for name in ("variant", "beta", "seed", "value"))
    for variant, beta, seed, value in zip(*columns, strict=True):
        if math.isfinite(value):
            found.setdefault((variant, beta), {})[seed] = value
    return found


def _paired(values: Values, one: tuple[str, str], other: tuple[str, str]) -> Difference:
    first, second = values.get(one, {}), values.get(other, {})
    return difference([first[seed] - second[seed] for seed in first if seed in second])


def sweeps(findings: Findings, dataset: str) -> dict[str, list[str]]:
    """The strengths of each variant on a dataset."""
    found: dict[str, list[str]] = {}
    for cell in findings.of_dataset(dataset):
        found.setdefault(cell.variant, []).append(cell.beta)
    return found
