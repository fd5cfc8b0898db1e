"""What a step of each variant costs beside a step of the β-VAE, on the same nets and data, in the same run.

    python benchmarks/variants.py [--architecture burgess] [--rounds 15]

64×64×1, batch 64, ten latents, Adam, fp32; every variant at its defaults. All variants take turns, so they see the same
noise of the machine; the median over rounds of the ratio within a round is printed, with quartiles.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from multibeta import registry
from multibeta.stages.shared.provenance import hardware
from multibeta.study import Study
from multibeta.training.devices import tune_cpu
from multibeta.training.images import Images
from multibeta.training.run import Training

IMAGES, BATCH, FIRST = 1024, 64, "beta_vae"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="burgess")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=8, help="of each variant in a round")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--variants", nargs="+", help="default: all but cvae, whose data it has not")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tune_cpu()
    others = options.variants or [name for name in registry.names("variant") if name != "cvae"]
    names = [FIRST, *(name for name in others if name != FIRST)]
    runs = {name: training(name, options) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for each in runs.values():
        timed(each, options)
    for _ in range(options.rounds):
        for name, each in runs.items():
            seconds[name].append(timed(each, options))
    where = hardware()["processor" if options.device == "cpu" else "gpus"]
    print(f"{where}, {options.threads} threads, torch {torch.__version__}, {options.architecture}")
    for name in names:
        ratios = [own / first for own, first in zip(seconds[name], seconds[FIRST], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        milliseconds = 1000 * statistics.median(seconds[name])
        print(f"{name:22}{milliseconds:8.1f} ms a step   × {middle:.2f} of {FIRST} (quartiles {low:.2f}–{high:.2f})")


def training(name: str, options: argparse.Namespace) -> Training:
    config = {
        "name": "benchmark",
        "datasets": ["dsprites_grid"],
        "variants": [name],
        "strengths": [4],
        "training": {"architecture": options.architecture, "batch_size": BATCH, "budget": "1000000 steps"},
    }
    pixels = np.random.default_rng(0).integers(0, 2, (IMAGES, 64, 64, 1), dtype=np.uint8) * 255
    images = Images(pixels, device=options.device)
    run = Training(Study.parse(config).cells[0], 0, images, images, options.device)
    run.capture()
    return run


def timed(run: Training, options: argparse.Namespace) -> float:
    """Seconds of a step."""
    started = time.perf_counter()
    for _ in range(options.steps):
        run.run_step()
        run.finish_step()
    if options.device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / options.steps


if __name__ == "__main__":
    main()
