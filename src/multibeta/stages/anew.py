"""Stage verify, one cell of it: seeds trained and measured in a folder of their own, held against the study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multibeta.report.drift import Drift, Pool, Verdict, Verified, drifts, reasons, yardsticks
from multibeta.report.equal_runs import ROUNDING
from multibeta.results import CellFolder, StudyFolder, data_folder, read_table, write_json
from multibeta.stages.features import learn_features
from multibeta.stages.shared.gather import Found
from multibeta.stages.shared.measured import Measured, measure_both

#: Scores that are smooth functions of the weights: none decides by a threshold.
SMOOTH = ("reconstruction", "kl")
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
    if other := [seed for seed in seeds if found.fingerprints[seed] != spec["fingerprints"][str(seed)]]:
        raise ValueError(
            f"{found.folder.path}: seed {other[0]} would be another run with this code or these plug-ins; "
            "verify with the commit that provenance.json names"
        )
    folder = StudyFolder(scratch / cell.study).cell(*found.key.place)
    own = cell.model_copy(update={"seeds": list(seeds), "running": cell.running.model_copy(update=PLAINLY)})
    write_json(folder.spec, own.model_dump(mode="json"))
    then = found.facts
    count = threads or then["runs"][str(seeds[0])].get("threads")
    with _threads(count):
        now = train(folder)
        data = data_folder(scratch, found.data_key)
        if not (features := data / "features.safetensors").is_file():
            learn_features(data, features)
        measured = measure_both(found, own, folder, scratch)
    half = yardsticks(found.metrics, pooled)
    verified = []
    for seed in seeds:
        of_run = [{**facts, **facts["runs"][str(seed)]} for facts in (then, now)]
        changed = reasons(*of_run)
        table = found.metrics[found.metrics.seed == seed]
        fresh, again = (_of(rows, seed) for rows in (measured.trained, measured.stored))
        left_out = _left_out(table, fresh, again)
        table = table[~table.metric.isin(left_out)]
        trained = drifts(table, fresh, half, changed)
        stored = drifts(table, again, half, changed) if len(again) else None
        weights = measured.distance(seed)
        losses = _losses(found.folder, folder, seed)
        judged = _altered(found.folder, seed, weights, losses, trained, stored, measured, not changed and same_code)
        ended = (of_run[0]["status"], of_run[1]["status"])
        verified.append(
            Verified(found.key.place, seed, ended, changed, weights, losses, trained, stored, judged, left_out)
        )
    return verified


def _altered(
    folder: CellFolder,
    seed: int,
    weights: float | None,
    losses: float | None,
    trained: Sequence[Drift],
    stored: Sequence[Drift] | None,
    measured: Measured,
    alike: bool,
) -> dict[str, str]:
    """Which files of a run are not what was written, as far as training and measuring it anew can tell, and why.

    Args:
        alike: is nothing known to differ from then, neither machine nor code?
    """
    found = dict(measured.damage)
    models = str(folder.models)
    if weights and models not in found:
        unlike = _unlike(trained, stored or ())
        if losses == 0 and trained and all(each.verdict == Verdict.IDENTICAL for each in trained):
            found[models] = (
                f"seed {seed}: trained anew it has the losses and the scores of the study, but other weights"
            )
        elif seed in measured.strangers and seed in measured.confirmed:
            found[models] = f"seed {seed}: does not encode as codes.npz says; trained anew it does"
        elif unlike:
            found[models] = f"seed {seed}: does not score as the study says ({_told(unlike[0])}); trained anew it does"
    if seed in measured.strangers and models not in found:
        found[str(folder.codes)] = f"seed {seed}: not the codes of models.safetensors; one of the two was altered"
    if weights == 0 and losses:
        found[str(folder.history)] = f"seed {seed}: holds other losses than the training that gives the same weights"
    if weights == 0 and alike and stored:
        again = {each.key: each.now for each in stored}
        wrong = [each for each in trained if each.verdict != Verdict.IDENTICAL and again[each.key] == each.now]
        if wrong:
            found[str(folder.metrics)] = f"seed {seed}: the same weights score otherwise ({_told(wrong[0])})"
    return found


def _unlike(trained: Sequence[Drift], stored: Sequence[Drift]) -> list[Drift]:
    """Numbers that the stored weights do not have and the weights trained anew do.

    The latter come ten times closer, or can be computed at all; and the former lie beyond the interval, or are of
    `SMOOTH` ones, which measuring on another machine moves in the last digits alone.
    """
    found = []
    for one, other in zip(stored, trained, strict=bool(stored)):
        away, beside = abs(one.now - one.then), abs(other.now - other.then)
        beyond = one.verdict == Verdict.MOVED and other.verdict != Verdict.MOVED
        smooth = one.key[2] in SMOOTH and not one.key[3] and away > ROUNDING * abs(one.then)
        if (beyond or smooth) and (math.isnan(away) or beside < away / 10):
            found.append(one)
    return found


def _told(each: Drift) -> str:
    return f"{each.key[2]} {each.then:.6g} → {each.now:.6g}"


def _left_out(then: pd.DataFrame, *now: pd.DataFrame) -> dict[str, str]:
    """Metrics that the study has and that no model could be measured by here, and why."""
    had = set(then[then.status == "done"].metric)
    has = {metric for table in now for metric in table[table.status == "done"].metric}
    why = {metric: status for table in now for metric, status in zip(table.metric, table.status, strict=True)}
    if not any(len(table) for table in now):
        return {}
    return {metric: why.get(metric, "no longer a metric") for metric in sorted(had - has)}


def _losses(one: CellFolder, other: CellFolder, seed: int) -> float | None:
    """The largest relative difference between the histories of a run; 0 only if all is equal, None without one."""
    if not one.history.is_file():
        return None
    first, second = (read_table(each.history, ("seed", "step")) for each in (one, other))
    first, second = (table[table.seed == seed].dropna(axis=1, how="all") for table in (first, second))
    if first.shape != second.shape or list(first) != list(second):
        return math.inf
    a, b = (table.to_numpy(dtype=np.float64) for table in (first, second))
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    relative = relative[np.isfinite(relative)]
    return float(relative.max()) if relative.size and relative.max() > 0 else math.inf


def _of(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    return table[table.seed == seed]


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads for PyTorch and for the libraries that NumPy, SciPy and scikit-learn call."""
    import torch
    from threadpoolctl import threadpool_limits

    if count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)
