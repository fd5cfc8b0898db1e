"""Models of a cell measured side by side: those trained anew, and those that a study holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multibeta.results import METRICS_COLUMNS, CellFolder, read_table, write_rows
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


def measure_both(found: Found, own: Cell, folder: CellFolder, scratch: Path) -> Measured:
    """Measure runs trained anew, and the stored ones of the same seeds.

    Args:
        found: the cell as the study holds it.
        own: its spec, of the seeds that were trained anew.
        folder: where these lie, and the rows are written: ``metrics.csv``, and ``stored.csv`` of the stored ones.
        scratch: the folder of all studies that holds the dataset and its features.
    """
    from multibeta.training.devices import claim_device

    cell = found.cell
    dataset = open_dataset(cell, scratch)
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    real = Real(dataset, chosen, dataset.folder / "features.safetensors")
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


def _agree(one: Codes, other: Codes) -> bool:
    return all(codes_agree(array, getattr(other, name)) for name, array in vars(one).items())


def _clause(error: Exception, path: Path) -> str:
    return " ".join(str(error).split()).removeprefix(f"{path}: ").partition("; remove it")[0]
