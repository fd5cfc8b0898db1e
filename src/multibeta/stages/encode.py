"""Stage encode: the posterior of every evaluation image, once per run, for every metric and figure to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from multibeta.files import replacing
from multibeta.results import CellFolder
from multibeta.stages.shared.codes import MODELS, EvaluationImages, conditions, encode_images, hash_of_models
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.specs import read_cell
from multibeta.training.lock import unlocked


def encode(folder: CellFolder, require_ours: Callable[[], None] = unlocked) -> None:
    """Write ``codes.npz`` of a trained cell: `Codes` of every finished run, which images and which models they are of.

    Args:
        require_ours: called before anything is written; what it raises prevents that.

    Raises:
        FileNotFoundError: the cell is not trained or its dataset not prepared.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    dataset = open_dataset(cell, folder.root)
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    arrays: dict[str, Any] = {**vars(chosen), MODELS: hash_of_models(folder)}
    with claim_device(cell.running.device) as device:
        for seed, run in load_cell(folder, device).items():
            codes = encode_images(run, dataset, chosen, conditions(dataset, run))
            arrays |= {f"seed{seed}/{name}": array for name, array in vars(codes).items()}
    require_ours()
    with replacing(folder.codes) as temporary:
        np.savez(temporary, **arrays)
