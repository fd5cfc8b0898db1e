"""The spec of one training job, and the fingerprints that say which results are still its own."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from multibeta import registry
from multibeta.config_errors import first_line
from multibeta.option_values import NAME, NAMED, Seed, Strength
from multibeta.options import EvaluationOptions, RunningOptions, SplitOptions, TrainingOptions
from multibeta.records import ArraysRecord, CellRecord, Name, held_to, read
from multibeta.results import CellFolder, StudyFolder, data_folder

#: Raise when equal specs begin to train differently: every model is then trained anew.
TRAIN_VERSION = 2
#: Raise when equal models begin to be measured or drawn differently.
EVALUATE_VERSION = 5


class Choice(BaseModel):
    """A plug-in with its options, under the name it has in the study, in paths and in tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    plug_in: str
    options: dict[str, Any] = {}

    def make(self, kind: str) -> Any:
        """The plug-in itself, its options validated.

        Raises:
            ValueError: there is none of that name, or it does not take these options; one line.
        """
        plug_in = registry.find(kind, self.plug_in)
        try:
            return plug_in(plug_in.Options.model_validate(self.options))
        except ValidationError as error:
            raise ValueError(f"{kind} {self.plug_in}: {first_line(error, plug_in.Options)}") from None

    def identity(self, kind: str) -> dict[str, Any]:
        """What of it makes a result; the name in the study does not."""
        plug_in = self.make(kind)
        options = plug_in.options.model_dump(mode="json", exclude_defaults=True, exclude=set(plug_in.identity_exclude))
        return {**plug_in.identity(), **({"options": options} if options else {})}


@dataclass(frozen=True)
class Described:
    """What is known of a dataset without its images.

    Attributes:
        shape: (C, H, W) of the images.
        factors: (name, size) of each.
        classes: how many the labels have, 0 without labels.
    """

    shape: tuple[int, int, int]
    factors: list[tuple[str, int]]
    classes: int


class Cell(BaseModel):
    """The spec of one training job: all that the later steps need to know, in ``spec.json`` of the cell's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: What it was read from.
    _folder: CellFolder | StudyFolder | None = PrivateAttr(None)

    study: Name
    dataset: Choice
    split: SplitOptions = SplitOptions()
    variant: Choice
    strength: Strength
    seeds: list[Seed] = Field(min_length=1)
    training: TrainingOptions
    evaluation: EvaluationOptions
    running: RunningOptions
    plugins: list[str] = []
    mirror: str | None = None

    @field_validator("dataset", "variant")
    @classmethod
    def _is_a_name(cls, choice: Choice) -> Choice:
        if not re.fullmatch(NAME, choice.name):
            raise PydanticCustomError("name", "name must {named}", {"named": NAMED})
        return choice

    @field_validator("seeds")
    @classmethod
    def _are_different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise PydanticCustomError("seeds", "names a seed twice")
        return seeds

    @classmethod
    def of(cls, content: Any, where: Path, folder: CellFolder | StudyFolder) -> Cell:
        """A cell as a file holds it, its plug-ins loaded, with options that they take.

        Args:
            where: the file.
            folder: the cell's or the study's that it lies in.

        Raises:
            ValueError: it is no spec of a cell, or not one that can be trained here; the message names ``where``.
        """
        cell = held_to(cls, content, where)
        cell._folder = folder
        try:
            cell.load_plugins()
            cell.dataset.make("dataset")
            cell.variant.make("variant")
            cell.make_architecture()
            if cell.training.pretrained is not None:
                pretrained_run(Path(cell.training.pretrained), cell.seeds[0])
            for name in cell.metric_names:
                registry.find("metric", name)
        except ValueError as error:
            kind = registry.PlugInError if isinstance(error, registry.PlugInError) else ValueError
            raise kind(f"{where}: {error}") from error
        return cell

    def folder(self, root: Path) -> CellFolder:
        return StudyFolder(root / self.study).cell(self.dataset.name, self.variant.name, self.strength)

    @property
    def data_key(self) -> str:
        """The folder name of the prepared dataset: its name and a hash of what makes its content."""
        return f"{self.dataset.plug_in}~{fingerprint(self._dataset_identity())[:8]}"

    def run_fingerprint(self, seed: int) -> str:
        """The identity of one run: whatever shares it shares the trained weights."""
        return fingerprint(self.run_identity(seed))

    def lineage(self, seed: int) -> str | None:
        """The identity of a run whatever its budget, if its first steps are those of any longer training; else None."""
        options = self.training
        validates = options.select == "best" or (options.plateau_patience, options.early_stopping) != (None, None)
        of_budget = (
            options.learning_rate_schedule != "constant"
            or 0 < options.schedule_steps < 1
            or (validates and not options.validate_every)
        )
        if of_budget:
            return None
        identity = self.run_identity(seed)
        return fingerprint({**identity, "training": {**identity["training"], "budget": "any"}})

    def run_identity(self, seed: int) -> dict[str, Any]:
        """What makes the run what it is, of which its fingerprint is the hash; without options at their defaults."""
        training = self.training.model_dump(mode="json", exclude_defaults=True, exclude={"architecture_options"})
        if self.training.pretrained is not None:
            training["pretrained"] = pretrained_run(Path(self.training.pretrained), seed)[1]
        one_training = registry.find("variant", self.variant.plug_in).one_training
        return {
            "version": TRAIN_VERSION,
            "dataset": self._dataset_identity(),
            **self._split_identity(),
            "variant": self.variant.identity("variant"),
            "architecture": self._architecture.identity("architecture"),
            "strength": "any" if one_training else self.strength,
            "seed": seed,
            "training": training,
        }

    @property
    def seconds_allowed(self) -> float:
        """How long each seed may train; infinite without a limit."""
        minutes = self.running.max_minutes
        return math.inf if minutes is None else 60 * minutes

    def may_go_on(self, run: Mapping[str, Any]) -> bool:
        """Did a run, by its facts, end for want of time that it has by now?"""
        return bool(run["status"] == "timeout" and (run.get("seconds") or 0.0) < self.seconds_allowed)

    @property
    def training_fingerprint(self) -> str:
        """The identity of the cell's models: the only parameter of the rule that trains it."""
        return fingerprint([self.run_fingerprint(seed) for seed in self.seeds])

    @property
    def evaluation_fingerprint(self) -> str:
        """The identity of the cell's measures, given its models, and of the references, which need none."""
        return fingerprint(
            {
                "version": EVALUATE_VERSION,
                "evaluation": self.evaluation.model_dump(mode="json", exclude_defaults=True),
                **self._split_identity(),
                "metrics": [registry.find("metric", name).identity() for name in self.metric_names],
            }
        )

    @property
    def metric_names(self) -> list[str]:
        chosen = self.evaluation.metrics
        return registry.names("metric") if chosen == "all" else list(chosen)

    def condition(self) -> str | None:
        """What the variant conditions on: ``label``, the names of factors joined by ``+``, or None."""
        known = self.described()
        condition: str | None = self.variant.make("variant").condition(known.factors, known.classes)
        return condition

    def condition_size(self) -> int:
        """How many values the condition has; 0 without a condition."""
        condition, known = self.condition(), self.described()
        sizes = {"label": known.classes, **dict(known.factors)}
        return math.prod(sizes[name] for name in condition.split("+")) if condition else 0

    def described(self) -> Described:
        """What its source says of the dataset; where the source's files are gone, what it was prepared to.

        Raises:
            RuntimeError: the files are gone, and the dataset is not prepared.
        """
        source = self.dataset.make("dataset")
        try:
            factors = [(factor.name, factor.size) for factor in source.factors]
            return Described(source.shape, factors, len(source.classes))
        except (OSError, RuntimeError):
            if self._folder is None:
                raise
            prepared = data_folder(self._folder.root, self.data_key) / "card.json"
            card = read(prepared, ArraysRecord) if prepared.is_file() else {}
            if not card.get("shape"):
                raise
        channels, height, width = card["shape"]
        factors = [(factor["name"], factor["size"]) for factor in card["factors"]]
        return Described((channels, height, width), factors, len(card["classes"]))

    @property
    def _architecture(self) -> Choice:
        name = self.training.architecture
        return Choice(name=name, plug_in=name, options=self.training.architecture_options)

    def make_architecture(self) -> Any:
        """The architecture, its options validated."""
        return self._architecture.make("architecture")

    def load_plugins(self) -> None:
        """Make the study's own plug-ins findable in a process that has not read the study."""
        for path in self.plugins:
            registry.load_file(path)

    def _dataset_identity(self) -> dict[str, Any]:
        digests = self.dataset.make("dataset").digests()
        return {**self.dataset.identity("dataset"), **({"files": digests} if digests else {})}

    def _split_identity(self) -> dict[str, Any]:
        """Nothing for the dataset's own split, whose runs are named as before there were others."""
        split = self.split.model_dump(mode="json", exclude_defaults=True)
        return {"split": split} if split else {}


def pretrained_run(folder: Path, seed: int) -> tuple[int, str]:
    """The seed and the fingerprint of the run in a trained cell's folder that another run starts from.

    The run of the same seed, or the cell's first finished one if it has none.

    Raises:
        ValueError: there is no finished run; the message is one clause.
    """
    cell = CellFolder(folder).cell
    if not cell.is_file():
        raise ValueError("is not the folder of a trained cell (it has no cell.json); train it first")
    runs = {int(each): run for each, run in read(cell, CellRecord)["runs"].items() if run["status"] == "done"}
    if not runs:
        raise ValueError("holds no finished run to start from")
    chosen = seed if seed in runs else next(iter(runs))
    return chosen, runs[chosen]["fingerprint"]


def fingerprint(value: Any) -> str:
    """The first 16 hexadecimal digits of the sha256 of the value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
