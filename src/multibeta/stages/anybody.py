"""Anybody's model, measured: any object with ``encode`` and ``decode``, arrays or tensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from multibeta.datasets import Dataset
from multibeta.options import EvaluationOptions
from multibeta.stages.by_hand import dataset_by_hand
from multibeta.stages.encode import EvaluationImages, conditions, encode_images
from multibeta.stages.evaluate import Material, Matrices, Rows, measure
from multibeta.stages.features import learn_features
from multibeta.stages.prepare import prepare_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Images per call of a model that is not ours.
BATCH = 256


def prepared(dataset: str | Dataset, results: Path) -> Dataset:
    """The dataset, prepared below ``results`` if given by name, and its features learnt if they are not yet.

    Raises:
        PlugInError: there is no dataset of that name.
    """
    if isinstance(dataset, str):
        dataset = prepare_folder(dataset_by_hand(dataset, results, []))
    features = dataset.folder / "features.safetensors"
    if not features.is_file():
        learn_features(dataset.folder, features)
    return dataset


class Measured(NamedTuple):
    """What `multibeta.stages.evaluate.measure` gives, and the number of the model's latents."""

    rows: Rows
    matrices: Matrices
    latents: int


def measure_anybody(model: Any, dataset: Dataset, metric_names: Sequence[str], options: EvaluationOptions) -> Measured:
    """Every metric of a model that need not be ours.

    Raises:
        ValueError: the model's arrays are not what `multibeta.evaluate` describes.
    """
    ours = hasattr(model, "decode_logits")
    scored = model if ours else Adapter(model)
    chosen = EvaluationImages.choose(dataset, options)
    table = encode_images(scored, dataset, chosen, conditions(dataset, model))
    likelihood = (model.cell.training.likelihood, model.cell.training.noise_std) if ours else ("bernoulli", 0.1)
    features = dataset.folder / "features.safetensors"
    material = Material(scored, dataset, chosen, table, options, features, likelihood)
    return Measured(*measure(material, metric_names), table.mean.shape[1])


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
