"""Where a training step on a CPU goes: the share of each kernel, and the speed of convolutions against their own limit.

    python benchmarks/step_profile.py [--threads 1] [--steps 50]

The Burgess nets, 64×64×1, batch 64, as `benchmarks/training.py` times them. The limit of a convolution is the same call
alone, again and again on the same memory: what the library makes of it when nothing else wants the cache.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from multibeta.study import Study
from multibeta.training.devices import tune_cpu
from multibeta.training.images import Images
from multibeta.training.run import Training

CONVOLUTIONS = ("aten::mkldnn_convolution", "aten::_convolution", "aten::convolution_backward")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tune_cpu()
    run = burgess()
    advance(run, 20)
    started = time.perf_counter()
    advance(run, options.steps)
    step = 1000 * (time.perf_counter() - started) / options.steps
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiled:
        advance(run, options.steps)
    rows = sorted(profiled.key_averages(group_by_input_shape=True), key=lambda row: -row.self_cpu_time_total)
    whole = sum(row.self_cpu_time_total for row in rows)
    print(f"{step:.1f} ms a step, {options.threads} threads; kernels of 0.5 % and more")
    print(f"{'kernel':32}{'share':>7}{'ms':>8}{'alone':>8}{'GFLOP/s':>9}{'alone':>7}  shapes")
    for row in rows:
        share = row.self_cpu_time_total / whole
        if share < 0.005:
            break
        spent = row.self_cpu_time_total / options.steps / 1000
        line = f"{row.key:32}{share:7.1%}{spent:8.2f}"
        if row.key in CONVOLUTIONS and (call := again(row.key, row.input_shapes)):
            alone, flop = 1000 * seconds(call[0]), call[1]
            each = row.self_cpu_time_total / row.count / 1000
            line += f"{alone:8.2f}{flop / each / 1e6:9.0f}{flop / alone / 1e6:7.0f}"
        else:
            line += " " * 24
        print(f"{line}  {' '.join('×'.join(map(str, shape)) for shape in row.input_shapes[:3] if shape)}")


def burgess() -> Training:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 2, (1024, 64, 64, 1), dtype=np.uint8) * 255
    config = {"name": "profile", "datasets": ["dsprites_grid"], "variants": ["beta_vae"], "strengths": [4]}
    cell = Study.parse({**config, "training": {"budget": "1000000 steps"}}).cells[0]
    return Training(cell, 0, Images(pixels), Images(pixels), "cpu")


def advance(run: Training, steps: int) -> None:
    for _ in range(steps):
        run.run_step()
        run.finish_step()


def again(kernel: str, shapes: list[list[int]]) -> tuple[Any, float] | None:
    """The call of a convolution on new arrays of these shapes, and its floating-point operations."""
    arrays = [torch.randn(shape).to(memory_format=torch.channels_last) for shape in shapes[:3] if len(shape) == 4]
    if kernel == "aten::convolution_backward":
        gradient, x, weight = arrays
        transposed = gradient.shape[2] > x.shape[2]
        wanted = [transposed or x.shape[1] > 1, True, False]
        small, large = (x, gradient) if transposed else (gradient, x)
        flop = 2 * sum(wanted) * small.shape[0] * small.shape[2] ** 2 * small.shape[1] * large.shape[1] * 16
        how = ([2, 2], [1, 1], [1, 1], transposed, [0, 0], 1, wanted)
        return lambda: torch.ops.aten.convolution_backward(gradient, x, weight, None, *how), flop
    x, weight = arrays
    transposed = kernel == "aten::_convolution"
    side = x.shape[2] if transposed else x.shape[2] // 2
    flop = 2 * x.shape[0] * side**2 * weight.shape[0] * weight.shape[1] * 16
    how = ([2, 2], [1, 1], [1, 1], transposed, [0, 0], 1)
    return lambda: torch.ops.aten.convolution(x, weight, None, *how), flop


def seconds(call: Any) -> float:
    """The least of five medians of ten."""
    found = []
    for _ in range(50):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return min(float(np.median(found[start : start + 10])) for start in range(0, 50, 10))


if __name__ == "__main__":
    main()
