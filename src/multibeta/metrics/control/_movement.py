"""How far, and along how long a way, a predicted factor moves while one latent is traversed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def movement(probabilities: NDArray[np.float64], kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reach and path (...,) of traversals (..., V, S): the probability of each of S values in V images along the way.

    Both are in units of the factor's whole range; the reach is at most 1 and at most the path.

    Ordinal: the expected value moves on a line. Periodic: the mean direction moves on the circle; a step counts by the
    length of the shorter of its two mean vectors, for an unsure predictor points nowhere. Categorical: the reach counts
    the values that are seen besides the first, each by its largest probability, and the path is the total variation
    between neighbours, so the two are equal if no value comes back once it has gone. The range of a factor with more
    values than the traversal has images is V of them.
    """
    images, size = probabilities.shape[-2:]
    if kind == "categorical":
        others = min(images, size) - 1
        reach = (probabilities.max(-2) - probabilities[..., 0, :]).sum(-1) / others
        path = abs(np.diff(probabilities, axis=-2)).sum((-2, -1)) / 2 / others
        return np.minimum(reach, path), path
    if kind == "periodic":
        vectors = (probabilities * np.exp(2j * np.pi * np.arange(size) / size)).sum(-1)
        certainty = np.minimum(abs(vectors[..., 1:]), abs(vectors[..., :-1]))
        turns = np.diff(np.angle(vectors)) / (2 * np.pi)
        steps = certainty * (turns - np.rint(turns)) * size / (size - 1)
    else:
        steps = np.diff((probabilities * np.arange(size)).sum(-1)) / (size - 1)
    places = steps.cumsum(-1)
    reach = places.max(-1).clip(min=0) - places.min(-1).clip(max=0)
    path = abs(steps).sum(-1)
    # Once around is the whole range of a circle; rounding must not make the reach the longer of the two.
    return np.minimum(reach, path).clip(max=1), path
