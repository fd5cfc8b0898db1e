"""What a metric is: a pure function of arrays, with a name, a protocol and the list of what it needs.

A metric is one file below this folder with one subclass of `Metric`. It never sees a model, a file or a device: the
evaluation stage gathers what `needs` names and passes it as keyword arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta import registry
from multibeta.option_values import PROTOCOLS
from multibeta.registry import PlugIn

#: What a metric may need; N images of the code table, M held-out images, S samples, D latents, K factors.
NEEDS = {
    "codes": "float64 (N, D), once for the posterior means and once for one sample of each posterior",
    "factors": "int (N, K); for a dataset with labels only, the label as its one factor",
    "factor_names": "the K names",
    "factor_kinds": "of each factor: categorical, ordinal or periodic",
    "posterior_mean": "float64 (N, D), posterior means of the code table",
    "posterior_logvar": "float64 (N, D), posterior log-variances of the code table",
    "sibling_means": "the posterior means (N, D) of every other finished seed of the cell",
    "sibling_logvars": "their log-variances (N, D)",
    "mean": "float64 (M, D), posterior means of the held-out images",
    "logvar": "float64 (M, D), posterior log-variances of the held-out images",
    "nll": "float64 (M,), −log p(x|z) at one posterior sample of each held-out image, nats",
    "nll_trained_on": "float64 (T,), the same of images of the code table that were trained on, T ≤ M",
    "images": "float32 (M, C, H, W) in [0, 1], the held-out images",
    "real_images": "float32 (R, C, H, W) in [0, 1], held out by the dataset's own split, whichever is trained "
    "by: what samples are held against",
    "reconstructions": "float32 (M, C, H, W) in [0, 1], decoded from the posterior means",
    "samples": "float32 (S, C, H, W) in [0, 1], decoded from the prior",
    "traversals": "float32 (A, D, V, C, H, W) in [0, 1], decoded from the codes of A held-out images with one latent "
    "set to each of V values",
    "moved": "a function: a step (D,) in code space → float32 (A, S, C, H, W) in [0, 1], decoded from the codes of A "
    "held-out images moved by S multiples of it, evenly from −3 to 3",
    "traversal_values": "float64 (V,), these values, ascending from −3 to 3",
    "grid_images": "uint8 (G, H, W, C), every image of a dataset that is the full grid of its factors",
    "grid_factors": "int (G, K), their factors",
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
        arrays: matrices worth keeping, written to the cell's arrays.npz for figures and readers.
    """

    value: float
    n: int
    parts: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Score(NamedTuple):
    """How one of the numbers that a metric gives is called and read."""

    title: str
    unit: str = ""
    better: Literal["higher", "lower", "neither"] = "higher"


class Metric(PlugIn, kind="metric"):
    """Base of every metric. Declare the facts below and write ``measure(**needs) -> Result``.

    A metric that needs ``codes`` is measured twice, for mean and for sampled codes. A metric's docstring holds its
    formula and ends with the ``Source:`` of it. A metric returns a finite value or raises `NotComputed`.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    #: The named recipe; numbers of different protocols never share a column.
    protocol: ClassVar[str] = ""
    #: In place of ``protocol``, several recipes by name: the settings that ``measure`` is given as further keywords.
    #: Of those in `multibeta.option_values.PROTOCOLS` the study picks; others are always measured.
    protocols: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    unit: ClassVar[str] = ""
    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    needs: ClassVar[tuple[str, ...]]
    #: What the metric describes when it does not rest on codes: ``posterior``, ``reconstruction``, ``prior``,
    #: ``traversal`` or ``edit``.
    representation: ClassVar[str] = ""
    #: Several numbers from one computation, by their names in metrics.csv. ``measure`` then returns a Result or
    #: NotComputed for each. Empty: the metric is one number of its own name.
    scores: ClassVar[Mapping[str, Score]] = {}

    def measure(self, *_: Any, **needs: Any) -> Result | Mapping[str, Result | NotComputed]:
        raise NotImplementedError

    @classmethod
    def all_scores(cls) -> dict[str, Score]:
        """The metric's numbers by name; one for most metrics."""
        return dict(cls.scores) or {cls.name: Score(cls.title, cls.unit, cls.better)}

    @classmethod
    def recipes(cls, picked: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The protocols to measure, with their settings: those ``picked``, and those that are no study's to pick."""
        own = cls.protocols or {cls.protocol: {}}
        return {name: settings for name, settings in own.items() if name in picked or name not in PROTOCOLS}

    @classmethod
    def representations(cls) -> tuple[str, ...]:
        return ("mean", "sampled") if "codes" in cls.needs else (cls.representation,)


def all_scores() -> dict[str, Score]:
    """Every number that the known metrics give, by its name in metrics.csv."""
    found: list[type[Metric]] = [registry.find("metric", name) for name in registry.names("metric")]
    return {name: score for metric in found for name, score in metric.all_scores().items()}


def require_finite(**arrays: NDArray[Any]) -> None:
    """Raise `NotComputed` naming the first array that is empty or holds NaN or infinite values."""
    for name, array in arrays.items():
        if len(array) == 0:
            raise NotComputed(f"{name} is empty")
        broken = int((~np.isfinite(array)).sum())
        if broken:
            raise NotComputed(f"{name} holds {broken} NaN or infinite values")
