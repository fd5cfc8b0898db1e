"""A model from anybody's file, scored: tables, matrices, and the page that the report of a study would have of it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.files import replacing, write_table, write_text
from multibeta.options import EvaluationOptions
from multibeta.report.comparisons import COMPARISONS_COLUMNS
from multibeta.report.findings import GALLERIES, CellKey, Findings
from multibeta.report.html import page
from multibeta.report.scored import scored
from multibeta.report.statistics import summarise
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, StudyFolder
from multibeta.stages.draw import matrices
from multibeta.stages.features import learn_features
from multibeta.stages.prepare import prepare_folder
from multibeta.stages.references import reference_scores
from multibeta.stages.shared.adapter import Adapter
from multibeta.stages.shared.codes import EvaluationImages, conditions, encode_images
from multibeta.stages.shared.gather import calibration_of, measures_of
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import Matrices, Rows, metric_rows
from multibeta.stages.shared.provenance import git_commit
from multibeta.stages.shared.saving import save
from multibeta.stages.shared.specs_by_hand import dataset_by_hand
from multibeta.study import Study

#: A model that was not trained here has no strength and no seed.
NO_STRENGTH, SEED = "", 0


def score(
    file: Path,
    dataset: str,
    name: str,
    evaluation: dict[str, Any],
    results: Path,
    plugins: Sequence[str] = (),
    command: str = "",
) -> Path:
    """Measure the model of a file and write metrics.csv, arrays.npz, figures, report.md and report.html.

    Args:
        file: Python that defines ``model``, or functions ``encode`` and ``decode``; see `multibeta.evaluate`.
        dataset: by name.
        name: of the model, and of the folder below ``results/scores``.
        evaluation: options of `multibeta.options.EvaluationOptions` that differ from their defaults.
        results: folder of all studies.
        plugins: files of datasets and metrics of one's own.
        command: what was typed, for the page.

    Returns:
        The path of report.html.

    Raises:
        ValueError: the file gives no model, or the model's arrays are not what `multibeta.evaluate` describes.
        ConfigError: a name or an option is wrong.
    """
    config: dict[str, Any] = {
        "name": name,
        "datasets": [dataset],
        "variants": ["beta_vae"],
        "strengths": [1],
        "seeds": [SEED],
    }
    config |= {"training": {"architecture": "mlp"}, "evaluation": evaluation, "plugins": list(plugins)}
    (cell,) = Study.parse(config, "score").cells
    model = load_model(file)
    data = prepared(dataset, results)
    measured = measure_anybody(model, data, cell.metric_names, cell.evaluation)
    # The references have as many latents as the model.
    cell = cell.model_copy(update={"training": cell.training.model_copy(update={"latents": measured.latents})})
    return _write(
        StudyFolder(results / "scores" / name), cell, data, measured, {"Model": file.name, "Command": command}
    )


def load_model(file: Path) -> Any:
    """The ``model`` that a Python file defines, or the file's module if it has functions ``encode`` and ``decode``.

    Raises:
        ValueError: there is no such file, it fails, or it defines neither.
    """
    spec = importlib.util.spec_from_file_location(f"multibeta_scored.{file.stem}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{file}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))  # it may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{file}: fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    model = getattr(module, "model", module)
    missing = [name for name in ("encode", "decode") if not callable(getattr(model, name, None))]
    if missing:
        found = "its model has" if model is not module else "it defines no model and has"
        raise ValueError(f"{file}: {found} no function {' and no '.join(missing)}; see docs/how-to/anyones-model.md")
    return model


def prepared(dataset: str | Dataset, results: Path) -> Dataset:
    """The dataset, prepared below ``results`` if given by name, and its features learnt if they are not yet.

    Raises:
        PlugInError: there is no dataset of that name.
    """
    if isinstance(dataset, str):
        dataset = prepare_folder(dataset_by_hand(dataset, results, []))
    features = dataset.folder / "features.safetensors"
    if not features.is_file():
        learn_features(dataset.folder, features)
    return dataset


class Measured(NamedTuple):
    """What `multibeta.stages.evaluate.measure` gives, and the number of the model's latents."""

    rows: Rows
    matrices: Matrices
    latents: int


def measure_anybody(model: Any, dataset: Dataset, metric_names: Sequence[str], options: EvaluationOptions) -> Measured:
    """Every metric of a model that need not be ours.

    Raises:
        ValueError: the model's arrays are not what `multibeta.evaluate` describes.
    """
    ours = hasattr(model, "decode_logits")
    scored = model if ours else Adapter(model, dataset.shape)
    chosen = EvaluationImages.choose(dataset, options)
    table = encode_images(scored, dataset, chosen, conditions(dataset, model))
    likelihood = model.likelihood if ours else ("bernoulli", 0.1)
    features = dataset.folder / "features.safetensors"
    material = Material(scored, Real(dataset, chosen, features), table, options, likelihood)
    rows, matrices = metric_rows(material, metric_names)
    if not rows:
        names = f"{', '.join(metric_names) or 'no metric'} by {', '.join(options.protocols)}"
        raise ValueError(f"nothing to measure: {names}; see the protocols of each metric in docs/metrics/README.md")
    return Measured(rows, matrices, table.mean.shape[1])


def _write(folder: StudyFolder, cell: Cell, data: Dataset, measured: Measured, facts: dict[str, str]) -> Path:
    place = {"dataset": data.name, "variant": folder.path.name, "beta": NO_STRENGTH, "seed": SEED}
    rows = [{**place, **row} for row in measured.rows]
    metrics = pd.DataFrame(rows, columns=list(METRICS_COLUMNS)).astype({"value": float})
    key = CellKey(data.name, folder.path.name, NO_STRENGTH, (SEED,))
    drawn = matrices(measured.matrices, data, f"{folder.path.name} on {data.name}")
    with replacing(folder.path / "arrays.npz") as temporary:
        np.savez(temporary, allow_pickle=False, **measured.matrices)
    write_table(folder.metrics, metrics)
    for stale in folder.figures.glob("*.png"):
        stale.unlink()
    for name, figure in drawn.items():
        save(figure, folder.figures, name)
    findings = Findings(
        name=folder.path.name,
        title=f"{folder.path.name} on {data.name}",
        cells=[key],
        specs={key.place: {"condition": None}},
        cards={data.name: data.card},
        calibrations={data.name: calibration_of(data.folder / "features.safetensors")},
        references={data.name: reference_scores(cell, data)},
        runs=pd.DataFrame(),
        metrics=metrics,
        repeats=pd.DataFrame(columns=list(REPEATS_COLUMNS)),
        summary=summarise(metrics, [key]),
        comparisons=pd.DataFrame(columns=list(COMPARISONS_COLUMNS)),
        measures=measures_of(metrics.metric.unique().tolist()),
        variants={key.variant: key.variant},
        symbols={key.variant: "β"},
        targets=[],
        pictures={key.place: [name for name in GALLERIES if name in drawn]},
        provenance={},
    )
    options = cell.evaluation.model_dump(mode="json", exclude_defaults=True)
    facts |= {"Latents": str(measured.latents), "Evaluation": str(options or "defaults")}
    if commit := git_commit():
        facts["Measured by multibeta at commit"] = commit
    text = scored(findings, facts)
    write_text(folder.report_markdown, text)
    write_text(folder.report_html, page(text, lambda path: (folder.path / path).read_bytes()))
    return folder.report_html
