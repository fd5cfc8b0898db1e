"""Models of a cell measured side by side: those trained anew, and those that a study holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multibeta.files import read_table, write_rows
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, CellFolder
from multibeta.stages.evaluate import repeated_rows
from multibeta.stages.shared.codes import Codes, EvaluationImages, conditions, encode_images, read_codes
from multibeta.stages.shared.gather import Found
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import Matrices, Rows, metric_rows
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.witnesses import clause, codes_agree, distance, of_other_runs, stored_weights

if TYPE_CHECKING:
    from torch import Tensor

    from multibeta.cell import Cell
    from multibeta.model import Run


@dataclass(frozen=True)
class Measured:
    """What was measured of a cell, as metrics.csv has it.

    Attributes:
        folder: where the models trained anew lie.
        trained, stored: rows of the models trained anew, and of those that the study holds.
        anew, weights: their weights by seed.
        arrays: matrices behind the scores of the stored model of a seed, or of that trained anew where there is none.
        repeats: scores of the first finished run by every seed of the metrics, as repeats.csv has them, where it is one
            of those measured; likewise of the stored model if there is one.
        damage: why the study's weights or codes cannot be read or are not of its runs, by path.
        strangers: seeds whose stored codes are not those of their stored weights.
        own: seeds whose stored codes are.
        confirmed: seeds whose stored codes are those of the weights trained anew.
        alone: are codes of a finished run of the cell missing, so that its siblings cannot be measured beside it?
    """

    folder: CellFolder
    trained: pd.DataFrame
    stored: pd.DataFrame
    anew: Mapping[int, Mapping[str, Tensor]]
    weights: Mapping[int, Mapping[str, Tensor]]
    arrays: Mapping[int, Matrices]
    repeats: pd.DataFrame
    damage: Mapping[str, str]
    strangers: Sequence[int]
    own: Sequence[int]
    confirmed: Sequence[int]
    alone: bool

    def distance(self, seed: int) -> float | None:
        """From the stored weights to those trained anew; None where either is missing."""
        if seed not in self.weights or seed not in self.anew:
            return None
        return distance(self.weights[seed], self.anew[seed])


def measure_both(
    found: Found,
    own: Cell,
    folder: CellFolder,
    scratch: Path,
    threads: int | None,
    threads_then: Mapping[int, int | None],
) -> Measured:
    """Measure the stored runs of some seeds, with as many threads as then, and those trained anew.

    Args:
        found: the cell as the study holds it.
        own: its spec, of the seeds that were trained anew.
        folder: where these lie, and the rows are written: ``metrics.csv``, and ``stored.csv`` of the stored ones.
        scratch: the folder of all studies that holds the dataset and its features.
        threads: to measure what was trained anew with; None: as many as PyTorch takes.
        threads_then: what the stored run of each seed is measured with.
    """
    from multibeta.training.devices import claim_device

    cell = found.cell
    dataset = open_dataset(cell, scratch)
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    real = Real(dataset, chosen, dataset.folder / "features.safetensors")
    damage: dict[str, str] = {}
    finished = [seed for seed in cell.seeds if found.status(seed)[0] == "done"]
    weights, codes = _stored(found, chosen, damage)
    place = dict(zip(METRICS_COLUMNS, found.key.place, strict=False))
    rows: dict[str, Rows] = {"metrics": [], "stored": []}
    repeats: Rows = []
    arrays: dict[int, Matrices] = {}
    strangers: list[int] = []
    ours: list[int] = []
    confirmed: list[int] = []
    with claim_device(cell.running.device) as device:

        def encoded(run: Run) -> Codes:
            return encode_images(run, dataset, chosen, conditions(dataset, run))

        for seed in own.seeds:
            # Its siblings are those that it was measured beside: their stored codes.
            siblings = [codes[each] for each in cell.seeds if each != seed and each in codes]
            # The stored one first, for what the models share is made with the first: what is real.
            for name, source, count in (
                ("stored", found.folder, threads_then[seed]),
                ("metrics", folder, threads),
            ):
                run = _opened(source, cell, seed, device, damage) if source.models.is_file() else None
                if run is None:
                    continue
                with limited_threads(count):
                    table = encoded(run)
                    material = partial(Material, run, real, table, likelihood=run.likelihood, siblings=siblings)
                    measured, matrices = metric_rows(material(cell.evaluation), cell.metric_names)
                    if seed not in arrays:
                        arrays[seed] = matrices
                        if seed in finished[:1]:
                            again = repeated_rows(measured, material, cell)
                            repeats = [{**place, "seed": seed, **row} for row in again]
                rows[name] += [{**place, "seed": seed, **row} for row in measured]
                if seed in codes:
                    agree = _agree(codes[seed], table)
                    if source is folder and agree:
                        confirmed.append(seed)
                    elif source is not folder:
                        (ours if agree else strangers).append(seed)
    # Written and read, so that numbers are read as those of the study are.
    for name, some in rows.items():
        write_rows(folder.path / f"{name}.csv", METRICS_COLUMNS, some)
    write_rows(folder.repeats, REPEATS_COLUMNS, repeats)
    trained, stored = (read_table(folder.path / f"{name}.csv", METRICS_COLUMNS) for name in rows)
    return Measured(
        folder=folder,
        trained=trained,
        stored=stored,
        anew=stored_weights(folder),
        weights=weights,
        arrays=arrays,
        repeats=read_table(folder.repeats, REPEATS_COLUMNS),
        damage=damage,
        strangers=strangers,
        own=ours,
        confirmed=confirmed,
        alone=not set(finished) <= codes.keys(),
    )


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """So many threads for PyTorch and for the libraries that NumPy, SciPy and scikit-learn call; None: as it is."""
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


def _stored(
    found: Found, chosen: EvaluationImages, damage: dict[str, str]
) -> tuple[dict[int, dict[str, Tensor]], dict[int, Codes]]:
    """The weights and the codes that the study holds of a cell; what cannot be read goes to ``damage``."""
    folder, runs = found.folder, found.facts["runs"]
    weights: dict[int, dict[str, Tensor]] = {}
    codes: dict[int, Codes] = {}
    if folder.models.is_file():
        try:
            weights = stored_weights(folder)
        except ValueError as error:
            damage[str(folder.models)] = clause(error, folder.models)
    if folder.codes.is_file():
        try:
            images, codes = read_codes(folder)
        except (ValueError, KeyError) as error:
            damage[str(folder.codes)] = clause(error, folder.codes)
        else:
            if not all(np.array_equal(getattr(images, name), rows) for name, rows in vars(chosen).items()):
                damage[str(folder.codes)] = "holds the codes of other images than the evaluation asks for"
                codes = {}
            elif why := of_other_runs(codes, runs):
                damage[str(folder.codes)] = why
    return weights, codes


def _opened(folder: CellFolder, cell: Cell, seed: int, device: str, damage: dict[str, str]) -> Run | None:
    from multibeta.model import open_run

    try:
        return open_run(folder, cell, seed, device)
    except ValueError as error:
        damage[str(folder.models)] = clause(error, folder.models)
        return None


def _agree(one: Codes, other: Codes) -> bool:
    return all(codes_agree(array, getattr(other, name)) for name, array in vars(one).items())
