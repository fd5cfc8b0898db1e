"""How long the published budget of 300,000 steps takes on one GPU: one model, and many side by side.

    python benchmarks/gpu.py [--models 60] [--steps 2000]

The Burgess nets, 64×64×1, batch 64, ten latents. Times some thousand steps, eagerly and as CUDA graphs on streams of
their own, and extrapolates. Prints the name of the GPU.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import torch

from multibeta.study import Study
from multibeta.training.images import Images
from multibeta.training.run import Training

PUBLISHED = 300_000
ROW = 50  # steps between two waits, as log_every


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py: PyTorch finds no GPU here")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    for title, models, captured, steps in (
        ("one model, eagerly", 1, False, options.steps // 4),
        ("one model, captured", 1, True, options.steps),
        (f"{options.models} models side by side, captured", options.models, True, options.steps // 4),
    ):
        seconds = seconds_per_step(models, captured, steps)
        budget = f"{PUBLISHED:,} steps in {PUBLISHED * seconds / 60:.1f} min"
        print(f"{title:40}{1000 * seconds:8.3f} ms a step of all; {budget}; {64 * models / seconds:,.0f} images/s")


def seconds_per_step(models: int, captured: bool, steps: int) -> float:
    """Seconds in which every model does one step."""
    pixels = np.random.default_rng(0).integers(0, 2, (8192, 64, 64, 1), dtype=np.uint8) * 255
    images = Images(pixels, device="cuda:0")
    config = {"name": "gpu", "datasets": ["dsprites_grid"], "variants": ["beta_vae"], "strengths": [4]}
    cell = Study.parse({**config, "training": {"budget": "1000000 steps", "log_every": ROW}}).cells[0]
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in range(models)]
    runs = []
    for seed, stream in enumerate(streams):
        with torch.cuda.stream(stream):
            runs.append(Training(cell, seed, images, images, "cuda:0"))
            if captured:
                runs[-1].capture()
    advance(runs, streams, ROW)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(steps // ROW):
        advance(runs, streams, ROW)
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / (steps // ROW * ROW)


def advance(runs: list[Training], streams: list[torch.cuda.Stream], steps: int) -> None:
    """A row of history of every model: all are given their steps before one is waited for, as the trainer does."""
    for run, stream in zip(runs, streams, strict=True):
        with torch.cuda.stream(stream):
            for step in range(steps):
                run.run_step()
                if step < steps - 1:
                    run.finish_step()
    for run, stream in zip(runs, streams, strict=True):
        with torch.cuda.stream(stream):
            run.finish_step()


if __name__ == "__main__":
    main()
