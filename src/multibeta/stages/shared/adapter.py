"""Anybody's model as ours: any object with ``encode`` and ``decode``, arrays or tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Images per call of a model that is not ours.
BATCH = 256
#: How far outside [0, 1] a decoded value may lie by rounding.
ROUNDING = 1e-6


class Adapter:
    """Anybody's model as ours: NumPy in and out, in batches, with a check of what comes back.

    Raises:
        ValueError: the model has no ``encode`` or ``decode`` or one of them fails, the shapes are not (B, D) and (B, C,
            H, W), or decoded values lie outside [0, 1].
    """

    def __init__(self, model: Any, shape: tuple[int, int, int]) -> None:
        missing = [name for name in ("encode", "decode") if not callable(getattr(model, name, None))]
        if missing:
            raise ValueError(f"the model, a {type(model).__name__}, has no function {' and no '.join(missing)}")
        self.model, self.shape = model, shape
        self.device = _device(model)

    def encode(self, images: NDArray[Any], condition: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
        parts = []
        for batch in _batches(images):
            pair = self._call("encode", batch)
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                found = f"{len(pair)} values" if isinstance(pair, tuple | list) else f"one {type(pair).__name__}"
                raise ValueError(f"encode must return two arrays, mean and logvar, found {found}")
            parts.append([_numpy(each, "encode") for each in pair])
            mean, logvar = parts[-1]
            if mean.ndim != 2 or not mean.size or mean.shape != logvar.shape or len(mean) != len(batch):
                raise ValueError(
                    f"encode must return mean and logvar of shape (B, D), D latents for each of B images; "
                    f"found {mean.shape} and {logvar.shape} for {len(batch)} images"
                )
        mean, logvar = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return mean, logvar

    def decode(self, z: NDArray[Any], condition: Any = None) -> NDArray[Any]:
        images = np.concatenate([_numpy(self._call("decode", batch), "decode") for batch in _batches(z)])
        if images.shape != (len(z), *self.shape):
            raise ValueError(
                f"decode must return images of shape {(len(z), *self.shape)}, (B, C, H, W) as those of the dataset; "
                f"found {images.shape}"
            )
        if images.min() < -ROUNDING or images.max() > 1 + ROUNDING:
            raise ValueError(f"decode must return images in [0, 1], found {images.min():.7g} to {images.max():.7g}")
        return images.clip(0, 1)

    def _call(self, name: str, batch: NDArray[Any]) -> Any:
        method = getattr(self.model, name)
        try:
            if self.device is None:
                return method(batch)
            import torch

            training = self.model.training
            self.model.eval()
            try:
                with torch.inference_mode():
                    return method(torch.from_numpy(batch).to(self.device))
            finally:
                self.model.train(training)
        except Exception as error:
            raise ValueError(
                f"the model's {name} fails on an array {batch.shape}: {type(error).__name__}: {error}"
            ) from error


def _device(model: Any) -> Any:
    """The device of a torch module, or None for a model that takes NumPy arrays."""
    import torch

    if not isinstance(model, torch.nn.Module):
        return None
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _batches(values: NDArray[Any]) -> list[NDArray[Any]]:
    return [np.array(values[start : start + BATCH], dtype=np.float32) for start in range(0, len(values), BATCH)]


def _numpy(value: Any, name: str) -> NDArray[np.float32]:
    try:
        return np.asarray(value.detach().float().cpu() if hasattr(value, "detach") else value).astype(np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must return arrays of numbers, found a {type(value).__name__}") from None
