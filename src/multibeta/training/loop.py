"""The training loop: one seed of a cell, from its initial weights or its checkpoint to its last step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from multibeta import randomness
from multibeta.cell import Cell
from multibeta.model import BATCH, VAE, build
from multibeta.training.adam import Adam, Plateau
from multibeta.training.graphs import Update, captured
from multibeta.training.schedules import BatchOrder, strength_at, total_steps
from multibeta.training.state import RunState, Saved
from multibeta.variants import Forward, Variant, objective
from multibeta.variants._likelihoods import likelihood

VALIDATION_IMAGES = 2_000


class Interrupted(Exception):
    """Training was told to stop; what it has done is kept."""


class Diverged(Exception):
    """A loss term became infinite or not a number."""


class TimeLimit(Exception):
    """Training took longer than ``running.max_minutes``."""


@dataclass(frozen=True)
class Images:
    """Images in memory for training: ``pixels`` uint8 (N, H, W, C) and the condition (N,) or None, on the device."""

    pixels: Tensor
    condition: Tensor | None

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Float images (B, C, H, W) in [0, 1] and their condition (B,).

        Their channels stay last in memory, and so do all activations, which is the fast layout on a CPU.
        """
        images = self.pixels[indices].permute(0, 3, 1, 2).float().div_(255)
        return images, None if self.condition is None else self.condition[indices]


class Training:
    """Everything one run needs between two steps; `state` and `restore` turn it into a checkpoint and back.

    Args:
        cell: what to train.
        seed: which run of it.
        train: the images to train on.
        held_out: the images the learning rate and the best weights are judged by.
        device: ``cpu`` or ``cuda:<i>``.
    """

    def __init__(self, cell: Cell, seed: int, train: Images, held_out: Images, device: str) -> None:
        options = cell.training
        self.cell, self.seed, self.device, self.options = cell, seed, device, options
        self.train, self.held_out = train, held_out
        self.variant: Variant = cell.variant.make("variant")
        self.likelihood = likelihood(options.likelihood, options.noise_std)
        self.network: VAE = build(cell, seed).to(device).to(memory_format=torch.channels_last)
        self.parameters = list(self.network.parameters())
        self.optimizer = Adam(self.parameters, options.learning_rate, options.adam_betas)
        patience = options.plateau_patience
        self.plateau = None if patience is None else Plateau(patience, options.plateau_factor)
        self.order = BatchOrder(len(train.pixels), options.batch_size, seed)
        self.steps = total_steps(options.budget, len(train.pixels), self.order.batch_size)
        self.validate_every = options.validate_every or max(self.steps // 10, 1)
        self.step = 0
        self.seconds = 0.0
        self.history: list[list[float]] = []
        self.columns: list[str] = []
        #: Of the loss and its terms since the last row of history; empty before the first step.
        self.sums = torch.empty(0, dtype=torch.float64, device=device)
        self._do: Update = self.update
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.int64)
        self.best_loss = math.inf
        self.best: dict[str, Tensor] = {}

    def run_step(self) -> None:
        """One step of the optimiser on one batch; `finish_step` has to follow."""
        indices = self._indices()
        strength = strength_at(self.step, float(self.cell.strength), self.options)
        self._do(indices, self._noise("training noise", self.step, len(indices)), strength)
        self.step += 1

    def finish_step(self) -> None:
        """Log and validate where they are due after a step: what waits for the device."""
        if self.ends_row:
            self._log()
        if self.step % self.validate_every == 0 or self.step == self.steps:
            self._validate()

    @property
    def ends_row(self) -> bool:
        """Does a row of history end with the step done last?"""
        return self.step % self.options.log_every == 0 or self.step == self.steps

    def capture(self) -> None:
        """On a GPU, do the steps from now on as a CUDA graph."""
        if self.device.startswith("cuda") and self._do == self.update:
            self._do = captured(self)

    def update(self, indices: Tensor, noise: Tensor, strength: Any) -> None:
        """Forward, backward and the optimiser's step on the images of indices (B,), with noise (B, D).

        In a CUDA graph the strength is a scalar tensor, for it changes from step to step.
        """
        terms = self.terms(*self.train.batch(indices), noise, strength)
        loss = objective(terms)
        self.optimizer.zero_grad()
        loss.backward()
        if self.options.gradient_clip:
            clip_grad_norm_(self.parameters, self.options.gradient_clip)
        self.optimizer.step()
        self._add_up(loss, terms)

    def terms(
        self, images: Tensor, condition: Tensor | None, noise: Tensor, strength: Any
    ) -> dict[str, tuple[float, Tensor]]:
        """The variant's loss terms of a batch."""
        bf16 = self.options.precision == "bf16"
        # A cast weight is used once in a step, and a graph must not hold on to one.
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            mean, logvar = (part.float() for part in self.network.encode(images, condition))
            z = mean + noise * (0.5 * logvar).exp()
            logits = self.network.decode(z, condition).float()
        return self.variant.loss(Forward(images, mean, logvar, z, logits, self.likelihood), strength)

    def _add_up(self, loss: Tensor, terms: dict[str, tuple[float, Tensor]]) -> None:
        values = torch.stack([loss.detach(), *(value.detach() for _, value in terms.values())])
        if not len(self.sums):
            self.sums = torch.zeros_like(values, dtype=torch.float64)
        self.sums += values
        self.columns = ["loss", *terms, "strength", "learning_rate"]

    def _indices(self) -> Tensor:
        """Positions (B,) of the images of the step, on the device."""
        epoch, place = self.order.place(self.step)
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = torch.from_numpy(self.order.permutation(epoch)).to(self.device)
        return self._permutation[place]

    def _noise(self, purpose: str, step: int, count: int) -> Tensor:
        """Standard normal numbers (count, D), keyed by (seed, purpose, step)."""
        generator = randomness.torch_generator(self.seed, purpose, step, self.device)
        return torch.randn(count, self.network.latents, generator=generator, device=self.device)

    def _log(self) -> None:
        """A row of history: means since the last row. The only place where training alone waits for the device."""
        count = (self.step - 1) % self.options.log_every + 1
        means = (self.sums / count).tolist()
        self.sums.zero_()
        strength = strength_at(self.step - 1, float(self.cell.strength), self.options)
        self.history.append([self.step, *means, strength, self.optimizer.learning_rate])
        for name, value in zip(self.columns, means, strict=False):
            if not math.isfinite(value):
                raise Diverged(f"{name} became {value} between steps {self.step - count} and {self.step}")

    @torch.no_grad()
    def _validate(self) -> None:
        """The loss at full strength on held-out images moves the learning rate and picks the best weights."""
        if self.plateau is None and self.options.select == "last":
            return
        self.network.eval()
        total = 0.0
        for start in range(0, len(self.held_out.pixels), BATCH):
            indices = torch.arange(start, min(start + BATCH, len(self.held_out.pixels)), device=self.device)
            batch = self.held_out.batch(indices)
            noise = self._noise("validation noise", start, len(indices))
            loss = objective(self.terms(*batch, noise, float(self.cell.strength)))
            total += loss.item() * len(indices)
        self.network.train()
        if self.plateau is not None:
            self.optimizer.learning_rate = self.plateau.update(total, self.optimizer.learning_rate)
        if self.options.select == "best" and total < self.best_loss:
            self.best_loss = total
            self.best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def weights(self) -> dict[str, Tensor]:
        """The weights that ``select`` keeps."""
        return self.best or self.network.state_dict()

    def state(self) -> Saved:
        tensors = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"optimizer/{name}": tensor for name, tensor in self.optimizer.state().items()}
        tensors["history"] = torch.tensor(self.history, dtype=torch.float64)
        tensors["sums"] = self.sums
        return Saved(
            tensors,
            {
                "step": self.step,
                "seconds": self.seconds,
                "columns": self.columns,
                "learning_rate": self.optimizer.learning_rate,
                "plateau": None if self.plateau is None else [_or_none(self.plateau.best), self.plateau.waited],
                "best_loss": _or_none(self.best_loss),
            },
        )

    def restore(self, saved: Saved) -> None:
        facts = saved.facts
        self.network.load_state_dict(saved.group("network"))
        self.best = {name: tensor.to(self.device) for name, tensor in saved.group("best").items()}
        self.optimizer.restore(saved.group("optimizer"))
        self.optimizer.learning_rate = facts["learning_rate"]
        if self.plateau is not None:
            best, self.plateau.waited = facts["plateau"]
            self.plateau.best = _or_infinite(best)
        self.history = saved.tensors["history"].reshape(-1, len(facts["columns"]) + 1).tolist()
        self.sums = saved.tensors["sums"].to(self.device)
        self.step, self.seconds, self.columns = facts["step"], facts["seconds"], facts["columns"]
        self.best_loss = _or_infinite(facts["best_loss"])


def run_to_end(
    training: Training, state: RunState, should_stop: Callable[[], bool], on_log: Callable[[Training], None]
) -> Iterator[None]:
    """Train to the last step, writing checkpoints on the way.

    Yields whenever it is about to wait for the device, so that others can give it work meanwhile.

    Args:
        training: at its start, or restored from a checkpoint.
        state: where checkpoints go.
        should_stop: asked at every step; when it says yes, a checkpoint is written and `Interrupted` raised.
        on_log: called after every row of history.

    Raises:
        Interrupted, Diverged, TimeLimit: see there.
    """
    running = training.cell.running
    limit = math.inf if running.max_minutes is None else 60 * running.max_minutes
    before, started = training.seconds, time.monotonic()
    next_checkpoint = started + running.checkpoint_seconds
    training.capture()
    while training.step < training.steps:
        rows = len(training.history)
        training.run_step()
        if training.ends_row:
            others = time.monotonic()
            yield
            started += time.monotonic() - others  # their turns are not this run's time
        training.finish_step()
        now = time.monotonic()
        training.seconds = before + now - started
        if len(training.history) > rows:
            on_log(training)
        if training.step < training.steps and (should_stop() or now > next_checkpoint):
            state.write_checkpoint(training.state())
            next_checkpoint = time.monotonic() + running.checkpoint_seconds
            if should_stop():
                raise Interrupted(f"stopped at step {training.step} of {training.steps} with a checkpoint")
        if training.seconds > limit:
            raise TimeLimit(f"exceeded {running.max_minutes:g} minutes at step {training.step} of {training.steps}")


def _or_none(value: float) -> float | None:
    """JSON has no infinity."""
    return None if math.isinf(value) else value


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value
