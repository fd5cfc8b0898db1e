"""What the JSON files of results hold: each is held to its form when it is read, for it may be damaged or not ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from multibeta.config_errors import first_line
from multibeta.files import read_json
from multibeta.option_values import LARGEST_SEED, NAME
from multibeta.options import ReportOptions
from multibeta.results import RUN_COSTS

#: What becomes part of a path.
Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=200)]
Digits = Annotated[str, Field(pattern="^[0-9]{1,16}$")]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
F = TypeVar("F", bound=BaseModel)


class Form(BaseModel):
    """What is relied on; whatever else there is stays."""

    model_config = ConfigDict(extra="allow", strict=True)


class Named(Form):
    name: Name


class BoardCell(Form):
    """What a cell of study.json says that is read without its plug-ins."""

    dataset: Named
    variant: Named
    strength: str = Field(pattern=r"^[0-9.]{1,24}$")
    seeds: list[Seed]
    fingerprints: dict[Digits, Hash]
    evaluation_fingerprint: str = ""

    @model_validator(mode="after")
    def _of_every_seed(self) -> BoardCell:
        if lost := [seed for seed in self.seeds if str(seed) not in self.fingerprints]:
            raise ValueError(f"there is no fingerprint of seed {lost[0]}")
        return self


class StudyCell(BoardCell):
    data_key: str = Field(pattern="^[A-Za-z0-9_-]{1,200}~[0-9a-f]{8}$")


class StudyConfig(Form):
    plugins: list[str] = []
    datasets: list[Name] | dict[Name, dict[str, Any] | None]


class BoardRecord(Form):
    """As much of study.json as tells which runs there are."""

    name: Name
    cells: list[BoardCell]


class StudyRecord(Form):
    """study.json."""

    name: Name
    config_file: str
    report: dict[str, Any]
    config: StudyConfig
    cells: list[StudyCell]


class Ended(Form):
    """What became of a run."""

    status: Literal["done", "diverged", "out_of_memory", "timeout", "error"]
    reason: str
    device: str = ""

    @model_validator(mode="after")
    def _numbers(self) -> Ended:
        for name in RUN_COSTS:
            value = (self.model_extra or {}).get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ValueError(f"{name} must be a number")
        return self


class EndRecord(Ended):
    """The facts of finished.safetensors."""

    columns: list[str]


class StateRecord(Form):
    """The facts of a checkpoint."""

    step: Count
    step_is_finished: bool
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    columns: list[str]
    rate_factor: Finite
    plateau: Annotated[list[Finite | None], Field(min_length=2, max_length=2)] | None
    best_loss: Finite | None
    waited: Count


class RunRecord(Ended):
    """A run in cell.json."""

    fingerprint: str
    identity: dict[str, Any] = {}


class CellRecord(Form):
    """cell.json."""

    runs: dict[Digits, RunRecord]
    versions: dict[str, Any] = {}
    hardware: dict[str, Any] = {}


class CostsRecord(Form):
    """costs.json: seconds by seed, and fingerprints of the evaluation and of the run of each seed."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(init=False)
    evaluation: str = ""
    runs: dict[Digits, str] = {}


def is_measured(costs: Mapping[str, Any], seed: int, run: str, evaluation: str) -> bool:
    """Are a cell's measures those of this run by this evaluation, by what its costs.json says?

    Args:
        run: fingerprint of the run.
        evaluation: fingerprint of the evaluation.

    What is not said, as in an older study, is taken to be so.
    """
    runs = costs.get("runs")
    return (not runs or runs.get(str(seed)) == run) and is_by(costs, evaluation)


def is_by(costs: Mapping[str, Any], evaluation: str) -> bool:
    """Are a cell's measures, whatever runs they are of, by the evaluation of this fingerprint? As in `is_measured`."""
    by = costs.get("evaluation")
    return not by or not evaluation or by == evaluation


class ProgressRecord(Form):
    """progress.json: where a training is."""

    step: Count
    steps: Count
    steps_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class HolderRecord(Form):
    """A lock's holder: a process, and where it is seen."""

    pid: Annotated[int, Field(ge=1, le=2**31 - 1)]
    host: str
    boot: str = ""
    namespace: str = ""


class ReferenceScore(Form):
    metric: str
    protocol: str
    representation: str
    value: Finite | None


class ReferencesRecord(Form):
    """references/<dataset>.json."""

    fingerprint: str
    scores: dict[str, list[ReferenceScore]]


class ProvenanceRecord(Form):
    """provenance.json."""

    versions: list[dict[str, Any]] = []
    git_commit: str | None = None
    command: str = ""


class DataChoice(Form):
    plug_in: str
    options: dict[str, Any]


class DataSpecRecord(Form):
    """spec.json of a prepared dataset."""

    dataset: DataChoice
    plugins: list[str]
    mirror: str | None


class CardFactor(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    size: Annotated[int, Field(ge=1, le=2**31)]
    kind: Literal["categorical", "ordinal", "periodic"]


class CardFile(Form):
    name: str
    digest: str


class CardPlugIn(Form):
    name: str


#: Channels, height, width.
Shape = Annotated[list[Annotated[int, Field(ge=1, le=65536)]], Field(min_length=3, max_length=3)]


class ArraysRecord(Form):
    """As much of card.json as tells what the arrays are."""

    name: str
    plug_in: CardPlugIn | None = None
    options: dict[str, Any] = {}
    shape: Shape | None = None
    stored_shape: Shape | None = None
    binary: bool = False
    derived: bool = False
    extras: list[str] = []
    factors: list[CardFactor]
    classes: list[str]


class CardRecord(ArraysRecord):
    """card.json of a prepared dataset, as a report reads it."""

    title: str
    licence: str
    source: str
    sha256: dict[str, str]
    files: list[CardFile]
    images: Count
    held_out: Count


def held_to(form: type[F], content: Any, where: Path) -> F:
    """The content as its form.

    Raises:
        ValueError: it is not of this form; one line that names the file and the key.
    """
    try:
        return form.model_validate(content)
    except ValidationError as error:
        problem = first_line(error, form).removeprefix(" = ")
        raise ValueError(f"{where}: damaged ({problem}); remove it and make it again") from None


def read(path: Path, form: type[BaseModel]) -> dict[str, Any]:
    """What a file of JSON holds, as it lies there, if it is of this form.

    Raises:
        ValueError: it is damaged or not of this form; one line that names the file and the key.
    """
    content: dict[str, Any] = read_json(path)
    held_to(form, content, path)
    return content


def read_study(path: Path) -> dict[str, Any]:
    """study.json, with the options of the report as this version has them.

    Raises:
        ValueError: as `read`.
    """
    study = read(path, StudyRecord)
    report = held_to(ReportOptions, study["report"], path)
    return {**study, "report": report.model_dump(mode="json")}
