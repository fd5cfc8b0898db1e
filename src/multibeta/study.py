"""A study as the pipeline sees it: one config file turned into cells, or one line that says what is wrong with it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from multibeta import named_datasets, registry, strict_yaml
from multibeta.cell import Cell, Choice, fingerprint, pretrained_run
from multibeta.config_errors import ConfigError, first_line
from multibeta.option_values import LARGE, canonical_strength
from multibeta.options import DatasetEntry, SplitOptions, StudyOptions, VariantEntry
from multibeta.published_values import problem
from multibeta.results import StudyFolder

#: Raise when equal results begin to be reported differently.
REPORT_VERSION = 11

#: Jobs that Snakemake can plan; Locatello et al. 2019 trained 12,600 models, in 252 cells.
MOST_CELLS = 10_000
MOST_RUNS = 1_000_000

#: Keys of a cell in study.json that follow from its spec.
FOLLOWS = ("data_key", "fingerprints", "evaluation_fingerprint")

#: Seeds by (dataset, variant, strength).
Sweep = dict[tuple[str, str, str], list[int]]


class Study:
    """A validated study and its cells.

    Attributes:
        options: the config file, typed.
        cells: one `Cell` for each dataset, variant and strength, in the order of the config file.
    """

    def __init__(self, options: StudyOptions, where: str = "config") -> None:
        self.options = options
        self.where = where
        self._datasets: dict[str, Choice] = {}
        self.cells = self._cells()

    @classmethod
    def parse(cls, config: dict[str, Any], where: str = "config") -> Study:
        """Validate a config mapping; ``where`` names its file in messages.

        Raises:
            ConfigError: one line with the key, the value found and what is allowed.
        """
        try:
            options = StudyOptions.model_validate(config)
        except ValidationError as error:
            raise ConfigError(f"{where}: {first_line(error, StudyOptions)}") from None
        return cls(options, where)

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a config file.

        Raises:
            ConfigError: as `parse`, or the file is missing, is no YAML mapping or gives a key twice.
        """
        return cls.parse(strict_yaml.read(path), str(path))

    @property
    def name(self) -> str:
        return self.options.name

    def folder(self, root: Path) -> StudyFolder:
        return StudyFolder(root / self.name)

    def cell(self, dataset: str, variant: str, beta: str) -> Cell:
        return self._by_key[dataset, variant, beta]

    def require_cell(self, dataset: str, variant: str, beta: str) -> Cell:
        """As `cell`.

        Raises:
            ConfigError: the study has none of these names.
        """
        found = self._by_key.get((dataset, variant, beta))
        if found is None:
            self._fail("cell", f"{dataset}/{variant}/beta~{beta}", "is not in the study")
        return found

    def require_meant(self) -> None:
        """Refuse a very large study whose file does not say that it is meant; asked when it is really started.

        A key of the file rather than a question: a sweep is mostly started where nobody answers, by a script, on a
        cluster, or again after a kill.

        Raises:
            ConfigError: it has `LARGE` runs or more, and ``running.large`` is not set.
        """
        runs = sum(len(cell.seeds) for cell in self.cells)
        if runs >= LARGE and not self.options.running.large:
            size = f"this study starts {runs:,} runs in {len(self.cells):,} cells"
            ask = f"`multibeta plan {self.where}` says what they take; set it to true to start them"
            self._fail("running.large", False, f"{size}; {ask}")

    @property
    def gpus_per_job(self) -> int:
        """1 if a training of this study takes a GPU, so that Snakemake starts no more at once than there are."""
        wanted = self.options.running.device
        return int(wanted == "cuda" or (wanted == "auto" and Path("/proc/driver/nvidia/gpus").is_dir()))

    @property
    def report_fingerprint(self) -> str:
        """The identity of the report, given its cells' results."""
        cells = [cell.model_dump(mode="json", exclude={"running", "mirror"}) for cell in self.cells]
        return fingerprint([REPORT_VERSION, self.options.report.model_dump(mode="json"), cells])

    def resolved(self) -> dict[str, Any]:
        """What ``study.json`` holds: the config as given, and every cell with all layers merged."""
        return {
            "name": self.name,
            "config_file": self.where,
            "report": self.options.report.model_dump(mode="json"),
            "config": self.options.model_dump(mode="json", exclude_unset=True),
            "cells": [{**cell.model_dump(mode="json"), **_of_study(cell)} for cell in self.cells],
        }

    def _cells(self) -> list[Cell]:
        options = self.options
        for position, path in enumerate(options.plugins):
            with self._blame(f"plugins[{position}]"):
                registry.load_file(path)
        for position, target in enumerate(options.report.targets):
            with self._blame(f"report.targets[{position}].metric", target.metric):
                _require_score(target.metric)
        for name, entry in options.datasets.items():
            self._check_split(name, entry)
        grids = {variant: self._strengths(variant, entry) for variant, entry in options.variants.items()}
        self._require_feasible(len(options.datasets) * sum(map(len, grids.values())))
        seeds: Sweep = {}
        for dataset, (variant, grid) in itertools.product(options.datasets, grids.items()):
            for strength in grid:
                seeds[dataset, variant, strength] = list(options.seeds)
        self._include(seeds)
        self._exclude(seeds)
        if not seeds:
            self._fail("exclude", len(options.exclude), "leaves no cell to train")
        self._by_key = {key: self._cell(*key, cell_seeds) for key, cell_seeds in seeds.items()}
        cells = list(self._by_key.values())
        for position, published in enumerate(options.report.published):
            if found := problem(published, cells):
                self._fail(f"report.published[{position}].{found.key}", found.value, found.message)
        return cells

    def _require_feasible(self, product: int) -> None:
        """Refuse what would fill the memory, before it does; what ``exclude`` takes out is counted."""
        options = self.options
        cells = product + len(options.include)
        runs = product * len(options.seeds) + sum(len(extra.seeds or options.seeds) for extra in options.include)
        for factors, count, most in (
            ("datasets × variants × strengths", cells, MOST_CELLS),
            ("datasets × variants × strengths × seeds", runs, MOST_RUNS),
        ):
            if count > most:
                self._fail(factors, count, f"must be ≤ {most}; split the study")

    def _include(self, seeds: Sweep) -> None:
        options = self.options
        for position, extra in enumerate(options.include):
            for name, value, known in (
                ("dataset", extra.dataset, list(options.datasets)),
                ("variant", extra.variant, list(options.variants)),
            ):
                if value not in known:
                    hint = registry.nearest(value, known)
                    self._fail(f"include[{position}].{name}", value, f"is not among the {name}s of the study{hint}")
            key = (extra.dataset, extra.variant, extra.strength)
            seeds[key] = list(dict.fromkeys([*seeds.get(key, []), *(extra.seeds or options.seeds)]))

    def _exclude(self, seeds: Sweep) -> None:
        for position, left_out in enumerate(self.options.exclude):
            found = left_out.model_dump(exclude_none=True)
            if not found:
                self._fail(f"exclude[{position}]", found, "must give at least one of dataset, variant, strength, seed")
            wanted = (left_out.dataset, left_out.variant, left_out.strength)
            matching = [
                key
                for key, cell in seeds.items()
                if all(value in (None, own) for value, own in zip(wanted, key, strict=True))
                and (left_out.seed is None or left_out.seed in cell)
            ]
            if not matching:
                self._fail(f"exclude[{position}]", found, "matches no cell of the study")
            for key in matching:
                seeds[key] = [seed for seed in seeds[key] if left_out.seed not in (None, seed)]
                if not seeds[key]:
                    del seeds[key]

    def _strengths(self, variant: str, entry: VariantEntry) -> list[str]:
        if entry.strengths is not None:
            return entry.strengths
        if self.options.strengths is not None:
            return self.options.strengths
        with self._blame(f"variants.{variant}"):
            grid = registry.find("variant", entry.variant or variant).strengths
        return [canonical_strength(strength) for strength in grid]

    def _cell(self, dataset: str, variant: str, strength: str, seeds: list[int]) -> Cell:
        options = self.options
        of_dataset, of_variant = options.datasets[dataset], options.variants[variant]
        layers = (options, of_dataset, of_variant)
        chosen = self._choice("variant", variant, of_variant.variant, of_variant.options)
        of_method = registry.find("variant", chosen.plug_in).training
        cell = Cell(
            study=options.name,
            dataset=self._dataset(dataset),
            split=of_dataset.split,
            variant=chosen,
            strength=strength,
            seeds=seeds,
            training=_merge([layer.training for layer in layers], of_method),
            evaluation=_merge([layer.evaluation for layer in layers]),
            running=options.running,
            plugins=options.plugins,
            mirror=options.mirror or os.environ.get("MULTIBETA_MIRROR"),
        )
        self._check_architecture(cell)
        key, value = self._origin("training", "pretrained", dataset, variant), cell.training.pretrained
        if value is not None:
            with self._blame(key, value):
                pretrained_run(Path(value), seeds[0])
        for name in [] if cell.evaluation.metrics == "all" else cell.evaluation.metrics:
            with self._blame(self._origin("evaluation", "metrics", dataset, variant), name):
                registry.find("metric", name)
        with self._blame(f"variants.{variant}"):
            try:
                cell.condition()
            except ValueError as error:
                raise ValueError(f"dataset {dataset} {error}") from None
            made = cell.variant.make("variant")
            if made.points and cell.training.held_out_loss == "elbo":
                raise ValueError("has no ELBO, for its codes are points; training.held_out_loss must be objective")
            if made.points and cell.training.free_bits:
                raise ValueError("has no KL, for its codes are points; training.free_bits must be 0")
            made.check(cell.training)
        # As the file spells it, 32 rather than 32.0 or '32'.
        with self._blame(self._strength_origin(dataset, variant, strength), json.loads(strength)):
            try:
                made.check_strength(float(strength))
            except ValueError as error:
                raise ValueError(f"{error} (variant {variant})") from None
        return cell

    def _check_split(self, name: str, entry: DatasetEntry) -> None:
        """As far as the declarations of the dataset tell; the rest is seen when it is opened."""
        if entry.split == SplitOptions():
            return
        source = self._choice("dataset", name, entry.dataset, entry.options).make("dataset")
        try:
            source.check_split(entry.split)
        except ValueError as error:
            raise ConfigError(f"{self.where}: datasets.{name}.{error}") from None

    def _check_architecture(self, cell: Cell) -> None:
        place, training = (cell.dataset.name, cell.variant.name), cell.training
        key, value = self._origin("training", "architecture", *place), training.architecture
        with self._blame(key, value):
            plug_in = registry.find("architecture", value)
        try:
            plug_in.Options.model_validate(training.architecture_options)
        except ValidationError as error:
            prefix = self._origin("training", "architecture_options", *place)
            raise ConfigError(f"{self.where}: {first_line(error, plug_in.Options, prefix=prefix)}") from None
        with self._blame(key, value):
            try:
                cell.make_architecture().check(cell.dataset.make("dataset").shape)
            except ValueError as error:
                raise ValueError(f"{error} (dataset {cell.dataset.name})") from None

    def _dataset(self, name: str) -> Choice:
        """A dataset of the study, meant with the content that it has now."""
        if name not in self._datasets:
            entry = self.options.datasets[name]
            choice = self._choice("dataset", name, entry.dataset, entry.options)
            try:
                source = choice.make("dataset")
                pinned = source.pinned()
                _ = source.shape, source.factors, source.classes  # read from files too, which may be wrong
            except (OSError, RuntimeError, ValueError) as error:
                raise ConfigError(f"{self.where}: datasets.{name}: {error}") from None
            self._datasets[name] = choice.model_copy(update={"options": {**choice.options, **pinned}})
        return self._datasets[name]

    def _choice(self, kind: str, name: str, given: str | None, options: dict[str, Any]) -> Choice:
        choice = Choice(name=name, plug_in=given or name, options=options)
        with self._blame(f"{kind}s.{name}{f'.{kind}' if given else ''}"):
            if kind == "dataset":
                found, options = named_datasets.resolve(choice.plug_in, options)
                choice = Choice(name=name, plug_in=found, options=options)
            plug_in = registry.find(kind, choice.plug_in)
        try:
            plug_in.Options.model_validate(options)
        except ValidationError as error:
            line = first_line(error, plug_in.Options, prefix=f"{kind}s.{name}.options")
            raise ConfigError(f"{self.where}: {line}") from None
        return choice

    def _origin(self, section: str, key: str, dataset: str, variant: str) -> str:
        """The path of the layer that decides an option, as the user would look for it in the file."""
        layers = {
            f"variants.{variant}.": self.options.variants[variant],
            f"datasets.{dataset}.": self.options.datasets[dataset],
        }
        for prefix, layer in layers.items():
            if key in getattr(layer, section).model_fields_set:
                return f"{prefix}{section}.{key}"
        return f"{section}.{key}"

    def _strength_origin(self, dataset: str, variant: str, strength: str) -> str:
        """The path of what brings a strength into the sweep."""
        entry = self.options.variants[variant]
        if strength not in self._strengths(variant, entry):
            cells = [(extra.dataset, extra.variant, extra.strength) for extra in self.options.include]
            return f"include[{cells.index((dataset, variant, strength))}].strength"
        return "strengths" if entry.strengths is None and self.options.strengths else f"variants.{variant}.strengths"

    @contextmanager
    def _blame(self, key: str, value: Any = None) -> Iterator[None]:
        """Turn a ValueError into a ConfigError that names the key."""
        try:
            yield
        except ConfigError:
            raise
        except ValueError as error:
            found = "" if value is None else f" = {value!r}"
            raise ConfigError(f"{self.where}: {key}{found}: {error}") from None

    def _fail(self, key: str, value: Any, message: str) -> NoReturn:
        raise ConfigError(f"{self.where}: {key} = {value!r}: {message}")


def _of_study(cell: Cell) -> dict[str, Any]:
    """What study.json says of a cell beside its spec, so that a reader need not work it out: `FOLLOWS`."""
    fingerprints = {str(seed): cell.run_fingerprint(seed) for seed in cell.seeds}
    return dict(zip(FOLLOWS, (cell.data_key, fingerprints, cell.evaluation_fingerprint), strict=True))


def _require_score(name: str) -> None:
    scores = {score for metric in registry.names("metric") for score in registry.find("metric", metric).all_scores()}
    if name not in scores:
        raise ValueError(f"unknown metric {name!r}{registry.nearest(name, sorted(scores))}")


def _merge(layers: list[Any], below: Mapping[str, Any] | None = None) -> Any:
    """Later layers win, key by key; what no layer sets keeps what is ``below`` them, or its default."""
    given: dict[str, Any] = dict(below or {})
    for layer in layers:
        given.update(layer.model_dump(exclude_unset=True))
    return type(layers[0]).model_validate(given)
