"""One seed of a cell in training: its network, optimiser and data, a step of it, and its state between two."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from multibeta import randomness
from multibeta.cell import Cell
from multibeta.config_errors import first_line
from multibeta.model import BATCH, build, parts, pretrain, seeded
from multibeta.network import VAE
from multibeta.records import StateRecord
from multibeta.training.adam import Adam, Plateau
from multibeta.training.average import WeightsAverage
from multibeta.training.graphs import Update, captured
from multibeta.training.images import Images
from multibeta.training.schedules import BatchOrder, rate_at, strength_at, total_steps
from multibeta.training.state import Saved
from multibeta.variants import Forward, Terms, Variant, objective
from multibeta.variants._likelihoods import likelihood

VALIDATION_IMAGES = 2_000
#: Training images that a variant is shown before the first step, and whose codes it is given after the last.
IMAGES_AT_START, CODES_AT_END = 2_048, 50_000


class Diverged(Exception):
    """A loss term became infinite or not a number."""


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
        self.network: VAE = build(cell, seed)
        self.starts_anew = options.pretrained is None or not pretrain(self.network, options.pretrained, seed)
        self.network.to(device).to(memory_format=torch.channels_last)
        self.parameters = list(self.network.parameters())
        self.optimizer = Adam(self.parameters, options.learning_rate, options.adam_betas)
        with seeded(seed, "initial weights of the adversary"):
            self.adversary = self.variant.adversary(parts(cell))
        self.adversary_optimizer: Adam | None = None
        if self.adversary is not None:
            self.adversary.to(device).to(memory_format=torch.channels_last)
            self.adversary_optimizer = Adam(list(self.adversary.parameters()), *self.variant.adversary_adam)
        self.average = WeightsAverage(self.network, options.weights_average) if options.weights_average else None
        patience = options.plateau_patience
        self.plateau = None if patience is None else Plateau(patience, options.plateau_factor)
        self.order = BatchOrder(len(train), options.batch_size, seed)
        self.steps = total_steps(options.budget, len(train), self.order.batch_size)
        self.validate_every = options.validate_every or max(self.steps // 10, 1)
        #: A variant that is trained once for all strengths is told how far its warm-up is.
        self.strength = 1.0 if self.variant.one_training else float(cell.strength)
        self.step = 0
        self.step_is_finished = True
        self.seconds = 0.0
        self.history: list[list[float]] = []
        self.columns: list[str] = []
        #: Of the loss and its terms since the last row of history; empty before the first step.
        self.sums = torch.empty(0, dtype=torch.float64, device=device)
        self._do: Update = self.update
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.int64)
        #: What plateaus multiply the learning rate of the schedule by.
        self.rate_factor = 1.0
        self.best_loss = math.inf
        self.best: dict[str, Tensor] = {}
        #: Validations since the held-out loss was last better.
        self.waited = 0

    @property
    def has_ended(self) -> bool:
        patience = self.options.early_stopping
        return self.step >= self.steps or (patience is not None and self.waited >= patience)

    def run_step(self) -> None:
        """One step of the optimiser on one batch; `finish_step` has to follow."""
        if self.step == 0:
            self._start()
        indices = self._indices()
        strength = strength_at(self.step, self.strength, self.options, self.steps)
        self.optimizer.learning_rate = self._rate(self.step)
        noise = self._noise("training noise", self.step, len(indices))
        chance = self._noise("prior", self.step, len(indices)) if self.variant.draws_prior else None
        self._do(indices, noise, strength, chance)
        self.step += 1
        self.step_is_finished = False

    def finish_step(self) -> None:
        """Log and validate where they are due after a step: what waits for the device."""
        if self.ends_row:
            self._log()
        if self.step % self.validate_every == 0 or self.step == self.steps:
            self._validate()
            if self.has_ended and not self.ends_row:
                self._log()
        self.step_is_finished = True

    @property
    def ends_row(self) -> bool:
        """Does a row of history end with the step done last?"""
        return self.step % self.options.log_every == 0 or self.step == self.steps

    def capture(self) -> None:
        """On a GPU, do the steps from now on as a CUDA graph."""
        if self.device.startswith("cuda") and self._do == self.update:
            self._do = captured(self)

    def update(self, indices: Tensor, noise: Tensor, strength: Any, chance: Tensor | None = None) -> None:
        """Forward, backward and the optimiser's step on the images of indices (B,), with noise (B, D); the adversary's.

        In a CUDA graph the strength is a scalar tensor, for it changes from step to step.
        """
        forward = self.forward(*self.train.batch(indices), noise, chance)
        terms = self.terms(forward, strength)
        loss = objective(terms)
        self.optimizer.zero_grad()
        # Through an adversary gradients pass, but none is left in it.
        loss.backward(inputs=None if self.adversary is None else self.parameters)
        if self.options.gradient_clip:
            clip_grad_norm_(self.parameters, self.options.gradient_clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update()
        if self.adversary_optimizer is not None:
            against = self.variant.adversary_loss(forward.detached())
            self.adversary_optimizer.zero_grad()
            against.backward()
            self.adversary_optimizer.step()
            terms["adversary"] = (0.0, against)
        self._add_up(loss, terms)

    def forward(self, images: Tensor, condition: Tensor | None, noise: Tensor, chance: Tensor | None) -> Forward:
        """A batch through the network."""
        network, options = self.network, self.options
        # A cast weight is used once in a step, and a graph must not hold on to one.
        bf16 = options.precision == "bf16"
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            found = network(images, condition, noise, chance)
        learnt = network.log_noise_std
        return Forward(
            images,
            found.mean,
            found.logvar,
            found.z,
            found.logits,
            likelihood(options.likelihood, options.noise_std if learnt is None else learnt.exp()),
            prior=chance,
            network=network,
            adversary=self.adversary,
            condition=condition,
            dataset_size=len(self.train),
            free_bits=options.free_bits,
            extras=found.extras,
        )

    def terms(self, forward: Forward, strength: Any) -> Terms:
        """The variant's loss terms, and beside them the KL that free bits hide and the deviation that is learnt."""
        terms = dict(self.variant.loss(forward, strength))
        if forward.free_bits:
            terms["kl_without_free_bits"] = (0.0, forward.kl_per_latent.sum())
        if self.network.log_noise_std is not None:
            terms["noise_std"] = (0.0, self.network.log_noise_std.exp())
        return terms

    @torch.no_grad()
    def _start(self) -> None:
        """Show the variant some images before the first step, unless its network is a pretrained one."""
        if self.starts_anew and _overrides(self.variant, "start"):
            chosen = torch.from_numpy(self.order.permutation(0)[:IMAGES_AT_START]).to(self.device)
            self.variant.start(self.network, self.train.batch(chosen)[0], self.seed)

    @torch.no_grad()
    def finish(self) -> dict[str, Tensor]:
        """The weights that are kept, with what the variant fits to them after the last step."""
        self.network.load_state_dict(self.weights())
        if _overrides(self.variant, "finish"):
            self.network.eval()
            chosen = self.order.permutation(0)[:CODES_AT_END]
            codes = []
            for start in range(0, len(chosen), BATCH):
                images, condition = self.train.batch(torch.from_numpy(chosen[start : start + BATCH]).to(self.device))
                codes.append(self.network.encode(images, condition)[0])
            self.variant.finish(self.network, torch.cat(codes), self.seed)
        return self.network.state_dict()

    def _rate(self, step: int) -> float:
        return self.rate_factor * rate_at(step, self.options, self.steps)

    def _add_up(self, loss: Tensor, terms: Terms) -> None:
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
        strength = strength_at(self.step - 1, self.strength, self.options, self.steps)
        self.history.append([self.step, *means, strength, self.optimizer.learning_rate])
        for name, value in zip(self.columns, means, strict=False):
            if not math.isfinite(value):
                raise Diverged(f"{name} became {value} between steps {self.step - count} and {self.step}")

    @torch.no_grad()
    def _validate(self) -> None:
        """The loss at full strength on held-out images moves the learning rate, picks weights, says when to stop."""
        options = self.options
        if self.plateau is None and options.select == "last" and options.early_stopping is None:
            return
        with self._kept_weights():
            total = self._held_out_loss()
            if self.plateau is not None:
                self.rate_factor = self.plateau.update(total, self.rate_factor)
            self.waited += 1
            if total < self.best_loss:
                self.best_loss, self.waited = total, 0
                if options.select == "best":
                    self.best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _held_out_loss(self) -> float:
        """Summed over the held-out images, in nats."""
        self.network.eval()
        total = 0.0
        for start in range(0, len(self.held_out), BATCH):
            indices = torch.arange(start, min(start + BATCH, len(self.held_out)), device=self.device)
            noise = self._noise("validation noise", start, len(indices))
            chance = self._noise("validation prior", start, len(indices)) if self.variant.draws_prior else None
            forward = self.forward(*self.held_out.batch(indices), noise, chance)
            if self.options.held_out_loss == "elbo":
                loss = forward.reconstruction + forward.kl_per_latent.sum()
            else:
                loss = objective(self.terms(forward, self.strength))
            total += loss.item() * len(indices)
        self.network.train()
        return total

    @contextmanager
    def _kept_weights(self) -> Iterator[None]:
        """The network with the weights that would be kept now: their average, where one is."""
        if self.average is None:
            yield
            return
        current = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.weights())
        try:
            yield
        finally:
            self.network.load_state_dict(current)

    def weights(self) -> dict[str, Tensor]:
        """The weights that ``select`` and ``weights_average`` keep."""
        return self.best or self.weights_of_step()

    def weights_of_step(self) -> dict[str, Tensor]:
        """The weights after the step done last, or their running average."""
        return self.network.state_dict() if self.average is None else self.average.weights()

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a step changes in place, by name: weights, moments, averages."""
        found = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        found |= {f"optimizer/{name}": tensor for name, tensor in self.optimizer.state().items()}
        if self.adversary is not None and self.adversary_optimizer is not None:
            found |= {f"adversary/{name}": tensor for name, tensor in self.adversary.state_dict().items()}
            found |= {f"adversary_optimizer/{name}": each for name, each in self.adversary_optimizer.state().items()}
        if self.average is not None:
            found |= {f"average/{name}": tensor for name, tensor in self.average.state().items()}
        return found

    def _require_own(self, saved: Saved) -> None:
        try:
            facts = StateRecord.model_validate(saved.facts)
        except ValidationError as error:
            raise ValueError(first_line(error, StateRecord)) from None
        for name, tensor in self.tensors().items():
            found = saved.tensors.get(name)
            if found is None or (found.shape, found.dtype) != (tensor.shape, tensor.dtype):
                raise ValueError(f"{name} is not what this training has")
        own = self.network.state_dict()
        for name, tensor in saved.group("best").items():
            if name not in own or tensor.shape != own[name].shape:
                raise ValueError(f"best/{name} is no tensor of this network")
        history, sums = saved.tensors.get("history"), saved.tensors.get("sums")
        if history is None or history.dtype != torch.float64 or history.numel() % (len(facts.columns) + 1):
            raise ValueError("its history is no table of its columns")
        if sums is None or sums.dtype != self.sums.dtype or facts.step > self.steps:
            raise ValueError("its sums or its step is not what this training has")
        if (self.plateau is None) != (facts.plateau is None):
            raise ValueError("its plateau is not what this training has")

    def state(self) -> Saved:
        tensors = self.tensors()
        tensors |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        tensors["history"] = torch.tensor(self.history, dtype=torch.float64)
        tensors["sums"] = self.sums
        return Saved(
            tensors,
            {
                "step": self.step,
                "step_is_finished": self.step_is_finished,
                "seconds": self.seconds,
                "columns": self.columns,
                "rate_factor": self.rate_factor,
                "plateau": None if self.plateau is None else [_or_none(self.plateau.best), self.plateau.waited],
                "best_loss": _or_none(self.best_loss),
                "waited": self.waited,
            },
        )

    @torch.no_grad()
    def restore(self, saved: Saved) -> None:
        """Go on from a state.

        Raises:
            ValueError: it is not one of this training, which is then as it was.
        """
        self._require_own(saved)
        facts = saved.facts
        for name, tensor in self.tensors().items():
            tensor.copy_(saved.tensors[name])
        self.best = {name: tensor.to(self.device) for name, tensor in saved.group("best").items()}
        self.rate_factor = facts["rate_factor"]
        if self.plateau is not None:
            best, self.plateau.waited = facts["plateau"]
            self.plateau.best = _or_infinite(best)
        self.history = saved.tensors["history"].reshape(-1, len(facts["columns"]) + 1).tolist()
        self.sums = saved.tensors["sums"].to(self.device)
        self.step, self.seconds, self.columns = facts["step"], facts["seconds"], facts["columns"]
        self.step_is_finished = facts["step_is_finished"]
        self.best_loss, self.waited = _or_infinite(facts["best_loss"]), facts["waited"]


def _overrides(variant: Variant, method: str) -> bool:
    return getattr(type(variant), method) is not getattr(Variant, method)


def _or_none(value: float) -> float | None:
    """JSON has no infinity."""
    return None if math.isinf(value) else value


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value
