"""The metrics for anybody's model: one function, any object with ``encode`` and ``decode``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multibeta.datasets import Dataset
from multibeta.options import PROTOCOLS, EvaluationOptions
from multibeta.registry import find, nearest
from multibeta.stages.by_hand import dataset_by_hand
from multibeta.stages.encode import EvaluationImages, conditions, encode_images
from multibeta.stages.evaluate import Material, measure
from multibeta.stages.features import learn_features
from multibeta.stages.prepare import prepare_folder

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: Images per call of a model that is not ours.
BATCH = 256


def evaluate(
    model: Any,
    dataset: str | Dataset,
    metrics: list[str] | str = "all",
    protocol: Sequence[str] | str = ("dlib19", "chen18", "ours"),
    codes: int = 15_000,
    held_out: int = 2_000,
    samples: int = 2_000,
    seed: int = 0,
    results: str | Path = "results",
) -> pd.DataFrame:
    """Measure a model: the columns of metrics.csv from ``protocol`` on, one row for each metric and part.

    Args:
        model: has ``encode(images) -> (mean, logvar)``, images (B, C, H, W) in [0, 1] to two arrays (B, D), and
            ``decode(z) -> images`` in [0, 1]. A `torch.nn.Module` is given tensors on its own device, anything else
            NumPy arrays. A run from `multibeta.load_run` is given its condition, if it has one.
        dataset: a name, such as ``"digits"``, or a prepared `Dataset`.
        metrics: names of metrics, or ``"all"``.
        protocol: the recipe, or several, for metrics that have several: see `multibeta.options.PROTOCOLS`.
        codes, held_out, samples: how many images for metrics of codes, of reconstructions, of prior samples.
        seed: of the metrics' own draws.
        results: folder for the prepared dataset, as for the command line.

    The reconstruction term takes the decoded image as the mean of a Bernoulli likelihood, except for a run of ours,
    whose own likelihood is taken.

    Raises:
        PlugInError: there is no dataset or metric of that name.
        ValueError: the model's arrays are not what is described above, or there is no protocol of that name.
    """
    if isinstance(dataset, str):
        folder = dataset_by_hand(dataset, Path(results), [])
        dataset = prepare_folder(folder)
    features = dataset.folder / "features.safetensors"
    if not features.is_file():
        learn_features(dataset.folder, features)
    picked = [protocol] if isinstance(protocol, str) else list(protocol)
    for name in picked:
        if name not in PROTOCOLS:
            raise ValueError(f"unknown protocol {name!r}{nearest(name, list(PROTOCOLS))}")
    options = EvaluationOptions(protocols=picked, codes=codes, held_out=held_out, samples=samples, seed=seed)
    names = _metric_names(metrics)
    ours = hasattr(model, "decode_logits")
    scored = model if ours else Adapter(model)
    chosen = EvaluationImages.choose(dataset, options)
    table = encode_images(scored, dataset, chosen, conditions(dataset, model))
    likelihood = (model.cell.training.likelihood, model.cell.training.noise_std) if ours else ("bernoulli", 0.1)
    rows, _ = measure(Material(scored, dataset, chosen, table, options, features, likelihood), names)
    return _table(rows)


class Adapter:
    """Anybody's model as ours: NumPy in and out, in batches, with a check of what comes back.

    Raises:
        ValueError: the shapes are not (B, D) and (B, C, H, W), or decoded values lie outside [0, 1].
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device = _device(model)

    def encode(self, images: NDArray[Any], condition: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
        parts = [self._call(self.model.encode, batch) for batch in _batches(images)]
        mean, logvar = (np.concatenate([_numpy(part[i]) for part in parts]) for i in (0, 1))
        if mean.ndim != 2 or mean.shape != logvar.shape or len(mean) != len(images):
            raise ValueError(
                f"encode must return mean and logvar of shape ({len(images)}, D), found {mean.shape} and {logvar.shape}"
            )
        return mean.astype(np.float32), logvar.astype(np.float32)

    def decode(self, z: NDArray[Any], condition: Any = None) -> NDArray[Any]:
        images = np.concatenate([_numpy(self._call(self.model.decode, batch)) for batch in _batches(z)])
        if images.ndim != 4 or len(images) != len(z):
            raise ValueError(f"decode must return images of shape ({len(z)}, C, H, W), found {images.shape}")
        if images.min() < 0 or images.max() > 1:
            raise ValueError(f"decode must return images in [0, 1], found {images.min():.3g} to {images.max():.3g}")
        return images.astype(np.float32)

    def _call(self, method: Any, batch: NDArray[Any]) -> Any:
        if self.device is None:
            return method(batch)
        import torch

        with torch.inference_mode():
            return method(torch.from_numpy(batch).to(self.device))


def _device(model: Any) -> Any:
    """The device of a torch module, or None for a model that takes NumPy arrays."""
    import torch

    if not isinstance(model, torch.nn.Module):
        return None
    model.eval()
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _batches(values: NDArray[Any]) -> list[NDArray[Any]]:
    return [np.array(values[start : start + BATCH], dtype=np.float32) for start in range(0, len(values), BATCH)]


def _numpy(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _metric_names(metrics: list[str] | str) -> list[str]:
    from multibeta.registry import names

    chosen = names("metric") if metrics == "all" else [metrics] if isinstance(metrics, str) else metrics
    for name in chosen:
        find("metric", name)
    return chosen


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)[["protocol", "representation", "metric", "factor", "value", "n", "status"]]
