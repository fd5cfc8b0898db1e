"""Which factors the domain predictor reads well enough to measure with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

#: A factor is read only by a predictor that goes at least this part of the way to 1 from the accuracy of always naming
#: the most frequent value.
LEAST_SKILL = 0.25


def readable(features: DomainFeatures, name: str) -> str | None:
    """Why the factor cannot be read, or None if it can."""
    if name not in features.sizes:
        return f"factor {name!r} has a single value, no latent can move it"
    # A rare value is named by nobody, and always naming the frequent one is no skill.
    accuracy, chance = features.accuracy[name], features.frequent.get(name, 1 / features.sizes[name])
    least = chance + LEAST_SKILL * (1 - chance)
    if accuracy < least or chance == 1:
        return f"factor {name!r} is read with an accuracy of {accuracy:.2f} only, at least {least:.2f} needed"
    return None
