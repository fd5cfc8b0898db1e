"""A model: the network that is trained, and a trained run as metrics and figures see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from multibeta import randomness, registry, results
from multibeta.cell import Cell

if TYPE_CHECKING:
    from multibeta.architectures import Architecture

#: Images per forward pass outside training. One fixed number, as the batch size can change the last bits of a result.
BATCH = 256


class VAE(nn.Module):
    """Encoder and decoder of an architecture, joined by a diagonal Gaussian posterior over D latents.

    B images (B, C, H, W). A condition is a class index (B,), given one-hot to the posterior layer and the decoder.
    """

    def __init__(
        self, architecture: Architecture, shape: tuple[int, int, int], latents: int, condition_size: int = 0
    ) -> None:
        super().__init__()
        self.body, features = architecture.encoder(shape)
        self.posterior = nn.Linear(features + condition_size, 2 * latents)
        self.decoder = architecture.decoder(shape, latents + condition_size)
        self.latents = latents
        self.condition_size = condition_size

    def encode(self, images: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) in [0, 1] → mean and log-variance of the posterior, both (B, D)."""
        mean, logvar = self.posterior(self._with_condition(self.body(images), condition)).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Codes (B, D) → logits (B, C, H, W); their sigmoid is the image."""
        logits: Tensor = self.decoder(self._with_condition(z, condition))
        return logits

    def _with_condition(self, x: Tensor, condition: Tensor | None) -> Tensor:
        if not self.condition_size:
            return x
        if condition is None:
            raise ValueError(f"this model needs a condition: a class of 0 … {self.condition_size - 1} for each image")
        return torch.cat([x, functional.one_hot(condition, self.condition_size).to(x.dtype)], dim=1)


def build(cell: Cell, seed: int) -> VAE:
    """The network of a cell with the initial weights of a seed; the global random state is left as it was."""
    architecture = registry.find("architecture", cell.training.architecture)()
    shape = cell.dataset.make("dataset").shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(randomness.key(seed, "initial weights"))
        return VAE(architecture, shape, cell.training.latents, cell.condition_size())


@dataclass(frozen=True)
class Condition:
    """What a conditional model is conditioned on: ``label`` or a factor, and how many values it has."""

    name: str
    size: int


class Run:
    """One trained seed of a cell. Everything goes in and comes out as NumPy arrays, batched inside.

    Attributes:
        latents: D.
        shape: (C, H, W) of the images.
        condition: what the model is conditioned on, or None.
    """

    def __init__(self, network: VAE, cell: Cell, seed: int, device: str = "cpu") -> None:
        self.network = network.to(device).eval()
        self.cell = cell
        self.seed = seed
        self.device = device
        self.latents = network.latents
        self.shape: tuple[int, int, int] = cell.dataset.make("dataset").shape
        name = cell.condition()
        self.condition = Condition(name, network.condition_size) if name else None

    def encode(
        self, images: NDArray[Any], condition: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and log-variance (N, D) of images (N, C, H, W), float in [0, 1] or uint8.

        Raises:
            ValueError: the images have another shape than those trained on, or a needed condition is missing.
        """
        if images.ndim != 4 or tuple(images.shape[1:]) != self.shape:
            raise ValueError(f"images of shape {images.shape} given to a model of images (N, {str(self.shape)[1:]}")
        means, logvars = [], []
        with torch.inference_mode():
            for batch, of_batch in self._batches(images, condition):
                mean, logvar = self.network.encode(_as_float(batch), of_batch)
                means.append(mean.cpu().numpy())
                logvars.append(logvar.cpu().numpy())
        return np.concatenate(means), np.concatenate(logvars)

    def decode(self, z: NDArray[Any], condition: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Images (N, C, H, W) in [0, 1] of codes (N, D): the mean of the likelihood, not a draw from it."""
        return self._decode(z.astype(np.float32), condition, torch.sigmoid)

    def decode_logits(self, z: NDArray[Any], condition: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """As `decode`, before the sigmoid: what the likelihood is computed from."""
        return self._decode(z.astype(np.float32), condition, lambda logits: logits)

    def _decode(self, z: NDArray[Any], condition: NDArray[np.int64] | None, last: Any) -> NDArray[np.float32]:
        if z.ndim != 2 or z.shape[1] != self.latents:
            raise ValueError(f"codes of shape {z.shape} given to a model of {self.latents} latents")
        with torch.inference_mode():
            decoded = [
                last(self.network.decode(batch, of_batch)).cpu().numpy()
                for batch, of_batch in self._batches(z, condition)
            ]
        return np.concatenate(decoded)

    def _batches(
        self, values: NDArray[Any], condition: NDArray[np.int64] | None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        for start in range(0, len(values), BATCH):
            chosen = slice(start, start + BATCH)
            of_batch = None if condition is None else torch.from_numpy(np.array(condition[chosen])).to(self.device)
            yield torch.from_numpy(np.array(values[chosen])).to(self.device), of_batch


def load_cell(folder: results.CellFolder, device: str = "cpu") -> dict[int, Run]:
    """The finished runs of a cell by seed; runs that diverged or failed are absent.

    Raises:
        FileNotFoundError: the folder holds no trained cell.
        ValueError: its weights are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for needed in (folder.spec, folder.models):
        if not needed.is_file():
            raise FileNotFoundError(f"{folder.path}: no trained cell there ({needed.name} is missing)")
    cell = Cell.model_validate(results.read_json(folder.spec))
    cell.load_plugins()
    with results.reading(folder.models, (SafetensorError,)):
        tensors = load_file(folder.models, device=device)
    runs = {}
    for seed in cell.seeds:
        prefix = f"seed{seed}/"
        weights = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if weights:
            network = build(cell, seed)
            network.load_state_dict(weights)
            runs[seed] = Run(network, cell, seed, device)
    return runs


def load_run(path: str | Path, seed: int | None = None, device: str = "cpu") -> Run:
    """A trained run from the folder of its cell, such as ``results/default/cells/sprites/beta_vae/beta~4``.

    Args:
        seed: which one; None takes the cell's first.

    Raises:
        FileNotFoundError: the folder holds no trained cell.
        ValueError: the cell has no finished run of that seed; the message gives its status.
    """
    folder = results.CellFolder(Path(path))
    runs = load_cell(folder, device)
    if seed is None and runs:
        return next(iter(runs.values()))
    if seed not in runs:
        statuses = {int(s): run["status"] for s, run in results.read_json(folder.cell)["runs"].items()}
        raise ValueError(f"{path}: no finished run of seed {seed}; the cell has {json.dumps(statuses)}")
    return runs[seed]


def _as_float(images: Tensor) -> Tensor:
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()
