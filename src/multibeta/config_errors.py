"""What is wrong with a config, in one line: key, value found, what is allowed, the nearest valid name."""

from __future__ import annotations

import re
import types
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from multibeta.option_values import NAME, NAMED
from multibeta.registry import nearest

MESSAGES = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
}
BOUNDS = {
    "greater_than": "gt >",
    "greater_than_equal": "ge ≥",
    "less_than": "lt <",
    "less_than_equal": "le ≤",
}


class ConfigError(ValueError):
    """A config that cannot be run; the message is one line."""


def first_line(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """The first problem of a validation as ``key = value: message``, and how many more there are."""
    problems = error.errors(include_url=False)
    problem = problems[0]
    # A value that fits no member of a union is reported once for each member, under a tag that is no key.
    keys = _keys(problem["loc"], model)
    path = ".".join([*([prefix] if prefix else []), *_join(keys)])
    places = {_keys(other["loc"], model) for other in problems}
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    found = "" if problem["type"] == "missing" else f" = {_short(problem['input'])}"
    return f"{path}{found}: {_message(problem, keys, model)}{more}"


def _message(problem: Any, keys: tuple[str | int, ...], model: type[BaseModel]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        valid = _valid_keys(model, keys[:-1])
        return f"unknown key{nearest(str(keys[-1]), valid)}" if valid else "unknown key; there are no options here"
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        if str(problem["input"]) in allowed:
            return "must be a number, not text" if isinstance(problem["input"], str) else "must be text, not a number"
        return f"is not allowed{nearest(str(problem['input']), allowed)}"
    if kind in BOUNDS:
        name, sign = BOUNDS[kind].split()
        bound = context[name]
        return f"must be {sign} {bound if isinstance(bound, int) else format(bound, 'g')}"
    return MESSAGES.get(kind) or _clause(problem["msg"], context)


def _clause(message: str, context: dict[str, Any]) -> str:
    """What is left to pydantic, ``Tuple should have at most 2 items after validation, not 3``, as a clause of ours."""
    if "error" in context:
        return str(context["error"])
    if context.get("pattern") == f"^{NAME}$":
        return f"must {NAMED}"
    if context.get("min_length") == 1:
        return "must not be empty"
    return re.sub(r"^\w+ should ", "must ", message).replace(" after validation", "")


def _keys(location: Sequence[str | int], model: type[BaseModel]) -> tuple[str | int, ...]:
    """The location without pydantic's tags for members of a union."""
    keys: list[str | int] = []
    here: Any = model
    for step in location:
        if isinstance(step, int):
            here = _inner(here, list)
        elif isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[step].annotation if step in here.model_fields else None
        elif _inner(here, dict) is not None:
            here = _inner(here, dict)
        else:
            continue
        keys.append(step)
        here = _plain(here)
    return tuple(keys)


def _valid_keys(model: type[BaseModel], keys: Sequence[str | int]) -> list[str]:
    here: Any = model
    for key in keys:
        if isinstance(key, int):
            here = _inner(here, list)
        elif isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[key].annotation
        else:
            here = _inner(here, dict)
        here = _plain(here)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _plain(annotation: Any) -> Any:
    """The annotation without ``| None``."""
    members = [member for member in get_args(annotation) if member is not types.NoneType]
    return members[0] if types.NoneType in get_args(annotation) and len(members) == 1 else annotation


def _inner(annotation: Any, container: type) -> Any:
    """What a list or a mapping of this annotation holds, or None if it allows neither."""
    for candidate in (annotation, *get_args(annotation)):
        if getattr(candidate, "__origin__", None) is container:
            return get_args(candidate)[-1]
    return None


def _join(keys: Sequence[str | int]) -> list[str]:
    parts: list[str] = []
    for key in keys:
        if isinstance(key, int) and parts:
            parts[-1] += f"[{key}]"
        else:
            parts.append(str(key))
    return parts


def _short(value: Any) -> str:
    # A list that a plug-in takes as a tuple is shown as the list it was.
    text = " ".join(repr(list(value) if isinstance(value, tuple) else value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
