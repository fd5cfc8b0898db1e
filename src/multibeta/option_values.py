"""What the values of options may be: names, numbers, strengths, budgets, seeds, and the largest of each."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from multibeta.registry import EXPONENT

#: What may become the name of a folder, and with an ending or two that of a file, which have 255 bytes at most.
NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,199}"
#: What a name must do, as messages say it.
NAMED = "consist of letters, digits, - and _, at most 200 of them"

# The largest values that can be meant; above them stands a slip of the finger, better said before than after days.
#: Of a training, and so of everything counted in steps: at a millisecond each, more than a day.
MOST_STEPS = 100_000_000
#: Two thousand times the 50 epochs or so that a VAE on MNIST takes.
MOST_EPOCHS = 100_000
#: Locatello et al. 2019 took 50.
MOST_SEEDS = 10_000
#: Exact also where a table with gaps turns whole numbers into float64.
LARGEST_SEED = 2**53 - 1
#: The largest dataset, dSprites, has 737,280, and they lie in memory.
MOST_IMAGES = 1_000_000
#: Runs of a study that is only started when its file says that this is meant: weeks, or terabytes.
LARGE = 10_000
#: A year.
MOST_MINUTES = 365 * 24 * 60

#: The recipes a study picks from, for metrics that have several.
PROTOCOLS = {
    "dlib19": "the settings of disentanglement_lib (Locatello et al. 2019), with our own boosted trees for DCI",
    "dlib19_sklearn": "of DCI alone: the same with scikit-learn's boosted trees, a minute or more for each run",
    "chen18": "of MIG alone: Chen et al. 2018, from the posteriors themselves, without categorical factors",
    "ours": "the whole code table; ordinal and periodic factors treated as such",
}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        """A section with nothing after the colon sets nothing."""
        return {} if value is None else value


def canonical_strength(value: Any) -> str:
    """The one decimal spelling of a strength: 1, 1.0, "1e0" → ``"1"``.

    Raises:
        PydanticCustomError: not a number, not finite, or not above 0 (β has a log axis in every figure).
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PydanticCustomError("strength", "must be a number above 0")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise PydanticCustomError("strength", "must be a number above 0") from None
    if not number.is_finite() or number <= 0 or not Decimal("1e-9") <= number <= Decimal("1e9"):
        raise PydanticCustomError("strength", "must be a number above 0, between 1e-9 and 1e9")
    text = format(number.normalize(), "f")
    if len(text) > 24:
        raise PydanticCustomError("strength", "has more digits than a strength can use")
    return text


def _budget(value: Any) -> str:
    match = re.fullmatch(r"\s*0*(\d{1,12})\s+(step|epoch)s?\s*", value) if isinstance(value, str) else None
    if not match or not 1 <= int(match[1]) <= {"step": MOST_STEPS, "epoch": MOST_EPOCHS}[match[2]]:
        allowed = f"such as '1500 steps' or '10 epochs', at most {MOST_STEPS} steps or {MOST_EPOCHS} epochs"
        raise PydanticCustomError("budget", "must be a count of steps or epochs, {allowed}", {"allowed": allowed})
    return f"{int(match[1])} {match[2]}s"


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-4, without a point, as text."""
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number")
    return value


def _protocols(value: list[str]) -> list[str]:
    if not value:
        raise PydanticCustomError("protocols", "must name at least one protocol")
    if len(set(value)) < len(value):
        raise PydanticCustomError("protocols", "names a protocol twice")
    return value


Protocols = Annotated[
    list[Literal["dlib19", "dlib19_sklearn", "chen18", "ours"]],
    AfterValidator(_protocols),
]
Strength = Annotated[str, BeforeValidator(canonical_strength, json_schema_input_type=float | str)]
Budget = Annotated[str, BeforeValidator(_budget, json_schema_input_type=str)]
Number = Annotated[float, BeforeValidator(_number, json_schema_input_type=float)]
Seed = Annotated[StrictInt, Field(ge=0, le=LARGEST_SEED)]


def _seeds(seeds: list[int]) -> list[int]:
    if not seeds:
        raise PydanticCustomError("seeds", "must name at least one seed")
    if len(set(seeds)) < len(seeds):
        raise PydanticCustomError("seeds", "names a seed twice")
    return seeds


def _unique(value: list[str] | None) -> list[str] | None:
    if value is None:
        return value
    if not value:
        raise PydanticCustomError("strengths", "must name at least one strength; null: the variant's own grid")
    seen: set[str] = set()
    for strength in value:
        if strength in seen:
            raise PydanticCustomError("strengths", "names the strength {strength} twice", {"strength": strength})
        seen.add(strength)
    return value


def _seed_list(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | list):
        raise PydanticCustomError("seeds", "must be a count or a list of seeds")
    if (value if isinstance(value, int) else len(value)) > MOST_SEEDS:
        raise PydanticCustomError("seeds", "must be at most {most} seeds", {"most": MOST_SEEDS})
    return value if isinstance(value, list) else list(range(value))


Seeds = Annotated[
    list[Seed],
    BeforeValidator(
        _seed_list,
        json_schema_input_type=Annotated[list[Seed], Field(max_length=MOST_SEEDS)]
        | Annotated[int, Field(ge=1, le=MOST_SEEDS)],
    ),
    AfterValidator(_seeds),
]
Strengths = Annotated[list[Strength] | None, AfterValidator(_unique)]


def _factors(names: list[str]) -> list[str]:
    """In one order, so that equal splits have one spelling."""
    if len(set(names)) < len(names):
        raise PydanticCustomError("factors", "names a factor twice")
    return sorted(names)


def _values(values: list[int]) -> list[int]:
    if not values:
        raise PydanticCustomError("values", "must name at least one value")
    return sorted(set(values))


Factors = Annotated[list[str], AfterValidator(_factors)]
#: Of a factor, whose values are 0 … size − 1.
Values = Annotated[list[Annotated[StrictInt, Field(ge=0, le=MOST_IMAGES)]], AfterValidator(_values)]
