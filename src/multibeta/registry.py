"""Finds plug-ins: one file is one plug-in, and the file's name is the plug-in's name.

The ground floor: it knows that there are kinds of plug-ins and where they lie, and nothing about what they do.
Reading a study imports plug-in files, so those of this package import torch only inside functions.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import itertools
import pkgutil
import re
import sys
import types
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator

#: A number as YAML 1.1 leaves it text.
EXPONENT = re.compile(r"[+-]?\d+[eE][+-]?\d+")

FOLDERS = {
    "dataset": "multibeta.datasets",
    "variant": "multibeta.variants",
    "architecture": "multibeta.architectures",
    "metric": "multibeta.metrics",
}


class PlugInError(ValueError):
    """A plug-in that does not exist or cannot be loaded; the message is one line."""


class Options(BaseModel):
    """A plug-in's own options. One that it does not declare is an error, and so is text or ``true`` for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        """YAML has lists where Python has tuples, and reads 1e-4, without a point, as text."""
        if not isinstance(given, dict):
            return given
        annotations = {name: field.annotation for name, field in cls.model_fields.items()}
        return {name: _fit(annotations.get(name), value) for name, value in given.items()}


class PlugIn:
    """Base of every plug-in. A kind of plug-in is declared as ``class Variant(PlugIn, kind="variant")``."""

    kind: ClassVar[str]
    name: ClassVar[str]
    #: Raise it when the plug-in's results change; it is part of the fingerprint of every run that uses it.
    version: ClassVar[int] = 1
    #: sha256 of the file for a plug-in outside the package, so editing it is never mistaken for the old one.
    source_hash: ClassVar[str] = ""
    #: Options that change no result, such as where files lie; not part of a fingerprint.
    identity_exclude: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[BaseModel]] = Options

    def __init_subclass__(cls, kind: str | None = None, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if kind:
            cls.kind = kind
        cls.name = cls.__module__.rpartition(".")[2]

    def __init__(self, options: BaseModel | None = None) -> None:
        self.options: Any = options if options is not None else self.Options()

    @classmethod
    def identity(cls) -> dict[str, Any]:
        """What tells this plug-in's results from another's; part of a run's fingerprint, defaults dropped."""
        identity: dict[str, Any] = {"name": cls.name}
        if cls.version != 1:
            identity["version"] = cls.version
        if cls.source_hash:
            identity["source"] = cls.source_hash
        return identity


def _fit(annotation: Any, value: Any) -> Any:
    """The value as an option of this annotation takes it, where YAML could not write it so; else as it is."""
    kind, inner = get_origin(annotation) or annotation, get_args(annotation)
    if annotation is float and isinstance(value, str) and EXPONENT.fullmatch(value):
        return float(value)
    if kind is Annotated:
        return _fit(inner[0], value)
    if kind in (Union, types.UnionType):
        # Text stays text where it is allowed.
        changed = [] if str in inner else [found for each in inner if (found := _fit(each, value)) is not value]
        return changed[0] if changed else value
    if kind in (list, tuple) and isinstance(value, list):
        fixed = not inner or (kind is tuple and ... not in inner)
        # What is beyond the places of a tuple goes as it is.
        of_each = itertools.chain(inner, itertools.repeat(None)) if fixed else itertools.repeat(inner[0])
        return kind(map(_fit, of_each, value))
    if kind is dict and inner and isinstance(value, dict):
        return {key: _fit(inner[1], held) for key, held in value.items()}
    return value


P = TypeVar("P", bound=PlugIn)
_outside: dict[tuple[str, str], type[PlugIn]] = {}


def names(kind: str) -> list[str]:
    """All names of a kind, sorted. Files that begin with an underscore are helpers, not plug-ins."""
    return sorted({*_modules(kind), *(name for k, name in _outside if k == kind)})


def find(kind: str, name: str) -> type[Any]:
    """The plug-in class of that name.

    Raises:
        PlugInError: there is none of that name (the nearest one is named), or its file defines none.
    """
    if (kind, name) in _outside:
        return _outside[kind, name]
    modules = _modules(kind)
    if name not in modules:
        raise PlugInError(f"unknown {kind} {name!r}{nearest(name, names(kind))}")
    return _only(kind, modules[name])


def load_file(path: str | Path) -> list[type[PlugIn]]:
    """Load a plug-in file from outside the package and make its plug-ins findable by the file's name.

    Raises:
        PlugInError: the file does not exist, fails to import, defines no plug-in or takes a name in use.
    """
    path = Path(path)
    if not path.is_file():
        raise PlugInError(f"plug-in file {str(path)!r} does not exist")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    module_name = f"multibeta_plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise PlugInError(f"plug-in file {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PlugInError(f"plug-in file {str(path)!r} fails: {type(error).__name__}: {error}") from error
    found = _plug_ins(module)
    if not found:
        raise PlugInError(f"plug-in file {str(path)!r} defines no {', '.join(FOLDERS)}")
    for plug_in in found:
        if plug_in.name in _modules(plug_in.kind):
            raise PlugInError(f"plug-in file {str(path)!r}: the {plug_in.kind} {plug_in.name!r} exists already")
        plug_in.source_hash = digest
        _outside[plug_in.kind, plug_in.name] = plug_in
    return found


def nearest(word: str, valid: list[str]) -> str:
    """``; did you mean 'x'?`` for a near miss, else the list of what is valid."""
    close = difflib.get_close_matches(str(word), valid, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; choose from {', '.join(valid)}"


@cache
def _modules(kind: str) -> dict[str, str]:
    """Module by name; looked for once in a process."""
    package = importlib.import_module(FOLDERS[kind])
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return {
        info.name.rpartition(".")[2]: info.name
        for info in found
        if not info.ispkg and not info.name.rpartition(".")[2].startswith("_")
    }


@cache
def _only(kind: str, module: str) -> type[PlugIn]:
    """The plug-in of a module of the package; looked for once, since thousands of cells ask for it."""
    found = _plug_ins(importlib.import_module(module))
    if [plug_in.kind for plug_in in found] != [kind]:
        raise PlugInError(f"{module} must define exactly one {kind}, found {len(found)} plug-ins")
    return found[0]


def _plug_ins(module: ModuleType) -> list[type[PlugIn]]:
    return [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and isinstance(value, type)
        and issubclass(value, PlugIn)
        and value.__module__ == module.__name__
    ]
