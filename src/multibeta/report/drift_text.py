"""A verification in words: a line for each run, a table of the numbers that differ, what was altered, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from multibeta.report.drift import Drift, Verdict, Verification, Verified, by_bits

WORDS = {
    Verdict.IDENTICAL: "identical",
    Verdict.ROUNDING: "within rounding",
    Verdict.UNEXPLAINED: "changed, unexplained",
    Verdict.MOVED: "moved beyond the interval",
    Verdict.ALTERED: "altered",
}
#: What a verdict on the whole study means.
MEANINGS = {
    Verdict.IDENTICAL: "{numbers}{weights} is the same to the last bit{but}.",
    Verdict.ROUNDING: "{numbers} is within its interval, and what differs from then rounds otherwise.",
    Verdict.UNEXPLAINED: "bits differ within the intervals, though nothing that rounding depends on is known to.",
    Verdict.MOVED: "a number lies farther than its interval reaches, or a run ended otherwise.",
    Verdict.ALTERED: "a file of the study is not what was written.",
}
#: Numbers of a run that are not cut off.
MOST = 5
HEADERS = ("number", "of", "then", "now", "difference", "interval ±", "")


def drift_table(found: Verification, everything: bool = False) -> str:
    """What became of every run that was drawn, worst numbers first; all numbers of all runs with ``everything``."""
    count = len(found.runs)
    lines = [f"{found.study}: {count} of {found.total} runs trained and measured anew"]
    lines += [f"not drawn from: {number} runs, {why}" for why, number in found.passed_over.items()]
    for run in found.runs:
        lines += ["", *_run(run, everything)]
    if found.altered:
        lines += ["", "altered:", *(f"  {path}: {why}" for path, why in found.altered.items())]
    lines += ["", f"{WORDS[found.verdict]}: {_meaning(found)}", *_why(found)]
    return "\n".join(lines)


def _meaning(found: Verification) -> str:
    """What the verdict says, of no more than what was checked."""
    left_out = any(run.left_out for run in found.runs)
    ended = [run for run in found.runs if run.ended[0] == "done"]
    without = sum(run.weights is None for run in ended)
    weights = "" if without else " and every weight"
    but = f"; of {without} of {len(found.runs)} runs the study holds no weights" if without else ""
    numbers = "every number that could be checked" if left_out else "every number"
    return MEANINGS[found.verdict].format(numbers=numbers, weights=weights, but=but)


def _run(run: Verified, everything: bool) -> Iterator[str]:
    ended = f", {run.ended[0]} then, {run.ended[1]} now" if run.ended[0] != run.ended[1] else ""
    yield f"{' '.join(run.place[:2])} at {run.place[2]}, seed {run.seed}: {WORDS[run.verdict]}{ended}"
    if run.weights is not None:
        yield f"  weights  {_apart(run.weights, run, 'of their size apart')}"
    if run.losses is not None:
        yield f"  losses   {_apart(run.losses, run, 'of a loss apart at most')}"
    yield f"  numbers  {_counts(run.trained)}"
    if run.stored is not None:
        yield f"  numbers of the stored weights, measured anew: {_counts(run.stored)}"
    else:
        yield "  the study holds no weights of it that could be measured"
    yield from (f"  not checked: {metric}: {why}" for metric, why in run.left_out.items())
    yield from (f"  otherwise than then: {metric} {how}" for metric, how in run.unlike.items())
    yield from _numbers("trained anew", run.trained, everything)
    yield from _numbers("stored weights, measured anew", run.stored or (), everything)


def _numbers(title: str, drifts: Sequence[Drift], everything: bool) -> Iterator[str]:
    """A table of the numbers, the worst first; of those that differ, or of all."""
    shown = [each for each in drifts if everything or each.verdict != Verdict.IDENTICAL]
    if not shown:
        return
    shown.sort(key=lambda each: (-each.verdict, -_share(each)))
    rows = [HEADERS, *map(_row, shown if everything else shown[:MOST])]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    yield f"  {title}:"
    for row in rows:
        cells = (
            cell.ljust(width) if place in (0, 1, 6) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"    {'  '.join(cells)}".rstrip()
    if len(rows) <= len(shown):
        yield f"    … and {len(shown) - len(rows) + 1} more (--all)"


def _row(each: Drift) -> tuple[str, ...]:
    protocol, representation, metric, factor = each.key
    reach = "by bits" if math.isinf(each.half) else f"{each.half:.2g}" if each.half else "none"
    now = "not computed" if math.isnan(each.now) else f"{each.now:.6g}"
    apart = "" if math.isnan(each.now) else f"{each.now - each.then:+.2g}"
    name = f"{metric} {factor}".rstrip()
    return name, f"{protocol}, {representation}", f"{each.then:.6g}", now, apart, reach, WORDS[each.verdict]


def _share(each: Drift) -> float:
    """How far a number has gone of what it may; parts by latent, which have no interval, last."""
    apart = abs(each.now - each.then)
    if math.isnan(apart) or (apart and not each.half):
        return math.inf
    return apart / each.half if each.half else 0.0


def _counts(drifts: Sequence[Drift]) -> str:
    counts = Counter(each.verdict for each in drifts)
    return ", ".join(f"{counts[verdict]} {WORDS[verdict]}" for verdict in Verdict if counts[verdict]) or "none"


def _apart(distance: float, run: Verified, what: str) -> str:
    if distance == 0:
        return "identical"
    if math.isinf(distance):
        return "not comparable: another number of them, or not numbers"
    return f"{WORDS[by_bits(distance, run.reasons)]}, {distance:.2g} {what}"


def _why(found: Verification) -> Iterator[str]:
    """What differs from then, whatever it came to."""
    reasons = dict.fromkeys(reason for run in found.runs for reason in run.reasons)
    if reasons:
        yield f"unlike then: {'; '.join(reasons)}"
        if found.verdict == Verdict.ROUNDING:
            yield "Sums are then taken in another order; training enlarges their last bits, and trees decide by them."
    elif found.verdict != Verdict.IDENTICAL:
        yield "as then: threads, processor, device and the versions of torch, NumPy, SciPy and scikit-learn"
    then, now = found.commits
    if then and now and then != now and found.verdict != Verdict.IDENTICAL:
        yield f"code: {then} → {now}"
