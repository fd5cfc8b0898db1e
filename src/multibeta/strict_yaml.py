"""YAML as a person means it: a key given twice is an error, where PyYAML silently takes the last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from multibeta.config_errors import ConfigError

#: Bits of a whole number; all that can be meant have 64 at most.
LONGEST = 4096


def read(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: the file cannot be read, is no YAML, gives a key twice, or holds no mapping; in one line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    config = parse(text, str(path))
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: must be a mapping with the keys of a study, found {type(config).__name__}")
    return config


def parse(text: str, where: str) -> Any:
    """The value of a YAML text; ``where`` names it in messages.

    Raises:
        ConfigError: it is no YAML, or gives a key twice; in one line.
    """
    try:
        return yaml.load(text, StrictLoader)
    except GivenTwiceError as error:
        raise ConfigError(f"{where}: {error}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # PyYAML leaves a date in a thirteenth month, a number of 5000 digits, or a text that its tag does not fit, such
        # as `!!bool maybe`, to Python's own errors.
        raise ConfigError(f"{where}: is not YAML: {' '.join(str(error).split())}") from None


class GivenTwiceError(yaml.YAMLError):
    """A key that stands twice in one mapping."""


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, but a key that stands twice in one mapping is an error; ``<<`` merges as ever."""

    def get_single_node(self) -> yaml.Node | None:
        # Checked before nodes become values: then their lines are forgotten, and what is merged may be overridden.
        node = super().get_single_node()
        if node is not None:
            self._require_unique(node, "", set())
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value: int = super().construct_yaml_int(node)
        if value.bit_length() > LONGEST:  # written as 0x…, of which Python knows no limit; nor can it be shown then
            raise ValueError(f"a whole number of more than {LONGEST} bits in line {node.start_mark.line + 1}")
        return value

    def _require_unique(self, node: yaml.Node, path: str, seen: set[int]) -> None:
        if id(node) in seen:  # an alias, perhaps of what it stands in
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                self._require_unique(item, f"{path}[{position}]", seen)
        elif isinstance(node, yaml.MappingNode):
            lines: dict[Any, int] = {}
            for key, value in node.value:
                inner = f"{path}.{key.value}".removeprefix(".")
                if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                    name, line = self.construct_object(key), key.start_mark.line + 1
                    if name in lines:
                        raise GivenTwiceError(f"key {inner!r} is given twice, in lines {lines[name]} and {line}")
                    lines[name] = line
                self._require_unique(value, inner, seen)


StrictLoader.add_constructor("tag:yaml.org,2002:int", StrictLoader.construct_yaml_int)
