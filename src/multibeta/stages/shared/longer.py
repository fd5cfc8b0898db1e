"""Where a training of more steps goes on: the last state of the longest one that differs in its budget alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multibeta.cell import fingerprint
from multibeta.options import TrainingOptions
from multibeta.results import lineage_folder


def longest(root: Path, lineage: str, below: int) -> int:
    """The steps of the longest training of a lineage, as `multibeta.cell.Cell.lineage` names it, that has fewer than
    ``below``; 0 if there is none."""
    kept = (path.stem for path in lineage_folder(root, lineage).glob("[0-9]*.safetensors"))
    return max((steps for each in kept if each.isdecimal() and (steps := int(each)) < below), default=0)


def goes_on(root: Path, run: Mapping[str, Any], wanted: str, cell: Mapping[str, Any]) -> tuple[int, int] | None:
    """The step at which a run goes on and the one at which it ends, by what its cell holds of an earlier spec.

    None where a larger budget is not all that differs, or no state is kept. That is told without any plug-in: what the
    run was, with the new budget, has the hash that is asked for.

    Args:
        root: the folder of all studies.
        run: as cell.json has it.
        wanted: the fingerprint that is asked for.
        cell: as study.json has it.
    """
    identity, training = _mapping(run.get("identity")), _mapping(cell.get("training"))
    before, budget, default = _mapping(identity.get("training")), training.get("budget"), _default()
    if budget == before.get("budget", default) or not _mapping(cell.get("running")).get("extendable"):
        return None
    rest = {name: value for name, value in before.items() if name != "budget"}
    asked = rest if budget == default else {**rest, "budget": budget}
    if fingerprint({**identity, "training": asked}) != wanted:
        return None
    count, unit = str(budget).split()
    try:
        steps = round(int(count) * (1 if unit.startswith("step") else run["steps"] / run["epochs"]))
    except (ArithmeticError, LookupError, TypeError, ValueError):  # numbers that no run has had
        return None
    step = longest(root, fingerprint({**identity, "training": {**rest, "budget": "any"}}), steps)
    return (step, steps) if step else None


def _default() -> Any:
    """The budget that an identity leaves out."""
    return TrainingOptions.model_fields["budget"].default


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
