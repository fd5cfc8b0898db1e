"""Which cells no other is shown to beat in two measures at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from multibeta.report.comparisons import by_seed
from multibeta.report.findings import Findings
from multibeta.report.paired import ALPHA, difference, holm

#: The pairs of measures whose fronts a report gives, where a dataset has them.
TRADES = (("kl", "reconstruction"), ("reconstruction", "mig"), ("reconstruction", "fd_domain"))
#: Measures that the study of a trade counts as costs, whatever a metric says of itself.
COSTS = ("kl", "reconstruction")

#: Variant and strength.
Place = tuple[str, str]


class Beaten(NamedTuple):
    """A cell that another one beats in both measures: by which, and the corrected p value of that."""

    by: Place
    p: float


class Front(NamedTuple):
    """The Pareto front of a dataset in two measures.

    Attributes:
        members: the cells that no other is shown to beat, in the study's order.
        beaten: the others, each with the one that beats it most surely.
    """

    dataset: str
    measures: tuple[str, str]
    members: list[Place]
    beaten: dict[Place, Beaten]


def fronts(findings: Findings) -> list[Front]:
    """The fronts of every dataset over the cells of all its variants."""
    found = []
    for dataset in findings.datasets:
        for measures in TRADES:
            signs = [_sign(findings, measure) for measure in measures]
            values = [by_seed(findings, dataset, measure) for measure in measures]
            cells = [place for place in values[0] if place in values[1]]
            if len(cells) > 1:
                costs = {
                    place: [
                        {seed: sign * value for seed, value in table[place].items()}
                        for sign, table in zip(signs, values, strict=True)
                    ]
                    for place in cells
                }
                found.append(Front(dataset, measures, *front(costs)))
    return found


def front(costs: Mapping[Place, list[dict[int, float]]]) -> tuple[list[Place], dict[Place, Beaten]]:
    """Split cells into those on the front and those beaten.

    A cell is beaten where, within seeds, another one costs less in both measures: each difference tells by Student's
    paired test, so the pair does at the larger of the two p values (Berger 1982, "Multiparameter hypothesis testing
    and acceptance sampling"), corrected by Holm over all the others. What is not told apart stays on the front.

    Args:
        costs: by cell two mappings of seed to cost, each the smaller the better.
    """
    members, beaten = [], {}
    for place, own in costs.items():
        others = [other for other in costs if other != place]
        p = [_p_better(costs[other], own) for other in others]
        corrected = holm(p)
        surely = [(value, other) for value, other in zip(corrected, others, strict=True) if value <= ALPHA]
        if surely:
            p_value, by = min(surely, key=lambda each: each[0])
            beaten[place] = Beaten(by, float(p_value))
        else:
            members.append(place)
    return members, beaten


def _p_better(one: list[dict[int, float]], other: list[dict[int, float]]) -> float:
    """The p value of ``one`` costing less than ``other`` in both measures; 1 where it does not on the means."""
    found = []
    for cost, against in zip(one, other, strict=True):
        tested = difference([cost[seed] - against[seed] for seed in cost if seed in against])
        if math.isnan(tested.mean) or tested.mean >= 0:
            return 1.0
        found.append(1.0 if math.isnan(tested.p) else tested.p)
    return max(found)


def _sign(findings: Findings, measure: str) -> int:
    better = findings.measures[measure].better if measure in findings.measures else "lower"
    return -1 if better == "higher" and measure not in COSTS else 1
