"""How far a run that is trained and measured anew lies from what a study holds, and whether rounding explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from multibeta.report.equal_runs import NOTHING, ROUNDING
from multibeta.report.statistics import interval

if TYPE_CHECKING:
    import pandas as pd

#: What a number is, within a run.
KEY = ("protocol", "representation", "metric", "factor")
Key = tuple[str, str, str, str]
#: The same without a part.
Score = tuple[str, str, str]
#: What of a machine rounds: its processor, and the instructions that are used of it.
MACHINE = ("processor", "kernels", "system")
#: Packages whose versions may round otherwise.
ROUNDS = ("torch", "torchvision", "numpy", "scipy", "scikit-learn")


class Verdict(IntEnum):
    """From best to worst; each is the exit status of a verification whose worst it is.

    Attributes:
        IDENTICAL: the same to the last bit.
        ROUNDING: other bits, no farther than the yardstick (see `yardsticks`), where something differs that rounding
            depends on: threads, versions, processor, device.
        UNEXPLAINED: the same, where nothing of that is known to differ.
        MOVED: farther than the yardstick, or the run ended otherwise.
        ALTERED: a file of the study is not what its training or measuring wrote.
    """

    IDENTICAL = 0
    ROUNDING = 3
    UNEXPLAINED = 4
    MOVED = 5
    ALTERED = 6


class Drift(NamedTuple):
    """One number of a run, as the study holds it and as it is now.

    Attributes:
        half: the yardstick that it is held to; 0 where there is none, infinite of a part, which is held to its bits.
        now: NaN where it could not be computed.
    """

    key: Key
    then: float
    now: float
    half: float
    verdict: Verdict


@dataclass(frozen=True)
class Verified:
    """What became of one run.

    Attributes:
        ended: how the run ended then and now.
        reasons: what differs from then that rounding depends on.
        weights: distance of the weights trained anew from those stored, as a share of these; None without any.
        losses: the largest relative difference of a number in its history; None without any.
        trained: numbers of the model trained anew against those of the study.
        stored: numbers of the stored model, measured anew, against those of the study; None without its weights.
        altered: why a file is not what was written, by its path.
        left_out: metrics whose numbers could not be checked here, and why.
        unlike: how the rows of a score differ from those measured anew, beside their values, by its name.
    """

    place: tuple[str, str, str]
    seed: int
    ended: tuple[str, str]
    reasons: Sequence[str]
    weights: float | None
    losses: float | None
    trained: Sequence[Drift]
    stored: Sequence[Drift] | None
    altered: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    unlike: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The worst of all that it holds."""
        if self.altered:
            return Verdict.ALTERED
        if self.ended[0] != self.ended[1]:
            return Verdict.MOVED
        found = [each.verdict for each in (*self.trained, *(self.stored or ()))]
        found += [by_bits(each, self.reasons) for each in (self.weights, self.losses) if each is not None]
        found += [_changed(self.reasons)] if self.unlike else []
        return max(found, default=Verdict.IDENTICAL)


@dataclass(frozen=True)
class Verification:
    """What became of a study.

    Attributes:
        total: runs that could have been drawn.
        passed_over: how many could not, by the reason.
        runs: those drawn.
        altered: why a file is not what was written, by its path; of all cells, drawn or not.
        commits: of the code as the report was written, and now; "" where not known.
    """

    study: str
    total: int
    passed_over: Mapping[str, int]
    runs: Sequence[Verified]
    altered: Mapping[str, str]
    commits: tuple[str, str]

    @property
    def verdict(self) -> Verdict:
        worst = max((run.verdict for run in self.runs), default=Verdict.IDENTICAL)
        return Verdict.ALTERED if self.altered else worst


def by_bits(distance: float, reasons: Sequence[str]) -> Verdict:
    """Of what has no yardstick but the last bit: weights and losses."""
    return Verdict.IDENTICAL if distance == 0 else _changed(reasons)


def drifts(then: pd.DataFrame, now: pd.DataFrame, half: Mapping[Key, float], reasons: Sequence[str]) -> list[Drift]:
    """Every number that the study holds of a run, against the same measured anew.

    Args:
        then, now: rows of metrics.csv of one run.
        half: as `yardsticks` makes it.
        reasons: what differs that rounding depends on.
    """
    after = _numbers(now)
    return [_drift(key, value, after.get(key, math.nan), half, reasons) for key, value in _numbers(then).items()]


def _drift(key: Key, then: float, now: float, half: Mapping[Key, float], reasons: Sequence[str]) -> Drift:
    # The draws of parts are not repeated, and latents have no order: how far they may move is not known.
    own = math.inf if key[3] else half.get(key, 0.0)
    if then == now:
        verdict = Verdict.IDENTICAL
    elif abs(then - now) <= max(own, ROUNDING * max(abs(then), abs(now)), NOTHING):
        verdict = _changed(reasons)
    else:
        verdict = Verdict.MOVED
    return Drift(key, then, now, own, verdict)


class Pool(NamedTuple):
    """Sums of squares and degrees of freedom, by what a score is, over the cells of one dataset.

    Attributes:
        seeds: of a score between the seeds of a cell.
        draws: of a score between the metric's own seeds, on one run of a cell.
        scores: all that a cell has a row of.
    """

    seeds: dict[Key, tuple[float, int]]
    draws: dict[Key, tuple[float, int]]
    scores: set[Score]


def pool(cells: Iterable[tuple[pd.DataFrame, pd.DataFrame]]) -> Pool:
    """What the cells of a dataset say of the spread of its scores.

    Args:
        cells: rows of metrics.csv and of repeats.csv of each.
    """
    found = Pool({}, {}, set())
    for metrics, repeats in cells:
        found.scores.update(metrics[list(KEY[:3])].drop_duplicates().itertuples(index=False, name=None))
        done = metrics[(metrics.status == "done") & (metrics.factor == "")]
        for table, sums in ((done, found.seeds), (repeats.assign(factor=""), found.draws)):
            spread = table.groupby(list(KEY), sort=False).value.agg(["var", "count"])
            for key, variance, count in spread[spread["count"] > 1].itertuples(name=None):
                total, freedom = sums.get(key, (0.0, 0))
                sums[key] = total + (count - 1) * variance, freedom + count - 1
    return found


def yardsticks(metrics: pd.DataFrame, pooled: Pool) -> dict[Key, float]:
    """How far a score of a cell may move before it moves a claim, by what it is: the largest of three.

    - Half of the 95 % interval of the cell's mean over its seeds (Student's t): a drift as large in every run would
      take the mean out of the interval that the study gives it.
    - The same with the deviation pooled over the cells of the dataset, since that of a few seeds may be small by luck,
      and of many scores some are.
    - What 95 % of the differences between two draws of the metric on one model stay below, √2 · t · s: another draw
      would move it as far with nothing changed.

    A score with none of these, such as the rate where cells have one seed, is missing: it is held to rounding alone.
    UDR of two runs is one number of both, without a spread: it is held to its bits, as parts are (infinite). Parts of a
    score, by factor or latent, are left out.

    Args:
        metrics: rows of metrics.csv of all seeds of the cell.
        pooled: of the cells of its dataset.
    """
    from scipy.special import stdtrit

    def reach(sums: tuple[float, int], n: float) -> float:
        total, freedom = sums
        return float(stdtrit(freedom, 0.975)) * math.sqrt(total / freedom / n)

    done = metrics[(metrics.status == "done") & (metrics.factor == "")]
    found: dict[Key, float] = {}
    groups: Any = done.groupby(list(KEY), sort=False)
    for key, rows in groups:
        mean, _, _, high = interval(rows.value.tolist())
        own = [high - mean] if math.isfinite(high) else []
        own += [reach(pooled.seeds[key], len(rows))] if key in pooled.seeds else []
        own += [reach(pooled.draws[key], 0.5)] if key in pooled.draws else []
        if own:
            found[key] = max(own) or _of_both(rows.value.tolist())
    return found


def _of_both(values: list[float]) -> float:
    """No bound for one number of two runs, as their UDR is: equal fractions to the last bit tell of no spread."""
    return math.inf if len(values) == 2 and not values[0].is_integer() else 0.0


def reasons(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs of that which rounding depends on, as ``torch: 2.11.0 → 2.12.0``.

    Args:
        then, now: ``versions`` and ``hardware`` as in cell.json; ``device`` and ``threads`` of the run.
    """
    found = [
        *_changes(then["versions"], now["versions"], ROUNDS),
        *_changes(then["hardware"], now["hardware"], [name for name in MACHINE if name in then["hardware"]]),
        *_changes(then, now, ("device", "threads")),
    ]
    if now["device"] != "cpu" and then["device"] == now["device"]:
        found.append(f"device: {now['device']}, which need not sum in the same order twice")
    return found


def _changes(then: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        one, other = then.get(name, "not known"), now.get(name, "not known")
        if one != other:
            yield f"{name}: {one} → {other}"


def _changed(reasons: Sequence[str]) -> Verdict:
    return Verdict.ROUNDING if reasons else Verdict.UNEXPLAINED


def _numbers(table: pd.DataFrame) -> dict[Key, float]:
    done = table[table.status == "done"]
    columns = [done[name].tolist() for name in (*KEY, "value")]
    return {(row[0], row[1], row[2], row[3]): row[4] for row in zip(*columns, strict=True)}
