"""What a metric is: a pure function of arrays, with a name, a protocol and the list of what it needs.

A metric is one file below this folder with one subclass of `Metric`. It never sees a model, a file or a device: the
evaluation stage gathers what `needs` names and passes it as keyword arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from multibeta.registry import PlugIn

#: What a metric may need; N evaluation images, M held-out images, S samples, D latents, K factors.
NEEDS = {
    "codes": "float64 (N, D), once for the posterior means and once for one sample of each posterior",
    "factors": "int (N, K); for a dataset with labels only, the label as its one factor",
    "factor_names": "the K names",
    "mean": "float64 (M, D), posterior means of the held-out images",
    "logvar": "float64 (M, D), posterior log-variances of the held-out images",
    "nll": "float64 (M,), −log p(x|z) at one posterior sample of each held-out image, nats",
    "images": "float32 (M, C, H, W) in [0, 1], the held-out images",
    "reconstructions": "float32 (M, C, H, W) in [0, 1], decoded from the posterior means",
    "samples": "float32 (S, C, H, W) in [0, 1], decoded from the prior",
    "features": "the dataset's `multibeta.metrics._features.DomainFeatures`",
    "seed": "int, keys the metric's own random draws",
}


class NotComputed(Exception):
    """Raised by a metric, or by what gathers its needs, that cannot be computed; the message says why."""


@dataclass(frozen=True)
class Result:
    """A metric's value and its parts.

    Attributes:
        value: the score.
        n: number of images, codes or samples it rests on.
        parts: value by factor name or by latent (``z0`` …), written to the column ``factor`` of metrics.csv.
        arrays: matrices worth keeping for figures.
    """

    value: float
    n: int
    parts: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Metric(PlugIn, kind="metric"):
    """Base of every metric. Declare the facts below and write ``measure(**needs) -> Result``.

    A metric that needs ``codes`` is measured twice, for mean and for sampled codes. A metric's docstring holds its
    formula and ends with the ``Source:`` of it. A metric returns a finite value or raises `NotComputed`.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    #: The named recipe; numbers of different protocols never share a column.
    protocol: ClassVar[str]
    unit: ClassVar[str] = ""
    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    needs: ClassVar[tuple[str, ...]]
    #: What the metric describes when it does not rest on codes: ``posterior``, ``reconstruction`` or ``prior``.
    representation: ClassVar[str] = ""

    def measure(self, *_: Any, **needs: Any) -> Result:
        raise NotImplementedError


def require_finite(**arrays: NDArray[Any]) -> None:
    """Raise `NotComputed` naming the first array that is empty or holds NaN or infinite values."""
    for name, array in arrays.items():
        if len(array) == 0:
            raise NotComputed(f"{name} is empty")
        broken = int((~np.isfinite(array)).sum())
        if broken:
            raise NotComputed(f"{name} holds {broken} NaN or infinite values")
