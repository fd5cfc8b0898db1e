"""A user's own data by name: one small file each, which ``multibeta datasets add`` writes and every study finds."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from multibeta import registry, strict_yaml
from multibeta.config_errors import ConfigError
from multibeta.option_values import NAME


@dataclass(frozen=True)
class NamedDataset:
    """What the file of a name holds.

    Attributes:
        plug_in: the dataset plug-in that reads the data.
        options: its options, places absolute.
        facts: what was found when it was added, for people to read.
    """

    plug_in: str
    options: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)


def folder() -> Path:
    """``$MULTIBETA_DATASETS``, else ``~/.config/multibeta/datasets``."""
    given = os.environ.get("MULTIBETA_DATASETS")
    return Path(given).expanduser() if given else Path.home() / ".config" / "multibeta" / "datasets"


def names() -> list[str]:
    """All names that were added, sorted."""
    return sorted(path.stem for path in folder().glob("*.yaml") if re.fullmatch(NAME, path.stem))


def file_of(name: str) -> Path:
    return folder() / f"{name}.yaml"


def find(name: str) -> NamedDataset | None:
    """The data of that name, or None if none was added.

    Raises:
        ConfigError: its file is damaged; one line.
    """
    path = file_of(name)
    if not re.fullmatch(NAME, name) or not path.is_file():
        return None
    content = strict_yaml.read(path)
    if not {"plug_in", "options"} <= content.keys() <= {"plug_in", "options", "facts"} or not (
        isinstance(content["plug_in"], str)
        and isinstance(content["options"], dict)
        and _are_facts(content.get("facts", {}))
    ):
        message = f"is not what multibeta datasets add writes; remove it with multibeta datasets remove {name}"
        raise ConfigError(f"{path}: {message}")
    return NamedDataset(**content)


def _are_facts(facts: Any) -> bool:
    """Are they of the form that is relied on?"""
    if not isinstance(facts, dict):
        return False
    kinds = {"images": int, "shape": list, "factors": list, "left_out": dict, "digests": list}
    return (
        all(isinstance(facts[key], kind) for key, kind in kinds.items() if key in facts)
        and len(facts.get("shape", "CHW")) == 3
        and "count" in facts.get("left_out", {"count": 0})
    )


def resolve(name: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The plug-in and options that a study means by a dataset's name; its own ``options`` win over those of the name.

    Raises:
        PlugInError: there is no plug-in and no data of that name, or the data lies there no more; one line.
        ConfigError: the file of the name is damaged.
    """
    if name in registry.names("dataset"):
        return name, options
    named = find(name)
    if named is None:
        known = [*registry.names("dataset"), *names()]
        raise registry.PlugInError(f"unknown dataset {name!r}{registry.nearest(name, known)}")
    place = str(options.get("path", named.options.get("path")))
    if not Path(place).expanduser().exists():
        raise registry.PlugInError(
            f"dataset {name!r} is not at {place} any more, where {file_of(name)} has it; "
            f"put it back, or run multibeta datasets remove {name} and add its new place"
        )
    return named.plug_in, {**named.options, **options}


def text_of(named: NamedDataset) -> str:
    """The file's content."""
    return yaml.safe_dump(asdict(named), sort_keys=False, allow_unicode=True)
