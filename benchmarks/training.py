"""Images per second of our training loop against pythae's trainer, on the same nets, data and threads, in the same run.

    pip install --no-deps pythae==0.1.2
    python benchmarks/training.py

The Burgess nets, 64×64×1, batch 64, 10 latents, Bernoulli likelihood, Adam, fp32. Each side is a process of its own and
they take turns, so both see the same noise of the machine; medians over rounds are compared. Arithmetic is counted as
two operations for each multiplication with addition, forward and backward, the gradient by the input images left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise

IMAGES, BATCH, LATENTS = 1024, 64, 10
#: Multiply-adds per image of the encoder's layers; the decoder mirrors them.
FIRST = 32 * 32 * 32 * 16
MULTIPLY_ADDS = (
    2 * (FIRST + sum(side * side * 32 * 32 * 16 for side in (16, 8, 4)) + 512 * 256 + 256 * 256) + 256 * 3 * LATENTS
)
FLOP_PER_IMAGE = 2 * (3 * MULTIPLY_ADDS - FIRST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.threads, options.device)
        return
    workers = {name: Worker(name, options) for name in WORKERS}
    rates: dict[str, list[float]] = {name: [] for name in WORKERS}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            rates[name].append(worker.round())
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name in ("pythae", "ours"):
        spread = f"{min(rates[name]):.0f}–{max(rates[name]):.0f}"
        print(
            f"{name:8} {medians[name]:8.0f} images/s  ({spread})  {medians[name] * FLOP_PER_IMAGE / 1e9:7.0f} GFLOP/s"
        )
    print(f"{'product':8} {'':17}  {'':13}  {medians['product'] / 1e9:7.0f} GFLOP/s (1024×1024 fp32 matrices)")
    pairs = [ours / theirs for ours, theirs in zip(rates["ours"], rates["pythae"], strict=True)]
    quartiles = statistics.quantiles(pairs, n=4)
    print(f"ours / pythae: {statistics.median(pairs):.2f} (quartiles {quartiles[0]:.2f}–{quartiles[2]:.2f})")


class Worker:
    """One side in a process of its own, which runs a round when told."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        command = [sys.executable, __file__, "--worker", name, "--threads", str(options.threads)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        self.process = subprocess.Popen(
            [*command, "--device", options.device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.round()  # the first pays for caches and is not counted

    def round(self) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("go", file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the process of {self.process.args} ended; its error is above")
        return float(json.loads(line))


def work(name: str, threads: int, device: str) -> None:
    """Run a round for every line of standard input and print its rate."""
    output, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - trainers print
    import torch

    torch.set_num_threads(threads)
    one_round = WORKERS[name](device)
    for _ in sys.stdin:
        print(json.dumps(one_round()), file=output, flush=True)


def images():
    """Random white squares on black, uint8 (N, 64, 64, 1)."""
    import numpy as np

    generator = np.random.default_rng(0)
    pixels = np.zeros((IMAGES, 64, 64, 1), dtype=np.uint8)
    for image in pixels:
        row, column, side = generator.integers((0, 0, 8), (40, 40, 24))
        image[row : row + side, column : column + side] = 255
    return pixels


def ours(device: str):
    import torch

    from multibeta.study import Study
    from multibeta.training.devices import tune_cpu
    from multibeta.training.images import Images
    from multibeta.training.run import Training

    tune_cpu()
    training = {"architecture": "burgess", "latents": LATENTS, "batch_size": BATCH, "learning_rate": 1e-4}
    config = {"name": "benchmark", "datasets": ["dsprites_grid"], "variants": ["beta_vae"], "strengths": [4]}
    cell = Study.parse({**config, "training": {**training, "budget": "1000000 steps"}}).cells[0]
    data = Images(images(), device=device)
    run = Training(cell, 0, data, data, device)
    run.capture()

    def one_round() -> float:
        started = time.perf_counter()
        for _ in range(IMAGES // BATCH):
            run.run_step()
            run.finish_step()
        if device == "cuda":
            torch.cuda.synchronize()
        return IMAGES / (time.perf_counter() - started)

    return one_round


def pythae(device: str):
    import logging

    import torch
    from torch import nn

    try:
        from pythae.data.datasets import BaseDataset
        from pythae.models import BetaVAE, BetaVAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
    except ImportError as error:
        sys.exit(f"pythae cannot be imported ({error}); run: pip install --no-deps pythae==0.1.2")
    logging.disable(logging.INFO)
    sys.stderr = sys.stdout

    def convolutions(layer, channels):
        layers = []
        for before, after in pairwise(channels):
            layers += [layer(before, after, 4, 2, 1), nn.ReLU()]
        return layers

    class Encoder(BaseEncoder):
        def __init__(self):
            BaseEncoder.__init__(self)
            dense = [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
            last = nn.Linear(256, 2 * LATENTS)
            self.net = nn.Sequential(*convolutions(nn.Conv2d, [1, 32, 32, 32, 32]), *dense, last)

        def forward(self, x):
            mean, logvar = self.net(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self):
            BaseDecoder.__init__(self)
            dense = [nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()]
            raised = convolutions(nn.ConvTranspose2d, [32, 32, 32, 32, 1])[:-1]
            self.net = nn.Sequential(*dense, nn.Unflatten(1, (32, 4, 4)), *raised, nn.Sigmoid())

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z))

    config = BetaVAEConfig(input_dim=(1, 64, 64), latent_dim=LATENTS, beta=4.0, reconstruction_loss="bce")
    trainer = BaseTrainer(
        BetaVAE(config, encoder=Encoder(), decoder=Decoder()),
        BaseDataset(torch.from_numpy(images()).permute(0, 3, 1, 2).float().div(255), torch.zeros(IMAGES)),
        None,
        BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(),
            num_epochs=1,
            learning_rate=1e-4,
            no_cuda=device == "cpu",
            per_device_train_batch_size=BATCH,
            train_dataloader_num_workers=0,
            optimizer_cls="Adam",
        ),
    )
    trainer.prepare_training()
    trainer.callback_handler.on_train_begin(training_config=trainer.training_config, model_config=trainer.model_config)

    def one_round() -> float:
        started = time.perf_counter()
        trainer.train_step(epoch=1)  # one epoch of its own loop and loader
        if device == "cuda":
            torch.cuda.synchronize()
        return IMAGES / (time.perf_counter() - started)

    return one_round


def product(device: str):
    """A matrix product, the measure of what the machine can do."""
    import torch

    a = torch.randn(1024, 1024, device=device)

    def one_round() -> float:
        started = time.perf_counter()
        for _ in range(20):
            a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        return 20 * 2 * 1024**3 / (time.perf_counter() - started)

    return one_round


WORKERS = {"pythae": pythae, "ours": ours, "product": product}

if __name__ == "__main__":
    main()
