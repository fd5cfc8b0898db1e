"""Stage verify, one cell of it: seeds trained and measured in a folder of their own, held against the study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multibeta import registry
from multibeta.files import read_table, reading, write_json
from multibeta.report.drift import Drift, Key, Pool, Score, Verified, drifts, reasons, yardsticks
from multibeta.report.drift_rows import malformed, rows_by_score, unlike_rows
from multibeta.results import CellFolder, StudyFolder, data_folder
from multibeta.stages.evaluate import rows_of_failed
from multibeta.stages.features import learn_features
from multibeta.stages.shared.gather import Found
from multibeta.stages.shared.measured import Measured, limited_threads, measure_both
from multibeta.stages.shared.metric_rows import read_arrays
from multibeta.stages.shared.suspects import Evidence, altered, of_other_code, rests_on_this_machine
from multibeta.stages.shared.witnesses import clause, distance, kept_weights

#: What does not change what a run comes to, but costs time or goes on from what is to be checked.
PLAINLY = {"extendable": False, "tensorboard": False, "snapshot_every": None, "max_minutes": None}


def anew(
    study: StudyFolder,
    scratch: Path,
    spec: dict[str, Any],
    seeds: Sequence[int],
    pooled: Pool,
    threads: int | None,
    same_code: bool,
) -> list[Verified]:
    """Train and measure seeds of a cell, measure its stored weights too, and hold both against the study.

    Args:
        scratch: the folder of all studies to write to; the cell's dataset is prepared in it.
        spec: a cell of study.json.
        pooled: the spread of the numbers of its dataset.
        threads: None: as many as the first of the seeds was trained with.
        same_code: is nothing known of the code having changed since the report?

    Raises:
        ValueError: a file of the cell is damaged, or this code trains other runs than it holds.
        OSError: ``scratch`` cannot be written.
    """
    from multibeta.stages.train import train

    found = Found.read(study, spec)
    cell = found.cell
    same_code = same_code and found.evaluation in ("", cell.evaluation_fingerprint)
    if other := [seed for seed in seeds if found.fingerprints[seed] != spec["fingerprints"][str(seed)]]:
        raise ValueError(
            f"{found.folder.path}: seed {other[0]} would be another run with this code or these plug-ins; "
            "verify with the commit that provenance.json names"
        )
    folder = StudyFolder(scratch / cell.study).cell(*found.key.place)
    own = cell.model_copy(update={"seeds": list(seeds), "running": cell.running.model_copy(update=PLAINLY)})
    write_json(folder.spec, own.model_dump(mode="json"))
    then = found.facts
    threads_then = {seed: then["runs"][str(seed)].get("threads") for seed in seeds}
    count = threads or threads_then[seeds[0]]
    with limited_threads(count):
        now = train(folder)
    data = data_folder(scratch, found.data_key)
    learnt = not (features := data / "features.safetensors").is_file()
    if learnt:
        with limited_threads(threads_then[seeds[0]]):
            learn_features(data, features)
    measured = measure_both(found, own, folder, scratch, count, threads_then)
    half = yardsticks(found.metrics, pooled)
    return [_held_against(found, seed, then, now, measured, half, pooled, same_code, learnt) for seed in seeds]


def _held_against(
    found: Found,
    seed: int,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    measured: Measured,
    half: Mapping[Key, float],
    pooled: Pool,
    same_code: bool,
    learnt: bool,
) -> Verified:
    """What became of one run.

    Args:
        then, now: cell.json of the study, and of what was trained anew.
        learnt: were the features learnt here, for want of those that the study was measured with?
    """
    before, after = ({**facts, **facts["runs"][str(seed)]} for facts in (then, now))
    ended = before["status"], after["status"]
    same_code = same_code and before["versions"].get("multibeta") == after["versions"].get("multibeta")
    changed = reasons(before, after)
    table, fresh, again = (each[each.seed == seed] for each in (found.metrics, measured.trained, measured.stored))
    if fresh.empty:  # it ended without a model
        fresh = pd.DataFrame(rows_of_failed(found.cell, after)).astype({"value": float})
    # The stored weights were measured with as many threads as then.
    measuring = changed if again.empty else reasons(before, {**after, "threads": before.get("threads")})
    models = [each for each in (again, fresh) if len(each)]
    left_out = _unknown(found, table, models, measured.alone)
    rows = [each for each in unlike_rows(table, models) if each.score not in left_out]
    left_out |= of_other_code(rows, pooled, same_code)
    trained = _checked(drifts(table, fresh, half, changed), left_out)
    stored = _checked(drifts(table, again, half, measuring), left_out) if len(again) else None
    damage = dict(measured.damage)
    weights, losses = measured.distance(seed), _losses(found.folder, measured.folder, seed, damage)
    doubted = _doubted(found, measured, learnt)
    unchecked = {score[2] for score in left_out} | doubted
    kept = kept_weights(found.folder.root, found.fingerprints[seed])
    evidence = Evidence(
        folder=found.folder,
        seed=seed,
        measured=measured,
        damage=damage,
        weights=weights,
        losses=losses,
        kept=None if kept is None or seed not in measured.weights else distance(measured.weights[seed], kept),
        trained=trained,
        stored=stored,
        rows=[each for each in rows if each.score not in left_out],
        malformed=malformed(table, found.key.place),
        measuring=measuring,
        same_code=same_code,
        doubted=doubted,
        told=_told_otherwise(before, after),
        arrays=_other_arrays(found.folder, seed, measured, unchecked, damage),
        repeats=_other_repeats(found, seed, measured, unchecked),
    )
    named = altered(evidence)
    # What no model has a number of here, and what is otherwise unlike, where the machine or the code are.
    gone = {each.score: each.now for each in evidence.rows if each.then == "done" != each.now and each.agreed}
    return Verified(
        place=found.key.place,
        seed=seed,
        ended=ended,
        reasons=changed,
        weights=weights,
        losses=losses,
        trained=_checked(trained, gone),
        stored=None if stored is None else _checked(stored, gone),
        altered=named,
        left_out={score[2]: why for score, why in {**left_out, **gone}.items()},
        unlike={each.score[2]: each.told for each in evidence.rows if each.score not in gone and ended[0] == ended[1]},
    )


def _unknown(found: Found, then: pd.DataFrame, models: Sequence[pd.DataFrame], alone: bool) -> dict[Score, str]:
    """Scores of a run that cannot be told here for want of files, and why: pretrained weights, codes of siblings.

    A score without a number then is among them only where it has one now.
    """
    needs = _needs(found)
    before, after = rows_by_score(then), rows_by_score(models[0])
    unknown = {}
    for score, rows in before.items():
        status = rows[0][1]
        statuses = [status, after[score][0][1] if score in after else ""]
        of = needs.get(score[2], ())
        if alone and "sibling_means" in of and (status == "done" or rows != after.get(score)):
            unknown[score] = "codes of its siblings are not there"
        elif "features" in of and any(map(rests_on_this_machine, statuses)) and rows != after.get(score):
            unknown[score] = statuses[1] if status == "done" else f"{status} then"
    return unknown


def _doubted(found: Found, measured: Measured, learnt: bool) -> set[str]:
    """Metrics that rest on another file of the study that may not be as it was: learnt features, altered codes."""
    files = {"features"} if learnt else set()
    if measured.strangers or str(found.folder.codes) in measured.damage:
        files.add("sibling_means")
    return {score for score, needs in _needs(found).items() if files & set(needs)}


def _needs(found: Found) -> dict[str, tuple[str, ...]]:
    """What the metric of each score needs."""
    metrics = [registry.find("metric", name) for name in found.cell.metric_names]
    return {score: metric.needs for metric in metrics for score in metric.all_scores()}


def _checked(found: Sequence[Drift], left_out: Collection[Score]) -> list[Drift]:
    return [each for each in found if each.key[:3] not in left_out]


def _told_otherwise(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What cell.json says of how a run ended that its training anew does not; "" if nothing."""
    for name in ("status", "reason", "steps", "epochs", "parameters"):
        if name in then and then[name] != now[name]:
            return f"{name} is {then[name]}, trained anew {now[name]}"
    return ""


def _other_arrays(
    folder: CellFolder, seed: int, measured: Measured, unchecked: Collection[str], damage: dict[str, str]
) -> str:
    """Which matrix behind the scores of a run is not what is measured anew; "" if none."""
    if not folder.arrays.is_file() or seed not in measured.arrays:
        return ""
    try:
        then = read_arrays(folder, seed)
    except ValueError as error:
        damage[str(folder.arrays)] = clause(error, folder.arrays)
        return ""
    now = measured.arrays[seed]
    for name in sorted(then.keys() | now.keys()):
        if name.partition("/")[0] in unchecked:
            continue
        if name not in then:
            return f"{name} is missing"
        if name not in now or not np.array_equal(then[name], now[name], equal_nan=now[name].dtype.kind == "f"):
            return f"{name} is not what is measured anew"
    return ""


def _other_repeats(found: Found, seed: int, measured: Measured, unchecked: Collection[str]) -> str:
    """Which row of repeats.csv is not what is measured anew; "" if none, or if they are not of this run."""
    if not found.folder.repeats.is_file() or not (measured.repeats.seed == seed).any():
        return ""
    columns = ["seed", "metric_seed", "metric", "protocol", "representation", "value"]
    then, now = (
        Counter(table[~table.metric.isin(list(unchecked))][columns].itertuples(index=False, name=None))
        for table in (found.repeats, measured.repeats)
    )
    for row in (*(then - now), *(now - then)):
        lacks = "" if row in then else " is missing"
        return f"{row[2]} ({row[3]}, {row[4]}) by the metrics' seed {row[1]}{lacks or f' is {row[5]:.6g}, not so anew'}"
    return ""


def _losses(one: CellFolder, other: CellFolder, seed: int, damage: dict[str, str]) -> float | None:
    """The largest relative difference between the histories of a run; 0 only if all is equal, None without one.

    Why there is none goes to ``damage``.
    """
    if not one.history.is_file():
        damage[str(one.history)] = "is missing"
        return None
    try:
        with reading(one.history):
            first, second = (_history(each, seed) for each in (one, other))
    except ValueError as error:
        damage[str(one.history)] = clause(error, one.history)
        return None
    if first.shape != second.shape or list(first) != list(second):
        return math.inf
    a, b = first.to_numpy(), second.to_numpy()
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    relative = relative[np.isfinite(relative)]
    return float(relative.max()) if relative.size and relative.max() > 0 else math.inf


def _history(folder: CellFolder, seed: int) -> pd.DataFrame:
    table = read_table(folder.history, ("seed", "step")).astype(np.float64)
    return table[table.seed == seed].dropna(axis=1, how="all")
