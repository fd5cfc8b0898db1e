"""How a mean stands against the named targets of a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

#: A run's cost rather than a metric, but a target may name it.
SECONDS_PER_EPOCH = "seconds_per_epoch"


def standing(mean: float | None, targets: Sequence[Mapping[str, Any]]) -> str:
    """The name of the last target reached, in the order given; ``not reached``; or ``not computed``.

    Args:
        mean: over seeds; None or NaN if it could not be computed.
        targets: of one metric, from the easiest to the hardest, each with ``name`` and ``above`` or ``below``.
    """
    if mean is None or math.isnan(mean):
        return "not computed"
    reached = [str(target["name"]) for target in targets if reaches(mean, target)]
    return reached[-1] if reached else "not reached"


def reaches(mean: float, target: Mapping[str, Any]) -> bool:
    """Strictly above ``above`` and strictly below ``below``, where given."""
    above, below = target.get("above"), target.get("below")
    return (above is None or mean > above) and (below is None or mean < below)


def condition(target: Mapping[str, Any]) -> str:
    """Such as ``> 0.3 good``."""
    above, below = target.get("above"), target.get("below")
    parts = [f"> {above:g}"] if above is not None else []
    parts += [f"< {below:g}"] if below is not None else []
    return f"{' and '.join(parts)} {target['name']}"
