"""Which images of a dataset are measured, their codes, and how any model is asked for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.datasets import Dataset
from multibeta.files import ARRAY_DAMAGES, reading
from multibeta.metrics.posterior._divergence import kl_per_latent
from multibeta.options import EvaluationOptions
from multibeta.results import CellFolder


class Model(Protocol):
    """What is asked of a model: B images (B, C, H, W) in [0, 1] and codes (B, D), as arrays."""

    def encode(self, images: Any, condition: Any = None) -> tuple[Any, Any]:
        """Mean and log-variance of the posterior, both (B, D)."""

    def decode(self, z: Any, condition: Any = None) -> Any:
        """Images in [0, 1]."""


#: Images in memory at once while they are encoded, a multiple of the batches that models take them in.
CHUNK = 2048
#: The array of codes.npz with the hash of models.safetensors.
MODELS = "models"


@dataclass(frozen=True)
class EvaluationImages:
    """Which images of a dataset are measured: equal for every model, so differences are the models'.

    Attributes:
        code_table: positions (N,) drawn without replacement from the whole dataset, sorted.
        held_out: positions (M,) drawn from the images kept from training, sorted.
        trained_on: positions (T,) of images of the code table that were trained on, T ≤ M, sorted. One that comes
            several times in training may come several times.
        real: positions (R,) drawn from those that the dataset's own split holds out, whatever is held out here:
            a random sample of the whole dataset, which samples of the prior are held against; sorted.
    """

    code_table: NDArray[np.int64]
    held_out: NDArray[np.int64]
    trained_on: NDArray[np.int64]
    real: NDArray[np.int64]

    @classmethod
    def choose(cls, dataset: Dataset, options: EvaluationOptions) -> EvaluationImages:
        def draw(positions: NDArray[np.int64], most: int, purpose: str) -> NDArray[np.int64]:
            generator = randomness.numpy_generator(options.seed, purpose)
            return np.sort(generator.permutation(positions)[:most])

        code_table = draw(np.arange(len(dataset.images)), options.codes, "code table")
        held_out = draw(dataset.held_out.nonzero()[0], options.held_out, "held-out images")
        in_table = dataset.train[np.isin(dataset.train, code_table)]
        return cls(
            code_table,
            held_out,
            draw(in_table, len(held_out), "training images"),
            draw(dataset.own_held_out.nonzero()[0], options.held_out, "held-out images"),
        )


@dataclass(frozen=True)
class Codes:
    """Posterior of the evaluation images under one model: N images of the code table, M held-out ones, D latents."""

    mean: NDArray[np.float32]
    logvar: NDArray[np.float32]
    held_out_mean: NDArray[np.float32]
    held_out_logvar: NDArray[np.float32]

    @property
    def are_points(self) -> bool:
        """The encoder gives points rather than densities: every log-variance is −∞."""
        return bool(np.isneginf(self.logvar).all())


def read_codes(folder: CellFolder) -> tuple[EvaluationImages, dict[int, Codes]]:
    """What `encode` wrote: the images, and the codes by seed.

    Raises:
        FileNotFoundError: the cell is not encoded.
        ValueError: the file is damaged.
    """
    with reading(folder.codes, ARRAY_DAMAGES), np.load(folder.codes, allow_pickle=False) as stored:
        seeds = sorted({int(name.split("/")[0].removeprefix("seed")) for name in stored if "/" in name})
        fields = Codes.__dataclass_fields__
        codes = {seed: Codes(**{name: stored[f"seed{seed}/{name}"] for name in fields}) for seed in seeds}
        chosen = EvaluationImages(**{name: stored[name] for name in EvaluationImages.__dataclass_fields__})
        _check(chosen, codes)
        return chosen, codes


def require_all(folder: CellFolder, codes: Mapping[int, Codes], seeds: Iterable[int]) -> None:
    """Refuse codes that lack a finished run.

    Raises:
        ValueError: the message names the file and the seed.
    """
    for seed in seeds:
        if seed not in codes:
            raise ValueError(f"{folder.codes}: no codes of seed {seed}; remove it and make it again")


def hash_of_models(folder: CellFolder) -> NDArray[np.uint8]:
    """The 32 bytes of models.safetensors' SHA-256."""
    with folder.models.open("rb") as file:
        return np.frombuffer(hashlib.file_digest(file, "sha256").digest(), np.uint8)


def _check(chosen: EvaluationImages, codes: Mapping[int, Codes]) -> None:
    """Raise a ValueError unless these are positions of images, and codes of just these."""
    for name, positions in vars(chosen).items():
        if not isinstance(positions, np.ndarray):
            raise ValueError(f"{name} is no array")
        if positions.ndim != 1 or positions.dtype != np.int64 or (positions < 0).any():
            raise ValueError(f"{name} is {positions.dtype} {positions.shape}, must be positions of images")
    for seed, of_seed in codes.items():
        if not all(isinstance(array, np.ndarray) for array in vars(of_seed).values()):
            raise ValueError(f"seed{seed} has what is no array")
        for name, array in vars(of_seed).items():
            rows = len(chosen.held_out if name.startswith("held_out") else chosen.code_table)
            if array.dtype != np.float32 or array.shape != (rows, *of_seed.mean.shape[1:]) or array.ndim != 2:
                raise ValueError(f"seed{seed}/{name} is {array.dtype} {array.shape}, must be codes of {rows} images")
            if np.isnan(array).any():
                raise ValueError(f"seed{seed}/{name} holds what is no number")


def encode_images(
    model: Model, dataset: Dataset, chosen: EvaluationImages, condition: NDArray[np.int64] | None
) -> Codes:
    """Encode the chosen images; ``condition`` (all images of the dataset,) is for conditional models."""
    parts: list[NDArray[np.float32]] = []
    for positions in (chosen.code_table, chosen.held_out):
        encoded = []
        for start in range(0, len(positions), CHUNK):
            some = positions[start : start + CHUNK]
            of_images = () if condition is None else (condition[some],)
            encoded.append(model.encode(float_images(dataset, some), *of_images))
        parts += map(np.concatenate, zip(*encoded, strict=True))
    return Codes(*parts)


def float_images(dataset: Dataset, positions: NDArray[np.int64]) -> NDArray[np.float32]:
    """Images (n, C, H, W) in [0, 1]."""
    images = np.ascontiguousarray(dataset.images[positions].transpose(0, 3, 1, 2), np.float32)
    images /= np.float32(255)
    return images


def prior_codes(model: Any, noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Codes (n, D) of the model's prior made of noise (n, D) ~ N(0, I): the noise itself, unless it says otherwise."""
    found: NDArray[np.float32] = model.prior(noise) if hasattr(model, "prior") else noise
    return found


def conditions(dataset: Dataset, model: Any) -> NDArray[np.int64] | None:
    """The condition of every image of the dataset, for a conditional model; None for all others."""
    condition = getattr(model, "condition", None)
    return None if condition is None else dataset.column(condition.name)[0].astype(np.int64)


def usage(codes: Codes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """KL (D,) in nats per image, NaN of points, and variance of the posterior means (D,), over the held-out images."""
    mean, logvar = codes.held_out_mean.astype(np.float64), codes.held_out_logvar.astype(np.float64)
    if codes.are_points:
        return np.full(mean.shape[1], np.nan), mean.var(0)
    return kl_per_latent(mean, logvar), mean.var(0)
