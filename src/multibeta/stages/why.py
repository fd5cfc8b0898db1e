"""Stage why: what of a cell's spec differs from what its results were trained and measured by, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from multibeta import registry
from multibeta.cell import Cell
from multibeta.files import read_json
from multibeta.options import EvaluationOptions, SplitOptions, TrainingOptions
from multibeta.records import CellRecord, CostsRecord, held_to, is_by, read
from multibeta.results import CellFolder, state_folder
from multibeta.stages.shared.specs import read_cell


def why(folder: CellFolder, cell: Cell | None = None) -> list[str]:
    """A line for each thing that would have the cell's runs trained or measured again; none where all are what is asked
    for.

    Args:
        cell: what is asked for; None: the cell's spec.json.

    Raises:
        FileNotFoundError: there is no cell in the folder.
    """
    asked = read_cell(folder) if cell is None else cell
    defaults = _defaults(asked)
    runs: Mapping[str, Any] = read(folder.cell, CellRecord)["runs"] if folder.cell.is_file() else {}
    measured_again = _of_measures(folder, asked)
    seeds: dict[str, list[int]] = {}
    for seed in asked.seeds:
        run = runs.get(str(seed))
        trained_again = list(_of_run(run, asked, seed, folder.root, defaults))
        for line in trained_again or measured_again:
            seeds.setdefault(line, []).append(seed)
    every = len(asked.seeds)
    return [
        line if len(some) == every else f"seed{'s' * (len(some) > 1)} {', '.join(map(str, some))}: {line}"
        for line, some in seeds.items()
    ]


def _of_run(
    run: Mapping[str, Any] | None, asked: Cell, seed: int, root: Path, defaults: Mapping[str, Any]
) -> Iterator[str]:
    wanted = asked.run_fingerprint(seed)
    if run is not None and run["fingerprint"] == wanted:
        if run["status"] in ("error", "out_of_memory"):
            yield f"ended as {run['status']} ({run['reason']}); the next call tries again"
    elif (state_folder(root, wanted) / "finished.safetensors").exists():
        yield "trained already; only its cell is to be written"
    elif run is None:
        yield "not trained yet"
    elif "identity" not in run:
        yield "trained from another spec, by a version that did not keep it"
    else:
        yield from sorted(changes(run["identity"], asked.run_identity(seed), defaults))


def _of_measures(folder: CellFolder, asked: Cell) -> list[str]:
    """What would have runs measured again that are trained as is asked for.

    costs.json has a fingerprint alone of the evaluation; its options are those of spec.json, unless a start has changed
    that since.
    """
    costs = read(folder.costs, CostsRecord) if folder.costs.is_file() else {}
    if is_by(costs, asked.evaluation_fingerprint):
        return []
    try:
        before = held_to(Cell, read_json(folder.spec), folder.spec)
        kept = is_by(costs, before.evaluation_fingerprint)
    except (OSError, ValueError):
        kept = False
    again = "measured again, not trained"
    if not kept:
        return [f"measured by another evaluation, whose options are no longer kept: {again}"]
    then, now = (cell.evaluation.model_dump(mode="json", exclude_defaults=True) for cell in (before, asked))
    return [f"{line}: {again}" for line in sorted(changes(then, now, _of(EvaluationOptions), "evaluation"))]


#: In the place of an option that an identity leaves out, for it is at its default, and of a default that there is not.
ABSENT = object()
#: In the place of defaults that nobody has named.
UNKNOWN = object()


def changes(before: Any, after: Any, defaults: Any = UNKNOWN, key: str = "") -> Iterator[str]:
    """``training.latents: 10 (its default) → 12`` for every value that differs.

    Args:
        defaults: the values of what only one of both has.
    """
    one, other = ({} if side is ABSENT else side for side in (before, after))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            default = defaults.get(name, ABSENT) if isinstance(defaults, Mapping) else defaults
            path = f"{key}.{name}" if key else str(name)
            yield from changes(one.get(name, ABSENT), other.get(name, ABSENT), default, path)
    elif before != after:
        yield f"{key}: {_shown(before, defaults)} → {_shown(after, defaults)}"


def _shown(value: Any, default: Any) -> str:
    if value is not ABSENT:
        return _in_yaml(value)
    if default is UNKNOWN:
        return "its default"
    return "none" if default is ABSENT else f"{_in_yaml(default)} (its default)"


def _in_yaml(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _defaults(cell: Cell) -> dict[str, Any]:
    """The values that an identity leaves out, by its keys."""
    plug_ins = {
        "dataset": cell.dataset.plug_in,
        "variant": cell.variant.plug_in,
        "architecture": cell.training.architecture,
    }
    return {
        "training": _of(TrainingOptions),
        "split": _of(SplitOptions),
        **{kind: {"version": 1, "options": _of(registry.find(kind, name).Options)} for kind, name in plug_ins.items()},
    }


def _of(options: type[BaseModel]) -> dict[str, Any]:
    fields = {name: field for name, field in options.model_fields.items() if not field.is_required()}
    values = {name: field.get_default(call_default_factory=True) for name, field in fields.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
