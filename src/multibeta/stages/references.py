"""What codes without a model score: perfect and random ones, to read the scores of models against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from multibeta import randomness, registry
from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.stages.encode import Codes, EvaluationImages
from multibeta.stages.evaluate import Material, measure

#: Value by metric, protocol and representation.
Scores = dict[tuple[str, str, str], float]


def reference_scores(cell: Cell, data: Path) -> dict[str, Scores]:
    """What ``perfect codes`` and ``random codes`` score by every metric of codes that the cell measures.

    Perfect codes are the factors themselves, one latent each, beside latents of noise; random codes are noise only.
    Both have as many latents as the cell, or as there are factors if those are more.
    """
    names = [name for name in cell.metric_names if "codes" in registry.find("metric", name).needs]
    dataset = Dataset(data)
    columns = dataset.factors if dataset.factors is not None else dataset.labels
    if columns is None or not names:
        return {}
    chosen = EvaluationImages.choose(dataset, cell.evaluation)
    factors = columns.reshape(len(columns), -1)[chosen.code_table]
    latents = max(cell.training.latents, factors.shape[1] + 1)
    generator = randomness.numpy_generator(cell.evaluation.seed, "reference codes")
    noise = generator.standard_normal((len(factors), latents))
    perfect = np.concatenate([factors, noise[:, factors.shape[1] :]], axis=1)
    scored = {"perfect codes": perfect, "random codes": noise}
    return {title: _measure(codes, names, cell, dataset, chosen) for title, codes in scored.items()}


def _measure(codes: Any, names: list[str], cell: Cell, dataset: Dataset, chosen: EvaluationImages) -> Scores:
    # Without variance a sample of the posterior is its mean, so both representations score alike.
    nothing = np.full_like(codes, -np.inf)
    table = Codes(codes, nothing, codes[:0], nothing[:0])
    material = Material(None, dataset, chosen, table, cell.evaluation, Path())  # type: ignore[arg-type]
    rows = [row for row in measure(material, names)[0] if row["factor"] == "" and row["status"] == "done"]
    return {(row["metric"], row["protocol"], row["representation"]): row["value"] for row in rows}
