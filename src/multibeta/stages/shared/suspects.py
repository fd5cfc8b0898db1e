"""Which files of a run are not what was written, as far as training and measuring it anew can tell, and why."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from multibeta.metrics.image._weights import locked
from multibeta.report.drift import ROUNDS, Drift, Pool, Score, Verdict
from multibeta.report.drift_rows import Unlike
from multibeta.report.equal_runs import ROUNDING
from multibeta.results import CellFolder
from multibeta.stages.shared.measured import Measured

#: Scores that are smooth functions of the weights: none decides by a threshold.
SMOOTH = ("reconstruction", "kl")
#: Share of a score by which a few decisions by a threshold may move it on another machine, the weights being equal.
FLIPS = 0.01


@dataclass(frozen=True)
class Evidence:
    """What is known of a run that was trained and measured anew.

    Attributes:
        damage: why a file cannot be read, by its path.
        weights: distance of the weights trained anew from the stored ones; None without either.
        losses: of its history from that of the training anew; None without one that can be read.
        kept: of the stored weights from those that the training left in ``.state``; None without these.
        trained, stored: numbers of the models, as in `multibeta.report.drift.Verified`.
        rows: how the rows of metrics.csv differ from those of the stored model measured anew, or without its weights
            from those of the model trained anew.
        malformed: what of metrics.csv is written on no machine; "" if nothing.
        measuring: what differs from then that the rounding depends on of measuring the model whose rows count.
        same_code: is nothing known of the code having changed since the report?
        doubted: metrics that may come out otherwise because of another file than metrics.csv.
        told, arrays, repeats: what does not come out anew of cell.json, arrays.npz and repeats.csv; "" if nothing.
    """

    folder: CellFolder
    seed: int
    measured: Measured
    damage: Mapping[str, str]
    weights: float | None
    losses: float | None
    kept: float | None
    trained: Sequence[Drift]
    stored: Sequence[Drift] | None
    rows: Sequence[Unlike]
    malformed: str
    measuring: Sequence[str]
    same_code: bool
    doubted: Collection[str]
    told: str = ""
    arrays: str = ""
    repeats: str = ""

    @property
    def trained_alike(self) -> bool:
        """Did the training come to the same model? Without weights its losses tell."""
        return self.weights == 0 or (self.weights is None and self.losses == 0)

    @property
    def sure(self) -> bool:
        """Is the model whose rows count the one that was measured then?"""
        if self.trained_alike:
            return True
        witness = self.seed in self.measured.own or self.kept == 0
        return self.stored is not None and witness and not self.kept and self.seed not in self.measured.strangers

    @property
    def exact(self) -> bool:
        """Must that model have the rows of metrics.csv to the last bit?"""
        return self.sure and self.same_code and not self.measuring


def altered(found: Evidence) -> dict[str, str]:
    """Why a file of the run is not what was written, by its path."""
    named = dict(found.damage)
    folder, seed, models = found.folder, found.seed, str(found.folder.models)
    if found.weights and models not in named and (why := _of_weights(found)):
        named[models] = f"seed {seed}: {why}"
    if seed in found.measured.strangers and models not in named:
        named[str(folder.codes)] = f"seed {seed}: not the codes of models.safetensors; one of the two was altered"
    if found.trained_alike and found.losses:
        named[str(folder.history)] = f"seed {seed}: holds other losses than the training that gives the same weights"
    if found.trained_alike and found.told:
        named[str(folder.cell)] = f"seed {seed}: {found.told}"
    if found.exact and models not in named:
        others = {folder.arrays: found.arrays, folder.repeats: found.repeats}
        named |= {str(path): f"seed {seed}: {why}" for path, why in others.items() if why}
    why = found.malformed
    if models not in named:
        why = why or next(_of_rows(found), "") or next(_of_numbers(found), "")
    if why:
        named[str(folder.metrics)] = f"seed {seed}: {why}"
    return named


def of_other_code(rows: Sequence[Unlike], pooled: Pool, same_code: bool) -> dict[Score, str]:
    """Scores that cannot be checked because the code has changed, and why: it has not all of then, or new ones."""
    if same_code:
        return {}
    gone = {each.score: "no score of this code" for each in rows if not each.now}
    new = {each.score for each in rows if not each.then} - pooled.scores
    return gone | dict.fromkeys(new, "in no run of the study, perhaps a score of newer code")


def rests_on_this_machine(status: str) -> bool:
    """Was a metric not computed because pretrained weights were not where it was measured?"""
    starts = [f"not computed: {weights.title} weights " for weights in locked().values()]
    return status.startswith((*starts, "not computed: the dataset's features hold no calibration of "))


def _of_weights(found: Evidence) -> str:
    """Why stored weights, which are not those trained anew, are not what was measured; "" if that is not known."""
    if found.losses == 0 and found.trained and all(each.verdict == Verdict.IDENTICAL for each in found.trained):
        return "trained anew it has the losses and the scores of the study, but other weights"
    if found.seed in found.measured.strangers and found.seed in found.measured.confirmed:
        return "does not encode as codes.npz says; trained anew it does"
    unlike = next(_unlike(found.trained, found.stored or ()), None)
    return f"does not score as the study says ({_of(unlike)}); trained anew it does" if unlike else ""


def _unlike(trained: Sequence[Drift], stored: Sequence[Drift]) -> Iterator[Drift]:
    """Numbers that the stored weights do not have and the weights trained anew do.

    The latter come ten times closer, or can be computed at all; and the former lie beyond the interval, or are of
    `SMOOTH` ones, which measuring on another machine moves in the last digits alone.
    """
    for one, other in zip(stored, trained, strict=bool(stored)):
        away, beside = abs(one.now - one.then), abs(other.now - other.then)
        beyond = one.verdict == Verdict.MOVED and other.verdict != Verdict.MOVED
        smooth = one.key[2] in SMOOTH and not one.key[3] and _is_beyond(ROUNDING, one)
        if (beyond or smooth) and (math.isnan(away) or beside < away / 10):
            yield one


def _of_rows(found: Evidence) -> Iterator[str]:
    """Rows of metrics.csv that measuring this run does not write, whatever their values."""
    for each in found.rows:
        name = f"{each.score[2]} ({each.score[0]}, {each.score[1]})"
        if not each.then or not each.now:
            yield f"{name} {each.told}"  # which scores there are depends on no machine
        elif each.score[2] in found.doubted:
            continue
        elif found.exact or (_is_stable(found) and each.agreed and each.score[2] in SMOOTH):
            yield f"{name} {each.told}"


def _of_numbers(found: Evidence) -> Iterator[str]:
    """Values of metrics.csv that the model which it was measured of does not have.

    On a machine as then all its numbers are the same to the last bit. Elsewhere `SMOOTH` ones move in the last digits,
    or by less than `FLIPS` where a GPU rounded to fewer; and a number that this model and the one trained anew share,
    though their weights differ, does not hang on rounding, unless a library computes it otherwise.
    """
    trained = {each.key: each.now for each in found.trained}
    differ = {reason.partition(":")[0] for reason in found.measuring}
    rounding = FLIPS if "device" in differ else ROUNDING
    same_means = bool(found.weights) and not differ & {"device", *ROUNDS}
    for each in found.trained if found.stored is None else found.stored:
        if each.verdict == Verdict.IDENTICAL or each.key[2] in found.doubted:
            continue
        settled = same_means and not each.key[3] and trained.get(each.key) == each.now and _is_beyond(FLIPS, each)
        smooth = each.key[2] in SMOOTH and not each.key[3] and _is_beyond(rounding, each)
        if found.exact or (_is_stable(found) and (smooth or settled)):
            yield f"the same weights score otherwise ({_of(each)})"


def _is_stable(found: Evidence) -> bool:
    """Is the model the one that was measured then, and by code that is not known to be another?"""
    return found.sure and found.same_code and found.stored is not None


def _is_beyond(share: float, each: Drift) -> bool:
    """Is a number now farther from then than a share of it, or not there?"""
    return not abs(each.now - each.then) <= share * abs(each.then)


def _of(each: Drift) -> str:
    return f"{each.key[2]} {each.then:.6g} → {each.now:.6g}"
