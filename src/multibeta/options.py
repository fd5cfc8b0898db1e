"""The options of a study, typed and described: the one source of validation, schema and commented config file."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, field_validator, model_validator
from pydantic_core import PydanticCustomError

from multibeta.option_values import (
    LARGE,
    MOST_IMAGES,
    MOST_MINUTES,
    MOST_STEPS,
    NAME,
    NAMED,
    Budget,
    Factors,
    Number,
    Protocols,
    Section,
    Seed,
    Seeds,
    Strength,
    Strengths,
    Values,
)


class TrainingOptions(Section):
    """How models are trained. Every option here is part of a run's fingerprint."""

    architecture: str = Field("burgess", description="the encoder and decoder nets, by name")
    architecture_options: dict[str, Any] = Field({}, description="the architecture's own options")
    pretrained: str | None = Field(
        None, description="folder of a trained cell whose weights, where names and shapes agree, are the initial ones"
    )
    initial_weights: Literal["torch", "he"] = Field("torch", description="PyTorch's own, or He's, for deep ReLU nets")
    latents: StrictInt = Field(10, ge=1, le=1024, description="dimensions of the code z")
    likelihood: Literal["bernoulli", "gaussian", "gaussian_learned"] = Field(
        "bernoulli", description="of an image given its code; gaussian_learned learns its standard deviation"
    )
    noise_std: Number = Field(
        0.1,
        gt=0,
        le=100,
        description="standard deviation of the gaussian likelihood, in grey values; its start where it is learnt",
    )
    budget: Budget = Field("20000 steps", description="'<count> steps' or '<count> epochs'")
    batch_size: StrictInt = Field(64, ge=1, le=65536, description="images per step")
    learning_rate: Number = Field(5e-4, gt=0, le=1, description="of Adam")
    adam_betas: tuple[Annotated[Number, Field(ge=0, lt=1)], Annotated[Number, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.999), description="decay rates of Adam's two moments"
    )
    gradient_clip: Number | None = Field(
        None, gt=0, le=1e9, description="largest norm of the gradient; null: not clipped"
    )
    strength_schedule: Literal["constant", "linear", "cosine", "cyclic"] = Field(
        "constant", description="path of the strength over the first schedule_steps (cyclic: over and over)"
    )
    schedule_steps: Number = Field(
        0,
        ge=0,
        le=MOST_STEPS,
        description="steps of the path, or below 1 its share of the training; 0: full strength from the start",
    )
    schedule_start: Number = Field(
        0.0, ge=0, le=1e6, description="where the path starts, × strength: 0 warms up, above 1 anneals down"
    )
    free_bits: Number = Field(0.0, ge=0, le=1e6, description="nats of each latent's KL that cost nothing")
    learning_rate_schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="path of the learning rate from the end of its warm-up down to 0 at the last step"
    )
    learning_rate_warmup: StrictInt = Field(
        0, ge=0, le=MOST_STEPS, description="steps over which the learning rate first rises from 0"
    )
    weights_average: Number | None = Field(
        None, ge=0, lt=1, description="decay of a running average of the weights, kept in their place; null: none"
    )
    plateau_patience: StrictInt | None = Field(
        None,
        ge=0,
        le=MOST_STEPS,
        description="validations without progress before the learning rate drops; null: never",
    )
    plateau_factor: Number = Field(0.5, gt=0, lt=1, description="what the learning rate is then multiplied by")
    validate_every: StrictInt = Field(
        0, ge=0, le=MOST_STEPS, description="steps between losses on held-out images; 0: ten times per training"
    )
    held_out_loss: Literal["objective", "elbo"] = Field(
        "objective", description="what is validated: the objective at full strength, or the negative ELBO"
    )
    early_stopping: StrictInt | None = Field(
        None,
        ge=1,
        le=MOST_STEPS,
        description="validations in a row without a better held-out loss after which the training ends; null: never",
    )
    select: Literal["last", "best"] = Field(
        "last", description="which weights are kept: the last, or the best by held-out loss"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the nets' arithmetic; losses stay fp32")
    log_every: StrictInt = Field(
        50, ge=1, le=MOST_STEPS, description="steps per row of history.csv (means over those steps)"
    )

    @field_validator("schedule_steps")
    @classmethod
    def _whole_or_share(cls, value: float) -> float | int:
        """A whole number stays one: it is spelt so in fingerprints."""
        if value >= 1 and value != int(value):
            raise PydanticCustomError("steps", "must be a whole number of steps, or below 1 a share of the training")
        return int(value) if value >= 1 or value == 0 else value


class EvaluationOptions(Section):
    """What is measured, and on how many images."""

    metrics: list[str] | Literal["all"] = Field("all", description="names of metrics, or all")
    protocols: Protocols = Field(["dlib19", "chen18", "ours"], description="recipes, for metrics that have several")
    codes: StrictInt = Field(
        15_000, ge=2, le=MOST_IMAGES, description="images in the code table, drawn once from the whole dataset"
    )
    held_out: StrictInt = Field(
        2_000, ge=2, le=MOST_IMAGES, description="held-out images for reconstruction measures, at most"
    )
    # Twice as many as FID is reported with; in memory, unlike the dataset's, as float32.
    samples: StrictInt = Field(2_000, ge=2, le=100_000, description="images drawn from the prior")
    seed: Seed = Field(0, description="keys the draws of the metrics; the same for every cell")
    # Each measures everything again, for a spread that a thousand values tell well enough.
    metric_seeds: StrictInt = Field(
        2,
        ge=1,
        le=1000,
        description="seeds of the metrics, on the first run of each cell: how much is luck of the draw",
    )
    figures: StrictBool = Field(True, description="draw every cell; else only those that `multibeta draw` is called on")


class RunningOptions(Section):
    """How the work is carried out. Nothing here changes a number, so nothing here retrains."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one")
    # A day; a rarer checkpoint saves hardly any training.
    checkpoint_seconds: Number = Field(30.0, gt=0, le=86_400, description="between checkpoints of a training")
    snapshot_every: StrictInt | None = Field(
        None, ge=1, le=MOST_STEPS, description="steps between weights that are kept beside the last; null: none"
    )
    max_minutes: Number | None = Field(
        None,
        gt=0,
        le=MOST_MINUTES,
        description="longest training of one seed, recorded as `timeout` when exceeded; null: no limit",
    )
    extendable: StrictBool = Field(
        True,
        description="keep the state a training ends with, from which one of a larger budget goes on",
    )
    tensorboard: StrictBool = Field(False, description="write TensorBoard logs beside the history")
    large: StrictBool = Field(False, description=f"allow a start of {LARGE:,} runs or more, which is refused otherwise")
    image: str | None = Field(
        None, description="container image that jobs run in with `--sdm apptainer`: a file or an address"
    )


class Target(Section):
    """A named level of a metric that the report holds every cell against."""

    metric: str = Field(description="name of the metric")
    name: str = Field(description="what reaching it is called, such as good")
    above: Number | None = Field(None, description="reached by a mean above this")
    below: Number | None = Field(None, description="reached by a mean below this")

    @model_validator(mode="after")
    def _one_bound(self) -> Target:
        if (self.above is None) == (self.below is None):
            raise PydanticCustomError("target", "must give exactly one of above and below")
        return self


DEFAULT_TARGETS = (
    Target(metric="mig", name="good", above=0.3),
    Target(metric="mig", name="excellent", above=0.5),
    Target(metric="fid", name="good", below=50),
    Target(metric="lpips", name="good", below=0.2),
    Target(metric="ssim", name="good", above=0.8),
)


def _source(value: str) -> str:
    if not re.search(r"https?://\S+\.\S+", value):
        raise PydanticCustomError("source", "must give the address of its source, https://…")
    return value


class Published(Section):
    """A published value that the report puts beside ours, measured by the same protocol."""

    dataset: str = Field(description="one of the study's datasets")
    variant: str = Field(description="one of the study's variants")
    strength: Strength | None = Field(
        None, description="one of the variant's; null: the source names none, ours is read at the best"
    )
    metric: str = Field(description="name of the metric")
    protocol: str = Field(description="the recipe it was measured by, such as dlib19")
    representation: str = Field(description="of the codes, mean or sampled; for others as in metrics.csv")
    value: Number = Field(description="as published")
    spread: Number | None = Field(None, ge=0, description="what stands behind its ±; null: nothing")
    source: Annotated[str, AfterValidator(_source)] = Field(description="who published it, where, and its address")
    note: str = Field("", description="in words, what there is different from this study")


class ReportOptions(Section):
    """What the report says beside the numbers."""

    title: str = Field("", description="heading of the report; empty: the study's name")
    targets: list[Target] = Field(list(DEFAULT_TARGETS), description="levels every cell is held against")
    column: Literal["neurips", "iclr", "icml", "aaai", "cvpr", "acl", "ieee", "acm", "jmlr", "lncs"] | None = Field(
        None, description="template whose text widths and letters the study's figures are drawn for; null: none"
    )
    published: list[Published] = Field([], description="published values that the report puts beside ours")


def _entries(value: Any) -> Any:
    """A list of names, or names without anything after the colon, are entries without differences."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        if len(set(value)) < len(value):
            raise PydanticCustomError("entries", "names an entry twice")
        value = dict.fromkeys(value)
    if not isinstance(value, dict):
        return value
    if not value:
        raise PydanticCustomError("entries", "must not be empty")
    for name in value:
        if not re.fullmatch(NAME, str(name)):
            raise PydanticCustomError("entries", "has a name that does not {named}", {"named": NAMED})
    return {name: {} if entry is None else entry for name, entry in value.items()}


class Correlation(Section):
    """Two factors that are correlated in the training images, and in them alone."""

    factors: Annotated[Factors, Field(min_length=2, max_length=2)] = Field(description="the two, by name")
    spread: Number = Field(
        gt=0, le=100, description="σ of their difference, both scaled to 0 … 1: 0.2 is strong, 0.7 is weak"
    )
    inverted: StrictBool = Field(False, description="one falls where the other rises")


#: What each kind of split is made of.
SPLITS: dict[str, list[set[str]]] = {
    "own": [set()],
    "random": [{"share"}],
    "combinations": [{"hold_out"}, {"factors", "share"}],
    "interpolation": [{"factors", "share"}],
    "extrapolation": [{"factors", "share"}],
}


class SplitOptions(Section):
    """Which images are held out and which are trained on; in a run's fingerprint unless it is the dataset's own."""

    kind: Literal["own", "random", "combinations", "interpolation", "extrapolation"] = Field(
        "own", description="what is held out: as the dataset has it; images, combinations or values of factors"
    )
    hold_out: dict[str, Values] = Field(
        {}, description="of combinations: values by factor; held out is what has one of them in every factor named"
    )
    factors: Factors = Field([], description="of combinations, interpolation, extrapolation: the factors, by name")
    share: Number | None = Field(
        None, gt=0, lt=1, description="how many are held out: of the images, combinations or values of each factor"
    )
    seed: Seed = Field(0, description="keys what is drawn: random, combinations by share, correlate")
    correlate: Correlation | None = Field(None, description="two factors to correlate in training; null: none")

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> SplitOptions:
        given = {name for name in ("hold_out", "factors", "share") if getattr(self, name)}
        wanted = SPLITS[self.kind]
        if given not in wanted:
            text = (
                " or ".join(f"just {' and '.join(sorted(names))}" for names in wanted if names)
                or "no hold_out, factors, share"
            )
            raise PydanticCustomError("split", "of kind {kind} must give {text}", {"kind": self.kind, "text": text})
        drawn = self.kind == "random" or (self.kind == "combinations" and not self.hold_out) or self.correlate
        if self.seed and not drawn:
            raise PydanticCustomError("split", "has a seed and draws nothing; leave it out")
        return self


class DatasetEntry(Section):
    """A dataset of the study and what is different for it."""

    dataset: str | None = Field(None, description="which dataset, if the entry has a name of its own")
    options: dict[str, Any] = Field({}, description="the dataset's own options")
    split: SplitOptions = SplitOptions()
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()


class VariantEntry(Section):
    """A variant of the study and what is different for it; it wins over the dataset's."""

    variant: str | None = Field(None, description="which variant, if the entry has a name of its own")
    options: dict[str, Any] = Field({}, description="the variant's own options")
    strengths: Strengths = Field(None, description="its grid; null: the study's")
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()


Datasets = Annotated[
    dict[str, DatasetEntry],
    BeforeValidator(_entries, json_schema_input_type=dict[str, DatasetEntry | None] | list[str]),
]
Variants = Annotated[
    dict[str, VariantEntry],
    BeforeValidator(_entries, json_schema_input_type=dict[str, VariantEntry | None] | list[str]),
]


class Include(Section):
    """A cell beside the product."""

    dataset: str = Field(description="one of the study's datasets")
    variant: str = Field(description="one of the study's variants")
    strength: Strength = Field(description="any strength, also one outside the grid")
    seeds: Seeds | None = Field(None, description="null: the study's")


class Exclude(Section):
    """The cells or seeds that match every key given are left out."""

    dataset: str | None = Field(None, description="null: any")
    variant: str | None = Field(None, description="null: any")
    strength: Strength | None = Field(None, description="null: any")
    seed: Seed | None = Field(None, description="null: all, so the whole cell")


class StudyOptions(Section):
    """A study: datasets × variants × strengths × seeds, and how they are trained, measured and reported."""

    name: str = Field(pattern=f"^{NAME}$", description="results go to results/<name>")
    datasets: Datasets = Field(description="by name, each with what is different for it")
    variants: Variants = Field(description="by name, each with what is different for it")
    strengths: Strengths = Field(None, description="the grid of β (γ, λ, C); null: each variant's own")
    seeds: Seeds = Field([0, 1, 2], description="a count, or a list of seeds")
    include: list[Include] = Field([], description="cells beside the product")
    exclude: list[Exclude] = Field([], description="cells or seeds of the product to leave out")
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    running: RunningOptions = RunningOptions()
    report: ReportOptions = ReportOptions()
    plugins: list[str] = Field([], description="files of your own variants, datasets, architectures, metrics")
    mirror: str | None = Field(
        None,
        description="folder to look for source files in before the network, or its address; null: $MULTIBETA_MIRROR",
    )
