"""What datasets there are, what each of them is, and getting their files."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from multibeta import named_datasets, registry
from multibeta.config_errors import ConfigError, first_line
from multibeta.datasets import DataError, DatasetSource
from multibeta.datasets._sources import Mirror, default_cache, locate, places


def listing(mirror: Mirror | None = None, cache: Path | None = None) -> str:
    """A line for each dataset: name, size, what is known of its images, licence and whether its files are here.

    Args:
        mirror, cache: as in `multibeta.datasets._sources.locate`.
    """
    rows = [("name", "images", "size", "known", "licence", "files")]
    for name in registry.names("dataset"):
        plug_in = registry.find("dataset", name)
        if _needs_options(plug_in):
            rows.append((name, "", "", "your own", "", "see multibeta datasets add"))
            continue
        source = plug_in()
        rows.append((name, _count(source), _size(source), _known(source), source.licence, _here(source, mirror, cache)))
    for name in named_datasets.names():
        named = named_datasets.find(name)
        facts = named.facts if named else {}
        channels, height, width = facts.get("shape", ("?", "?", "?"))
        known = f"{len(facts.get('factors', ()))} factors, your own"
        size, count = f"{height}×{width}×{channels}", f"{facts.get('images', 0):,}"
        rows.append((name, count, size, known, facts.get("licence", ""), str(named_datasets.file_of(name))))
    return _aligned(rows)


def description(name: str, mirror: Mirror | None = None, cache: Path | None = None) -> str:
    """All that a dataset declares, what its files are and where each of them lies.

    Raises:
        PlugInError: there is no such dataset.
        DataError: it is one's own and damaged.
        ConfigError: the file of its name is.
    """
    plug_in_name, options = named_datasets.resolve(name, {})
    plug_in = registry.find("dataset", plug_in_name)
    if _needs_options(plug_in) and not options:
        return "\n".join([f"{name}: {plug_in.title}", "", inspect.getdoc(plug_in) or "", "", *_options(plug_in)])
    try:
        source: DatasetSource = plug_in(plug_in.Options.model_validate(options))
    except ValidationError as error:
        raise ConfigError(f"{named_datasets.file_of(name)}: {first_line(error, plug_in.Options)}") from None
    seen = f"{_size(source)}, {'grey' if source.shape[0] == 1 else 'RGB'}"
    named = named_datasets.find(name)
    found = named.facts if named else {}
    count = f"{found['images']:,}" if "images" in found else _count(source)
    facts = [
        ("title", source.title),
        ("licence", source.licence),
        ("source", source.source),
        ("images", f"{count} of {seen}" if count else seen),
        ("left out", f"{found['left_out']['count']:,} files" if "left_out" in found else ""),
        ("factors", ", ".join(f"{factor.name} ({factor.size}, {factor.kind})" for factor in source.factors)),
        ("grid", "every combination of the factors once" if source.grid else ""),
        ("labels", ", ".join(source.classes)),
        ("kept as", "bits" if source.binary else ""),
        ("content", ", ".join(found.get("digests", ()))),
    ]
    lines = [f"{name}", *_aligned((f"  {key}", value) for key, value in facts if value).splitlines()]
    lines += ["", inspect.getdoc(type(source)) or ""]
    for file in source.files:
        there = [path for path in places(source.name, file, mirror, cache or default_cache()) if path.is_file()]
        lines += ["", f"{file.name}: {there[0] if there else 'not here'}", f"  {file.digest}"]
        lines += [f"  {url}" for url in (file.url, *file.mirrors)]
    return "\n".join([*lines, "", *_options(plug_in, options), *(["", source.citation] if source.citation else [])])


def fetch(
    names: Iterable[str], mirror: Mirror | None = None, cache: Path | None = None
) -> tuple[list[Path], list[str]]:
    """Get and verify all files of the datasets.

    Returns:
        Where the files are, and one line for each dataset whose files could not be had.

    Raises:
        PlugInError: there is no such dataset; nothing is then downloaded.
    """
    sources = {name: registry.find("dataset", named_datasets.resolve(name, {})[0]) for name in names}
    found: list[Path] = []
    failures: list[str] = []
    for name, plug_in in sources.items():
        try:
            if _needs_options(plug_in) or not plug_in().files:
                why = "is your own, and lies where it did" if _needs_options(plug_in) else "needs no files"
                print(f"{name} {why}", file=sys.stderr)
            else:
                found += locate(plug_in(), mirror, cache).values()
        except DataError as error:
            failures.append(str(error) if str(error).startswith(name) else f"{name}: {error}")
    return found, failures


def _needs_options(plug_in: type[Any]) -> bool:
    return any(field.is_required() for field in plug_in.Options.model_fields.values())


def _count(source: DatasetSource) -> str:
    return f"{math.prod(factor.size for factor in source.factors):,}" if source.grid else ""


def _size(source: DatasetSource) -> str:
    channels, height, width = source.shape
    return f"{height}×{width}×{channels}"


def _known(source: DatasetSource) -> str:
    known = [f"{len(source.factors)} factors"] if source.factors else []
    return ", ".join([*known, *([f"{len(source.classes)} classes"] if source.classes else [])])


def _here(source: DatasetSource, mirror: Mirror | None, cache: Path | None) -> str:
    """Which of its files lie here, without a look into them."""
    if not source.files:
        return "needs none"
    held = [
        file
        for file in source.files
        if any(path.is_file() for path in places(source.name, file, mirror, cache or default_cache()))
    ]
    return "here" if len(held) == len(source.files) else f"{len(source.files) - len(held)} to fetch"


def _options(plug_in: type[Any], given: Mapping[str, Any] | None = None) -> list[str]:
    """A line for each option: the value given, else its default."""
    fields = plug_in.Options.model_fields
    defaults = {name: "required" if field.is_required() else f"{field.default!r}" for name, field in fields.items()}
    defaults |= {name: f"{value!r}" for name, value in (given or {}).items()}
    return ["options:" if fields else "no options"] + [
        f"  {name} = {defaults[name]}: {field.description}" for name, field in fields.items()
    ]


def _aligned(rows: Iterable[tuple[str, ...]]) -> str:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
