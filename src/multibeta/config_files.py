"""The files that are generated from the typed options: config.yaml, its schema, and the table in config/README.md."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from multibeta.files import write_text
from multibeta.options import StudyOptions

SCHEMA = Path("workflow/schemas/config.schema.json")
#: The default study: what config.yaml sets. Everything else stands there as a comment, at its default.
DEFAULT_STUDY: dict[str, Any] = {
    "name": "default",
    "datasets": {
        # β comes down from four times its strength: factors enter the code one after another, the widest first.
        "sprites": {
            "training": {
                "architecture": "small_conv",
                "budget": "1500 steps",
                "batch_size": 32,
                "learning_rate": 0.001,
                "schedule_start": 4,
                "schedule_steps": 1000,
            }
        },
        "digits": {
            "training": {
                "architecture": "mlp",
                "budget": "1000 steps",
                "batch_size": 64,
                "learning_rate": 0.002,
                "schedule_steps": 400,
            }
        },
    },
    "variants": {"beta_vae": {}, "cvae": {}},
    "strengths": [0.5, 1, 2, 4, 8],
    "seeds": [0, 1, 2, 3, 4],
    # Their code is empty there.
    "exclude": [{"dataset": "digits", "strength": 4}, {"dataset": "digits", "strength": 8}],
    "training": {"latents": 10, "strength_schedule": "linear"},
    "evaluation": {"protocols": ["dlib19", "chen18"]},
    "report": {"title": "What β buys on sprites and digits"},
}


def write_all(root: Path) -> list[Path]:
    """Write all generated files below ``root`` and return their paths."""
    contents = {
        root / "config.yaml": config_yaml(),
        root / SCHEMA: schema(),
        root / "config" / "README.md": options_page(),
    }
    for path, text in contents.items():
        write_text(path, text)
    return list(contents)


def config_yaml() -> str:
    """The default study with every option described, those at their default commented out."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA.as_posix()}",
        "# The default study. `multibeta config` writes this file; `multibeta check config.yaml` checks yours.",
        "# What is commented out stands at its default. training: and evaluation: may also be given for one dataset",
        "# or one variant; the variant's wins over the dataset's, and that over the study's.",
    ]
    for name, field in StudyOptions.model_fields.items():
        lines += ["", *_entry(name, field, DEFAULT_STUDY.get(name))]
    return "\n".join(lines) + "\n"


def schema() -> str:
    """The JSON schema of a study, for editors."""
    return json.dumps(StudyOptions.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def options_page() -> str:
    """The Markdown page of all options that the Snakemake workflow catalog shows."""
    lines = [
        "# Configuration",
        "",
        "A study is one YAML file: `config.yaml` is the default study, `studies/` has more, and",
        "`snakemake --cores 2 --configfile studies/smoke.yaml` runs one of them. `multibeta check FILE` says what a",
        "file sweeps, or in one line what is wrong with it. `multibeta config` generates this page from the options.",
        "",
        "`training:` and `evaluation:` may be given for the whole study, for one dataset or for one variant: the",
        "variant's wins over the dataset's, and that over the study's, option by option.",
    ]
    for title, model in _sections(StudyOptions, ""):
        lines += ["", f"## {title or 'Study'}", "", str(model.__doc__), ""]
        lines += ["| option | default | what it is |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            if not _is_section(field):
                lines.append(f"| `{name}` | {_default_text(field)} | {_described(field)} |")
    return "\n".join(lines) + "\n"


def _entry(name: str, field: FieldInfo, value: Any) -> list[str]:
    """The lines of one option with its description: as set, or commented out with its default."""
    text, mark = _described(field), "# " if value is None else ""
    if _is_section(field):
        section = _model(field.annotation)
        assert section is not None
        inner = [
            f"  {line}"
            for key, option in section.model_fields.items()
            for line in _entry(key, option, (value or {}).get(key))
        ]
        return [f"# {text}", f"{mark}{name}:", *inner]
    shown = [f"{mark}{line}" for line in _dump({name: _default(field) if value is None else value}).splitlines()]
    return [f"{shown[0]}  # {text}"] if len(shown) == 1 else [f"# {text}", *shown]


def _described(field: FieldInfo) -> str:
    if field.description:
        return field.description
    section = _model(field.annotation)
    return str(section.__doc__) if section is not None else ""


def _is_section(field: FieldInfo) -> bool:
    """Is the option itself a section, rather than a list or a mapping of some?"""
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, list):
        return [item.model_dump(exclude_none=True) if isinstance(item, BaseModel) else item for item in value]
    return value


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = _default(field)
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _dump(value: Any) -> str:
    """YAML with one line for each key of the outer mappings and the innermost ones in braces."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110).rstrip()
    return text[1:-1] if text.startswith("{") else text


def _sections(model: type[BaseModel], path: str) -> list[tuple[str, type[BaseModel]]]:
    """The model and every section below it, by dotted path; sections of entries once, not for every entry."""
    found = [(path, model)]
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        if inner is not None and not (path and name in ("training", "evaluation")):
            found += _sections(inner, f"{path}.{name}" if path else name)
    return found


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section an annotation holds, alone, in a list, as an entry of a mapping, or optionally."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, dict, Union, types.UnionType):
        for inner in reversed(get_args(annotation)):
            if (model := _model(inner)) is not None:
                return model
    return None
