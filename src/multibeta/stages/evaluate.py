"""Stage evaluate: every metric of every run of a cell; and the same for anybody's model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness, registry
from multibeta.cell import Cell
from multibeta.datasets import Dataset
from multibeta.metrics import Metric, NotComputed, Result
from multibeta.options import EvaluationOptions
from multibeta.results import (
    METRICS_COLUMNS,
    REPEATS_COLUMNS,
    CellFolder,
    data_folder,
    read_json,
    reading,
    replacing,
    write_json,
    write_rows,
)
from multibeta.stages.encode import (
    Codes,
    EvaluationImages,
    Model,
    conditions,
    float_images,
    read_codes,
)
from multibeta.stages.specs import read_cell

#: Held-out images whose codes are traversed, and the values each latent is set to.
ANCHORS = 24
TRAVERSAL = np.linspace(-3, 3, 7)

Rows = list[dict[str, Any]]
#: Matrices by ``<score>/<protocol>/<representation>/<name>``.
Matrices = dict[str, NDArray[Any]]


class Material:
    """What metrics need of one model on one dataset, each piece made when first asked for.

    Raises:
        NotComputed: by a piece that this model or dataset cannot give; its message becomes the metric's status.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        chosen: EvaluationImages,
        codes: Codes,
        options: EvaluationOptions,
        features: Path,
        likelihood: tuple[str, float] = ("bernoulli", 0.1),
        siblings: Sequence[Codes] = (),
    ) -> None:
        self.model, self.dataset, self.chosen, self.table, self.options = model, dataset, chosen, codes, options
        self.seed = options.seed
        self._siblings = siblings
        self._features_file = features
        self._likelihood = likelihood
        self._conditions = conditions(dataset, model)

    def codes(self, representation: str) -> NDArray[np.float64]:
        """(N, D): posterior means, or one sample of each posterior."""
        mean = self.table.mean.astype(np.float64)
        if representation == "mean":
            return mean
        noise = randomness.numpy_generator(self.seed, "sampled codes").standard_normal(mean.shape)
        codes = mean + noise * np.exp(0.5 * self.table.logvar.astype(np.float64))
        if np.abs(codes).max(initial=0) > np.finfo(np.float32).max:
            raise NotComputed(
                f"posteriors are too wide to draw from: log-variances reach {self.table.logvar.max():.3g}"
            )
        return codes

    @cached_property
    def factors(self) -> NDArray[np.int64]:
        if self.dataset.factors is not None:
            return np.asarray(self.dataset.factors[self.chosen.code_table])
        if self.dataset.labels is not None:
            return np.asarray(self.dataset.labels[self.chosen.code_table])[:, None]
        raise NotComputed(f"dataset {self.dataset.name} has neither factors nor labels")

    @property
    def factor_names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.dataset.factor_specs) or ("label",)

    @property
    def factor_kinds(self) -> tuple[str, ...]:
        return tuple(factor.kind for factor in self.dataset.factor_specs) or ("categorical",)

    @property
    def posterior_mean(self) -> NDArray[np.float64]:
        return self.table.mean.astype(np.float64)

    @property
    def posterior_logvar(self) -> NDArray[np.float64]:
        return self.table.logvar.astype(np.float64)

    @property
    def sibling_means(self) -> list[NDArray[np.float64]]:
        return [codes.mean.astype(np.float64) for codes in self._siblings]

    @property
    def sibling_logvars(self) -> list[NDArray[np.float64]]:
        return [codes.logvar.astype(np.float64) for codes in self._siblings]

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.table.held_out_mean.astype(np.float64)

    @property
    def logvar(self) -> NDArray[np.float64]:
        return self.table.held_out_logvar.astype(np.float64)

    @cached_property
    def images(self) -> NDArray[np.float32]:
        return float_images(self.dataset, self.chosen.held_out)

    @cached_property
    def reconstructions(self) -> NDArray[np.float32]:
        return self._decode(self.table.held_out_mean, self._of_held_out)

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """Decoded from the same prior draws for every model; a condition is drawn from the dataset's own."""
        generator = randomness.numpy_generator(self.seed, "prior samples")
        z = generator.standard_normal((self.options.samples, self.mean.shape[1]), dtype=np.float32)
        if self._conditions is None:
            return self._decode(z, None)
        return self._decode(z, generator.choice(self._conditions, len(z)))

    @cached_property
    def traversals(self) -> NDArray[np.float32]:
        """(A, D, V, C, H, W): from the codes of A held-out images, equal for every model, each latent in turn moved."""
        generator = randomness.numpy_generator(self.seed, "traversed images")
        anchors = np.sort(generator.permutation(len(self.mean))[:ANCHORS])
        latents, steps = self.mean.shape[1], len(TRAVERSAL)
        z = np.tile(self.table.held_out_mean[anchors, None, None], (1, latents, steps, 1))
        z[:, np.arange(latents), :, np.arange(latents)] = TRAVERSAL
        condition = None if self._of_held_out is None else self._of_held_out[anchors].repeat(latents * steps)
        images = self._decode(z.reshape(-1, latents), condition)
        return images.reshape(len(anchors), latents, steps, *images.shape[1:])

    @property
    def traversal_values(self) -> NDArray[np.float64]:
        return TRAVERSAL

    @property
    def grid_images(self) -> NDArray[np.uint8]:
        self._require_grid()
        return self.dataset.images

    @property
    def grid_factors(self) -> NDArray[np.int64]:
        self._require_grid()
        assert self.dataset.factors is not None
        return self.dataset.factors

    @cached_property
    def nll(self) -> NDArray[np.float64]:
        """−log p(x|z) of the held-out images at one posterior sample each, nats per image."""
        import torch

        from multibeta.variants._likelihoods import likelihood

        noise = randomness.numpy_generator(self.seed, "posterior samples").standard_normal(self.mean.shape)
        z = (self.mean + noise * np.exp(0.5 * self.logvar)).astype(np.float32)
        logits = torch.from_numpy(self._logits(z)).double()
        return likelihood(*self._likelihood)(logits, torch.from_numpy(self.images).double()).numpy()

    @cached_property
    def features(self) -> Any:
        from multibeta.metrics._features import DomainFeatures

        return DomainFeatures.load(self._features_file)

    def _require_grid(self) -> None:
        if not self.dataset.card["grid"]:
            raise NotComputed(f"dataset {self.dataset.name} is not the full grid of its factors")

    @property
    def _of_held_out(self) -> NDArray[np.int64] | None:
        return None if self._conditions is None else self._conditions[self.chosen.held_out]

    def _decode(self, z: NDArray[Any], condition: NDArray[np.int64] | None) -> NDArray[np.float32]:
        return self.model.decode(z) if condition is None else self.model.decode(z, condition)

    def _logits(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the likelihood takes; for a model that decodes to images only, the inverse of the sigmoid."""
        if hasattr(self.model, "decode_logits"):
            return self.model.decode_logits(z, self._of_held_out)
        images = np.clip(self._decode(z, self._of_held_out).astype(np.float64), 1e-7, 1 - 1e-7)
        return (np.log(images) - np.log1p(-images)).astype(np.float32)


def measure(material: Material, metric_names: Sequence[str]) -> tuple[Rows, Matrices]:
    """Every metric on the material: rows of metrics.csv from ``protocol`` on, and the matrices behind them."""
    rows: Rows = []
    matrices: Matrices = {}
    for name, protocol, representation in _measurements(metric_names, material.options):
        metric: Metric = registry.find("metric", name)()
        settings = metric.recipes([protocol])[protocol]
        try:
            needs = {need: _need(material, need, representation) for need in metric.needs}
            measured = metric.measure(**needs, **settings)
        except NotComputed as reason:
            measured = dict.fromkeys(metric.all_scores(), reason)
        for score, result in _checked(metric, measured).items():
            rows += _rows(protocol, representation, score, result)
            if isinstance(result, Result):
                place = f"{score}/{protocol}/{representation}"
                matrices |= {f"{place}/{array}": values for array, values in result.arrays.items()}
    return rows, matrices


def evaluate(folder: CellFolder) -> None:
    """Write ``metrics.csv``, ``repeats.csv``, ``arrays.npz`` and ``costs.json`` of an encoded cell.

    Raises:
        FileNotFoundError: the cell is not encoded, or its dataset's features are not learnt.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    data = data_folder(folder.root, cell.data_key)
    dataset, ended = Dataset(data), read_json(folder.cell)["runs"]
    chosen, codes = read_codes(folder)
    rows: Rows = []
    repeats: Rows = []
    matrices: Matrices = {}
    costs = {}
    place = {"dataset": cell.dataset.name, "variant": cell.variant.name, "beta": cell.strength}
    with claim_device(cell.running.device) as device:
        runs = load_cell(folder, device)

        def material(seed: int, options: EvaluationOptions) -> Material:
            likelihood = (cell.training.likelihood, cell.training.noise_std)
            siblings = [codes[other] for other in runs if other != seed]
            features = data / "features.safetensors"
            return Material(runs[seed], dataset, chosen, codes[seed], options, features, likelihood, siblings)

        for seed in cell.seeds:
            started = time.monotonic()
            if seed in runs:
                measured, found = measure(material(seed, cell.evaluation), cell.metric_names)
                matrices |= {f"seed{seed}/{name}": matrix for name, matrix in found.items()}
                if seed == next(iter(runs)):
                    again = _repeated(measured, partial(material, seed), cell)
                    repeats = [{**place, "seed": seed, **row} for row in again]
            else:
                measured = _of_failed(cell, ended[str(seed)])
            rows += [{**place, "seed": seed, **row} for row in measured]
            costs[str(seed)] = time.monotonic() - started
    with replacing(folder.arrays) as temporary:
        np.savez(temporary, allow_pickle=False, **matrices)
    write_rows(folder.repeats, REPEATS_COLUMNS, repeats)
    write_rows(folder.metrics, METRICS_COLUMNS, rows)
    write_json(folder.costs, costs)


def read_arrays(folder: CellFolder, seed: int) -> Matrices:
    """The matrices behind the scores of a run, by ``<score>/<protocol>/<representation>/<name>``; none if unmeasured.

    Raises:
        ValueError: the file is damaged.
    """
    if not folder.arrays.is_file():
        return {}
    prefix = f"seed{seed}/"
    with (
        reading(folder.arrays, (BadZipFile, EOFError, ValueError)),
        np.load(folder.arrays, allow_pickle=False) as stored,
    ):
        return {name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)}


def _repeated(measured: Rows, material: Callable[[EvaluationOptions], Material], cell: Cell) -> Rows:
    """The scores that rest on draws, by every seed of the metrics: those ``measured`` by the first, then by others."""
    drawn = [name for name in cell.metric_names if {"seed", "codes"} & set(registry.find("metric", name).needs)]
    seeds = range(cell.evaluation.seed, cell.evaluation.seed + cell.evaluation.metric_seeds)
    by_seed = {seeds[0]: measured}
    for seed in seeds[1:]:
        by_seed[seed] = measure(material(cell.evaluation.model_copy(update={"seed": seed})), drawn)[0]
    scores = {score for name in drawn for score in registry.find("metric", name).all_scores()}
    columns = ("protocol", "representation", "metric", "value")
    return [
        {"metric_seed": seed, **{column: row[column] for column in columns}}
        for seed, rows in by_seed.items()
        for row in rows
        if row["metric"] in scores and row["factor"] == "" and row["status"] == "done"
    ]


def _need(material: Material, need: str, representation: str) -> Any:
    return material.codes(representation) if need == "codes" else getattr(material, need)


def _checked(metric: Metric, measured: Any) -> dict[str, Result | NotComputed]:
    """What a metric returned, by score; a number that is not finite becomes `NotComputed`.

    Raises:
        ValueError: it did not return a Result, or not one for each of its scores.
    """
    results = dict(measured) if isinstance(measured, Mapping) else {metric.name: measured}
    expected = metric.all_scores()
    if set(results) != set(expected) or not all(isinstance(each, Result | NotComputed) for each in results.values()):
        found = ", ".join(f"{name}: {type(each).__name__}" for name, each in results.items())
        raise ValueError(f"metric {metric.name} must return a Result for each of {', '.join(expected)}, found {found}")
    for name, result in results.items():
        if isinstance(result, Result) and not np.isfinite([result.value, *result.parts.values()]).all():
            results[name] = NotComputed(f"metric {metric.name} returned a number that is not finite")
    return results


def _measurements(metric_names: Sequence[str], options: EvaluationOptions) -> Iterator[tuple[str, str, str]]:
    """Metric, protocol and representation of everything that the options ask for."""
    for name in metric_names:
        metric: type[Metric] = registry.find("metric", name)
        for protocol, representation in product(metric.recipes(options.protocols), metric.representations()):
            yield name, protocol, representation


def _rows(protocol: str, representation: str, score: str, result: Result | NotComputed) -> Rows:
    common: dict[str, Any] = {"protocol": protocol, "representation": representation, "metric": score}
    if isinstance(result, NotComputed):
        return [{**common, "n": 0, "status": f"not computed: {result}", "factor": "", "value": None}]
    common |= {"n": result.n, "status": "done"}
    return [{**common, "factor": part, "value": value} for part, value in {"": result.value, **result.parts}.items()]


def _of_failed(cell: Cell, run: dict[str, Any]) -> Rows:
    """The rows of a run that has no model: every metric says why."""
    reason = NotComputed(f"training {run['status']}: {run['reason']}")
    return [
        row
        for name, protocol, representation in _measurements(cell.metric_names, cell.evaluation)
        for score in registry.find("metric", name).all_scores()
        for row in _rows(protocol, representation, score, reason)
    ]
