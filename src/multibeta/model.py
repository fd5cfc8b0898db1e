"""A model: the network of a cell, and a trained run as metrics and figures see it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multibeta import randomness
from multibeta.cell import Cell, pretrained_run
from multibeta.files import read_json, reading
from multibeta.network import VAE
from multibeta.results import CellFolder, state_folder
from multibeta.variants import Parts

#: Images per forward pass outside training. One fixed number, as the batch size can change the last bits of a result.
BATCH = 256


def build(cell: Cell, seed: int) -> VAE:
    """The network of a cell with the initial weights of a seed; the global random state is left as it was."""
    options = cell.training
    with seeded(seed, "initial weights"):
        network: VAE = cell.variant.make("variant").network(parts(cell))
        if options.initial_weights == "he":
            _draw_he(network)
    network.strength = float(cell.strength)
    if options.likelihood == "gaussian_learned":
        network.log_noise_std = nn.Parameter(torch.tensor(math.log(options.noise_std)))
    return network


def _draw_he(network: nn.Module) -> None:
    """Draw the weights of dense and convolutional layers anew: U(−√(6 / n), √(6 / n)) for n inputs, so that ReLUs pass
    on the variance they are given. PyTorch's own are √6 times as small, layer by layer. Of a transposed convolution
    n is PyTorch's fan-in, its output channels × kernel, as in published β-VAEs: of stride 2 it passes on less.

    He et al. 2015, "Delving Deep into Rectifiers", https://arxiv.org/abs/1502.01852, equation 10.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")


def parts(cell: Cell) -> Parts:
    """What the networks of a cell are made of."""
    return Parts(cell.make_architecture(), cell.described().shape, cell.training.latents, cell.condition_size())


def pretrain(network: VAE, source: str, seed: int) -> bool:
    """Give a network the weights of a trained cell, where names and shapes agree; the rest keeps its own.

    Args:
        source: folder of the cell; its run of the same seed is taken, or its first if it has none.

    Returns:
        Whether nothing of the network's own is left.

    Raises:
        ValueError: nothing there fits this network.
    """
    chosen, _ = pretrained_run(Path(source), seed)
    weights = _weights(CellFolder(Path(source)), chosen, "cpu")
    own = network.state_dict()
    fitting = {name: tensor for name, tensor in weights.items() if name in own and own[name].shape == tensor.shape}
    if not fitting:
        raise ValueError(f"training.pretrained = {source!r}: none of its weights fits this network")
    network.load_state_dict({**own, **fitting})
    return fitting.keys() == own.keys()


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """PyTorch's global random state keyed by (seed, purpose) for the block, and as it was after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(randomness.key(seed, purpose))
        yield


@dataclass(frozen=True)
class Condition:
    """What a conditional model is conditioned on: ``label`` or factors joined by ``+``, and how many values it has."""

    name: str
    size: int


class Run:
    """One trained seed of a cell. Everything goes in and comes out as NumPy arrays, batched inside.

    Attributes:
        latents: D.
        shape: (C, H, W) of the images.
        condition: what the model is conditioned on, or None.
        likelihood: name and standard deviation of the decoder's likelihood; the latter counts for Gaussians.
    """

    def __init__(self, network: VAE, cell: Cell, seed: int, device: str = "cpu") -> None:
        self.network = network.to(device).eval()
        self.cell = cell
        self.seed = seed
        self.device = device
        self.latents = network.latents
        self.shape = cell.described().shape
        name = cell.condition()
        self.condition = Condition(name, network.condition_size) if name else None
        learnt = network.log_noise_std
        std = cell.training.noise_std if learnt is None else math.exp(learnt.item())
        self.likelihood = (cell.training.likelihood, std)

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

    def prior(self, noise: NDArray[Any]) -> NDArray[np.float32]:
        """Codes (N, D) of the prior, made of standard normal noise (N, D)."""
        return self._in_batches(self.network.prior, noise.astype(np.float32), None)

    def _decode(self, z: NDArray[Any], condition: NDArray[np.int64] | None, last: Any) -> NDArray[np.float32]:
        if z.ndim != 2 or z.shape[1] != self.latents:
            raise ValueError(f"codes of shape {z.shape} given to a model of {self.latents} latents")
        return self._in_batches(lambda *batch: last(self.network.decode(*batch)), z, condition)

    def _in_batches(
        self, function: Callable[..., Tensor], values: NDArray[Any], condition: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        with torch.inference_mode():
            batches = self._batches(values, condition)
            found = [function(batch, *() if of is None else (of,)).cpu().numpy() for batch, of in batches]
        return np.concatenate(found)

    def _batches(
        self, values: NDArray[Any], condition: NDArray[np.int64] | None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        for start in range(0, len(values), BATCH):
            chosen = slice(start, start + BATCH)
            of_batch = None if condition is None else torch.from_numpy(np.array(condition[chosen])).to(self.device)
            yield torch.from_numpy(np.array(values[chosen])).to(self.device), of_batch


def load_cell(folder: CellFolder, device: str = "cpu", seeds: Sequence[int] | None = None) -> dict[int, Run]:
    """The finished runs of a cell by seed, of all seeds or of some; runs that diverged or failed are absent.

    Raises:
        FileNotFoundError: the folder holds no trained cell.
        ValueError: its weights are damaged.
    """
    for needed in (folder.spec, folder.models):
        if not needed.is_file():
            raise FileNotFoundError(f"{folder.path}: no trained cell there ({needed.name} is missing)")
    cell = Cell.of(read_json(folder.spec), folder.spec, folder)
    runs = {seed: open_run(folder, cell, seed, device) for seed in (cell.seeds if seeds is None else seeds)}
    return {seed: run for seed, run in runs.items() if run is not None}


def open_run(folder: CellFolder, cell: Cell, seed: int, device: str = "cpu") -> Run | None:
    """One run of a cell whose plug-ins are loaded; None if it did not finish.

    Raises:
        ValueError: the weights are damaged, or are not those of this cell's network.
    """
    weights = _weights(folder, seed, device)
    if not weights:
        return None
    network = build(cell, seed)
    with reading(folder.models, (RuntimeError,)):
        network.load_state_dict(weights)
    return Run(network, cell, seed, device)


def _weights(folder: CellFolder, seed: int, device: str) -> dict[str, Tensor]:
    """The weights of one run of a cell; none if it did not finish."""
    from safetensors import SafetensorError, safe_open

    prefix = f"seed{seed}/"
    with (
        reading(folder.models, (SafetensorError,)),
        safe_open(folder.models, framework="pt", device=device) as file,
    ):
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a mapping
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def load_run(path: str | Path, seed: int | None = None, device: str = "cpu", step: int | None = None) -> Run:
    """A trained run from the folder of its cell, such as ``results/default/cells/sprites/beta_vae/beta~4``.

    Args:
        seed: which one; None takes the cell's first.
        step: weights on the way instead of those kept at the end, where ``running.snapshot_every`` kept them.

    Raises:
        FileNotFoundError: the folder holds no trained cell.
        ValueError: the cell has no finished run of that seed, the message gives its status; or no weights of that step.
    """
    folder = CellFolder(Path(path))
    runs = load_cell(folder, device)
    if seed is None and runs:
        seed = next(iter(runs))
    if seed not in runs:
        statuses = {int(s): run["status"] for s, run in read_json(folder.cell)["runs"].items()}
        raise ValueError(f"{path}: no finished run of seed {seed}; the cell has {json.dumps(statuses)}")
    run = runs[seed]
    if step is not None:
        run.network.load_state_dict(_snapshot(folder, run, step, device))
    return run


def _snapshot(folder: CellFolder, run: Run, step: int, device: str) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    state = state_folder(folder.root, run.cell.run_fingerprint(run.seed))
    path = state / f"step~{step}.safetensors"
    if not path.is_file():
        there = sorted(int(file.stem.removeprefix("step~")) for file in state.glob("step~*.safetensors"))
        found = f"there are those of {', '.join(map(str, there))}" if there else "running.snapshot_every keeps some"
        raise ValueError(f"{folder.path}: no weights of step {step}; {found}")
    return load_file(path, device=device)


def _as_float(images: Tensor) -> Tensor:
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()
