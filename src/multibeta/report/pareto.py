"""Which cells no other is shown to beat in two measures at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.report.comparisons import by_seed
from multibeta.report.findings import Findings
from multibeta.report.paired import ALPHA, ROUNDING, holm

#: The pairs of measures whose fronts a report gives, where a dataset has them.
TRADES = (("kl", "reconstruction"), ("reconstruction", "mig"), ("reconstruction", "fd_domain"))
#: Measures that the study of a trade counts as costs, whatever a metric says of itself.
COSTS = ("kl", "reconstruction")

#: Variant and strength.
Place = tuple[str, str]
#: A measure by cell, then by seed.
Costs = Mapping[Place, Mapping[int, float]]


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
            tables = [by_seed(findings, dataset, measure) for measure in measures]
            cells = [place for place in tables[0] if place in tables[1]]
            if len(cells) > 1:
                costs = [
                    {place: _costs(table[place], _sign(findings, measure)) for place in cells}
                    for measure, table in zip(measures, tables, strict=True)
                ]
                found.append(Front(dataset, measures, *front(*costs)))
    return found


def front(one: Costs, other: Costs) -> tuple[list[Place], dict[Place, Beaten]]:
    """Split cells into those on the front and those beaten.

    A cell is beaten where, within seeds, another one costs less in both measures: each difference tells by Student's
    paired test, so the pair does at the larger of the two p values (Berger 1982, "Multiparameter hypothesis testing
    and acceptance sampling", https://doi.org/10.1080/00401706.1982.10487790), corrected by Holm over all the others.
    What is not told apart stays on the front.

    Args:
        one, other: for each cell its cost by seed, the smaller the better; both of the same cells.
    """
    places = list(one)
    seeds = list(dict.fromkeys(seed for own in one.values() for seed in own))
    values = [
        np.array([[cost[place].get(seed, np.nan) for seed in seeds] for place in places]) for cost in (one, other)
    ]
    members, beaten = [], {}
    for position, place in enumerate(places):
        p = np.maximum(*(_p_cheaper(table, table[position]) for table in values))
        p[position] = np.nan  # a cell is not compared with itself
        corrected = holm(p.tolist())
        if (corrected <= ALPHA).any():
            by = int(np.nanargmin(corrected))
            beaten[place] = Beaten(places[by], float(corrected[by]))
        else:
            members.append(place)
    return members, beaten


def _p_cheaper(costs: NDArray[np.float64], against: NDArray[np.float64]) -> NDArray[np.float64]:
    """p values (n,) of Student's paired test for the cells of ``costs`` (n, seeds) that cost less than ``against``.

    1 for those that do not, on the means, and those without two pairs or with differences that are all equal.
    """
    from scipy.special import stdtr

    apart = costs - against
    pairs = np.isfinite(apart).sum(1)
    enough = pairs > 1
    p = np.ones(len(costs))
    some, n = apart[enough], pairs[enough]
    mean, std = np.nanmean(some, axis=1), np.nanstd(some, axis=1, ddof=1)
    equal = std <= ROUNDING * np.nanmax(np.abs(some), axis=1, initial=0)
    t = mean * np.sqrt(n) / np.where(equal, 1, std)
    p[enough] = np.where((mean < 0) & ~equal, 2 * stdtr(n - 1, -np.abs(t)), 1.0)
    return p


def _costs(values: Mapping[int, float], sign: int) -> dict[int, float]:
    return {seed: sign * value for seed, value in values.items()}


def _sign(findings: Findings, measure: str) -> int:
    better = findings.measures[measure].better if measure in findings.measures else "lower"
    return -1 if better == "higher" and measure not in COSTS else 1
