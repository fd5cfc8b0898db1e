"""Stage encode: the posterior of every evaluation image, once per run, for every metric and figure to read."""

from __future__ import annotations

from typing import Any

import numpy as np

from multibeta.files import replacing
from multibeta.results import CellFolder
from multibeta.stages.shared.codes import EvaluationImages, conditions, encode_images
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell


def encode(folder: CellFolder) -> None:
    """Write ``codes.npz`` of a trained cell: `Codes` of every finished run, and which images they encode.

    Raises:
        FileNotFoundError: the cell is not trained or its dataset not prepared.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    dataset = open_dataset(cell, folder.root)
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    arrays: dict[str, Any] = dict(vars(chosen))
    with claim_device(cell.running.device) as device:
        for seed, run in load_cell(folder, device).items():
            codes = encode_images(run, dataset, chosen, conditions(dataset, run))
            arrays |= {f"seed{seed}/{name}": array for name, array in vars(codes).items()}
    with replacing(folder.codes) as temporary:
        np.savez(temporary, **arrays)
