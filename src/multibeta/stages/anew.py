"""Stage verify, one cell of it: seeds trained and measured in a folder of their own, held against the study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from multibeta.report.drift import Drift, Pool, Verdict, Verified, drifts, reasons, yardsticks
from multibeta.report.equal_runs import ROUNDING
from multibeta.results import METRICS_COLUMNS, CellFolder, StudyFolder, data_folder, read_table, write_json, write_rows
from multibeta.stages.features import learn_features
from multibeta.stages.shared.codes import Codes, EvaluationImages, conditions, encode_images, read_codes
from multibeta.stages.shared.gather import Found
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import Rows, metric_rows
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.witnesses import codes_agree, distance, stored_weights

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.cell import Cell
    from multibeta.model import Run

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
        measured = _measure(found, own, folder, scratch)
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


@dataclass(frozen=True)
class Measured:
    """What was measured of a cell, as metrics.csv has it.

    Attributes:
        trained, stored: rows of the models trained anew, and of those that the study holds.
        anew, weights: their weights by seed.
        damage: why the study's weights or codes cannot be read, by path.
        strangers: seeds whose stored codes are not those of their stored weights.
        confirmed: seeds whose stored codes are those of the weights trained anew.
    """

    trained: pd.DataFrame
    stored: pd.DataFrame
    anew: Mapping[int, Mapping[str, Tensor]]
    weights: Mapping[int, Mapping[str, Tensor]]
    damage: Mapping[str, str]
    strangers: Sequence[int]
    confirmed: Sequence[int]

    def distance(self, seed: int) -> float | None:
        """From the stored weights to those trained anew; None where either is missing."""
        if seed not in self.weights or seed not in self.anew:
            return None
        return distance(self.weights[seed], self.anew[seed])


def _measure(found: Found, own: Cell, folder: CellFolder, scratch: Path) -> Measured:
    """Measure the runs of ``folder``, trained anew, and the stored ones of the same seeds."""
    from multibeta.training.devices import claim_device

    cell, data = found.cell, data_folder(scratch, found.data_key)
    features = data / "features.safetensors"
    if not features.is_file():
        learn_features(data, features)
    dataset = open_dataset(cell, scratch)
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    real = Real(dataset, chosen, features)
    damage: dict[str, str] = {}
    weights, codes = _stored(found.folder, chosen, damage)
    place = dict(zip(METRICS_COLUMNS, found.key.place, strict=False))
    rows: dict[str, Rows] = {"metrics": [], "stored": []}
    strangers, confirmed = [], []
    with claim_device(cell.running.device) as device:

        def encoded(run: Run) -> Codes:
            return encode_images(run, dataset, chosen, conditions(dataset, run))

        for seed in own.seeds:
            # Its siblings are those that it was measured beside: their stored codes.
            siblings = [codes[each] for each in cell.seeds if each != seed and each in codes]
            for name, source in (("metrics", folder), ("stored", found.folder)):
                run = _opened(source, cell, seed, device, damage) if source.models.is_file() else None
                if run is None:
                    continue
                table = encoded(run)
                if seed in codes and source is folder and _agree(codes[seed], table):
                    confirmed.append(seed)
                elif seed in codes and source is not folder and not _agree(codes[seed], table):
                    strangers.append(seed)
                material = Material(run, real, table, cell.evaluation, run.likelihood, siblings)
                measured, _ = metric_rows(material, cell.metric_names)
                rows[name] += [{**place, "seed": seed, **row} for row in measured]
    # Written and read, so that numbers are read as those of the study are.
    for name, some in rows.items():
        write_rows(folder.path / f"{name}.csv", METRICS_COLUMNS, some)
    trained, stored = (read_table(folder.path / f"{name}.csv", METRICS_COLUMNS) for name in rows)
    return Measured(trained, stored, stored_weights(folder), weights, damage, strangers, confirmed)


def _stored(
    folder: CellFolder, chosen: EvaluationImages, damage: dict[str, str]
) -> tuple[dict[int, dict[str, Tensor]], dict[int, Codes]]:
    """The weights and the codes that the study holds of a cell; what cannot be read goes to ``damage``."""
    weights: dict[int, dict[str, Tensor]] = {}
    codes: dict[int, Codes] = {}
    if folder.models.is_file():
        try:
            weights = stored_weights(folder)
        except ValueError as error:
            damage[str(folder.models)] = _clause(error, folder.models)
    if folder.codes.is_file():
        try:
            images, codes = read_codes(folder)
        except (ValueError, KeyError) as error:
            damage[str(folder.codes)] = _clause(error, folder.codes)
        else:
            if not all(np.array_equal(getattr(images, name), rows) for name, rows in vars(chosen).items()):
                damage[str(folder.codes)] = "holds the codes of other images than the evaluation asks for"
                codes = {}
    return weights, codes


def _opened(folder: CellFolder, cell: Cell, seed: int, device: str, damage: dict[str, str]) -> Run | None:
    from multibeta.model import open_run

    try:
        return open_run(folder, cell, seed, device)
    except ValueError as error:
        damage[str(folder.models)] = _clause(error, folder.models)
        return None


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

    They lie beyond the interval for the former only; or, of `SMOOTH` ones, which measuring on another machine moves in
    the last digits alone, the latter come ten times closer.
    """
    found = []
    for one, other in zip(stored, trained, strict=bool(stored)):
        away, beside = abs(one.now - one.then), abs(other.now - other.then)
        smooth = one.key[2] in SMOOTH and not one.key[3] and away > ROUNDING * abs(one.then) and beside < away / 10
        if smooth or (one.verdict == Verdict.MOVED and other.verdict != Verdict.MOVED):
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


def _agree(one: Codes, other: Codes) -> bool:
    return all(codes_agree(array, getattr(other, name)) for name, array in vars(one).items())


def _clause(error: Exception, path: Path) -> str:
    return " ".join(str(error).split()).removeprefix(f"{path}: ").partition("; remove it")[0]


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
