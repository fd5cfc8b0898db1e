"""Domain features: a small network trained on a dataset's own factors or labels, and how far it can be trusted.

`train` makes the `DomainFeatures` of a dataset, once; the metric ``fd_domain`` reads them for every model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics._calibration import Calibration, calibrate
from multibeta.metrics._domain_network import as_input, build_body, fit
from multibeta.metrics._frechet import Moments, moments
from multibeta.metrics._memory import Memory
from multibeta.randomness import numpy_generator

if TYPE_CHECKING:
    from torch import nn

BATCH = 256
#: Real images measured on each side, at most.
REAL = 10_000
SMALLEST_SIDE = 8
METADATA = "multibeta"
EMPTY = np.zeros((0, 0), dtype=np.float32)


@dataclass
class Pretrained(Calibration):
    """A network with published weights on this dataset: its calibration and, of some networks, real features.

    Attributes:
        features: float32 (M, d), of the held-out images whose moments are ``real``; empty if none are kept.
    """

    features: NDArray[np.float32] = field(default_factory=EMPTY.copy)


@dataclass
class DomainFeatures(Calibration):
    """A trained extractor of 64 features with its calibration; beside it that of networks with published weights.

    Attributes:
        shape: (C, H, W) of the images.
        weights: float32 weights of the network, by name.
        heads: float32 weights of the linear layer that names the factors: (Σ sizes, 64) and (Σ sizes,).
        sizes: number of values of each factor that varies, by its name, in the order of the heads.
        accuracy: share of held-out images whose factor the network names, by factor.
        frequent: share of held-out images with the factor's most frequent value: the accuracy of always naming it.
        pretrained: of each network of weights.lock by name. Those whose weights are absent are unusable.

    The total variance of ``real`` is 1.
    """

    shape: tuple[int, int, int] = (0, 0, 0)
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    heads: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)
    frequent: dict[str, float] = field(default_factory=dict)
    pretrained: dict[str, Pretrained] = field(default_factory=dict)

    def generated(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features (S, 64) of images (S, C, H, W) in [0, 1]; those of the last few arrays are remembered.

        Raises:
            ValueError: the images have another shape than those the network was trained on.
        """
        return self._memory(images)

    @cached_property
    def _memory(self) -> Memory[NDArray[np.float32]]:
        return Memory(self.extract)

    def extract(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, not remembered."""
        import torch

        if images.shape[1:] != self.shape:
            raise ValueError(f"domain features of images {self.shape} cannot be taken from images {images.shape[1:]}")
        batches = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
        with torch.inference_mode():
            return np.concatenate([self._network(torch.from_numpy(np.ascontiguousarray(b))).numpy() for b in batches])

    def predict(self, images: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """The probability (S, size) of every value of each factor, by its name, for images (S, C, H, W) in [0, 1].

        Raises:
            ValueError: the images have another shape than those the network was trained on.
        """
        logits = self.generated(images).astype(np.float64) @ self.heads["weight"].T + self.heads["bias"]
        parts = np.split(logits, np.cumsum(list(self.sizes.values()))[:-1], axis=1)
        found = {}
        for name, part in zip(self.sizes, parts, strict=True):
            likelihood = np.exp(part - part.max(1, keepdims=True))
            found[name] = likelihood / likelihood.sum(1, keepdims=True)
        return found

    @cached_property
    def _network(self) -> nn.Module:
        import torch

        with torch.device("meta"):  # no initial weights, so no random numbers drawn
            network = build_body(self.shape)
        weights = {name: torch.from_numpy(value.copy()) for name, value in self.weights.items()}
        network.load_state_dict(weights, assign=True)
        return network

    def save(self, path: Path) -> None:
        """Write a safetensors file; the same features give the same bytes."""
        from safetensors.numpy import save

        tensors: dict[str, NDArray[Any]] = {f"network/{name}": value for name, value in self.weights.items()}
        tensors |= {f"heads/{name}": value for name, value in self.heads.items()}
        tensors |= _moments("real", self.real)
        for name, network in self.pretrained.items():
            tensors |= _moments(f"pretrained/{name}", network.real) | {f"pretrained/{name}/features": network.features}
        facts = {
            "shape": self.shape,
            "sizes": self.sizes,
            "accuracy": self.accuracy,
            "frequent": self.frequent,
            **_facts(self),
            "pretrained": {name: _facts(network) for name, network in self.pretrained.items()},
        }
        # All facts under one key: safetensors writes several keys in any order.
        path.write_bytes(save(tensors, {METADATA: json.dumps(facts, allow_nan=False)}))

    @classmethod
    def load(cls, path: Path) -> DomainFeatures:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is not one of domain features or is damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {})[METADATA])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls._of(facts, tensors)
        except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} holds no domain features ({error}); remove it and run again") from error

    @classmethod
    def _of(cls, facts: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> DomainFeatures:
        """What is in a file, as `save` put it there."""

        def calibration(place: str, facts: dict[str, Any]) -> dict[str, Any]:
            n = facts.pop("n")
            return {**facts, "real": Moments(tensors[f"{place}/mean"], tensors[f"{place}/covariance"], n)}

        pretrained = {
            name: Pretrained(**calibration(place, of), features=tensors[f"{place}/features"])
            for name, of in facts.pop("pretrained", {}).items()
            for place in [f"pretrained/{name}"]
        }
        weights, heads = (
            {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
            for part in ("network/", "heads/")
        )
        shape = tuple(facts.pop("shape"))
        return cls(shape=shape, weights=weights, heads=heads, pretrained=pretrained, **calibration("real", facts))


def train(
    images: NDArray[np.uint8],
    targets: NDArray[np.int64],
    sizes: Sequence[int],
    names: Sequence[str],
    held_out: NDArray[np.bool_],
    seed: int = 0,
) -> DomainFeatures:
    """Train the network on all but the held-out images, measure the held-out ones and calibrate the distance.

    On a CPU with a fixed number of threads, the same arguments give the same bytes.

    Args:
        images: uint8 (N, H, W, C).
        targets: int (N, K), factors, or labels as the one column.
        sizes: the number of values of each column.
        names: the name of each column.
        held_out: bool (N,).
    """
    height, width = images.shape[1:3]
    held_rows, train_rows = np.flatnonzero(held_out), np.flatnonzero(~held_out)
    varying = [k for k, size in enumerate(sizes) if size > 1]
    if min(height, width) < SMALLEST_SIDE:
        return DomainFeatures(f"images of {height}×{width} are too small for domain features, {SMALLEST_SIDE} needed")
    if not varying:
        return DomainFeatures("no factor or label with two values or more to learn domain features from")
    if min(len(held_rows), len(train_rows)) < 2:
        return DomainFeatures(
            f"domain features need training and held-out images, found {len(train_rows)} and {len(held_rows)}"
        )
    targets, sizes, names = targets[:, varying], [sizes[k] for k in varying], [names[k] for k in varying]
    body, heads = fit(images, targets, list(sizes), train_rows, seed)

    held_rows, train_rows = real_images(held_out, REAL, seed)
    held, trained = (as_input(images[rows]).numpy() for rows in (held_rows, train_rows))
    extractor = DomainFeatures(shape=held.shape[1:], weights=_weights(body), heads=_weights(heads))
    extractor.sizes = dict(zip(names, sizes, strict=True))
    named = extractor.predict(held)
    extractor.accuracy = {
        name: float((named[name].argmax(1) == targets[held_rows, k]).mean()) for k, name in enumerate(names)
    }
    extractor.frequent = {
        name: float(np.bincount(targets[held_rows, k]).max() / len(held_rows)) for k, name in enumerate(names)
    }
    variance = np.trace(moments(extractor.generated(held)).covariance)
    if not 0 < variance < np.inf:
        return DomainFeatures("extractor disqualified: its features are the same for all images")
    last = len(body) - 2
    for name in (f"{last}.weight", f"{last}.bias"):
        extractor.weights[name] = (extractor.weights[name] / np.sqrt(variance)).astype(np.float32)
    extractor.heads["weight"] = (extractor.heads["weight"] * np.sqrt(variance)).astype(np.float32)
    scaled = replace(extractor)  # a network of the scaled weights
    calibration, _ = calibrate(scaled.extract, held, trained, seed)
    return replace(scaled, **vars(calibration))


def real_images(held_out: NDArray[np.bool_], most: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of held-out images and of equally many training images, ``most`` of each at most, sorted."""
    draws = numpy_generator(seed, "domain features, real images")
    sides = np.flatnonzero(held_out), np.flatnonzero(~held_out)
    n = min(*map(len, sides), most)
    held, trained = (np.sort(draws.choice(rows, n, replace=False)) for rows in sides)
    return held, trained


def _facts(calibration: Calibration) -> dict[str, Any]:
    return {
        "unusable": calibration.unusable,
        "n": calibration.real.n,
        "floor": calibration.floor,
        "ladders": calibration.ladders,
    }


def _moments(place: str, real: Moments) -> dict[str, NDArray[Any]]:
    return {f"{place}/mean": real.mean, f"{place}/covariance": real.covariance}


def _weights(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    return {name: value.numpy() for name, value in network.state_dict().items()}
