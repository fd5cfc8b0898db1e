"""What measuring a cell takes per run on this machine: encode, each metric, what metrics need, and draw.

    OMP_NUM_THREADS=1 python benchmarks/measuring.py [--steps 500] [--seeds 0 1 2] [--protocols dlib19 chen18 ours]

Trains a cell of sprites shortly, and one of dsprites_grid if $MULTIBETA_MIRROR is set, in a temporary folder. Processor
time, so that other work on the machine matters less, and without imports. The stages are measured whole, as `multibeta
measure` runs them, and once more the needs and metrics of the first run one by one; repeats by other seeds of the
metrics are in the stage ``evaluate`` alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from multibeta import registry
from multibeta.cli import main as multibeta
from multibeta.datasets import Dataset
from multibeta.metrics import NotComputed
from multibeta.results import CellFolder, data_folder
from multibeta.stages.measure import STAGES, measure
from multibeta.stages.shared.specs import read_cell

CELLS = {"sprites": "small_conv", "dsprites_grid": "burgess"}
#: Which are decoded or read when first asked for.
MADE = ("images", "reconstructions", "samples", "traversals", "nll", "features")


def seconds(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def trained(dataset: str, options: argparse.Namespace, results: Path) -> CellFolder:
    """A cell's folder, with the dataset's features learnt and the libraries of every stage imported."""
    protocols = f"evaluation.protocols=[{', '.join(options.protocols)}]"
    train = ["train", "--dataset", dataset, "--architecture", CELLS[dataset], "--steps", str(options.steps)]
    train += ["--seeds", *map(str, options.seeds), "--results", str(results), "--set", protocols]
    if status := multibeta(train):
        sys.exit(status)
    folder = CellFolder(next(results.glob(f"by_hand/cells/{dataset}/*/*")))
    measure(folder)
    folder.codes.unlink()
    return folder


def metric_by_metric(folder: CellFolder) -> dict[str, float]:
    """Of the first run: every need that is made, then every metric."""
    from multibeta.model import load_cell
    from multibeta.stages.shared.codes import read_codes
    from multibeta.stages.shared.material import Material, Real
    from multibeta.stages.shared.metric_rows import metric_rows

    cell = read_cell(folder)
    data = data_folder(folder.root, cell.data_key)
    chosen, codes = read_codes(folder)
    first, *others = (codes[seed] for seed in cell.seeds)
    real = Real(Dataset(data), chosen, data / "features.safetensors")
    run = load_cell(folder)[cell.seeds[0]]
    material = Material(run, real, first, cell.evaluation, siblings=others)
    found = {}
    for need in MADE:
        try:
            found[f"need {need}"] = seconds(partial(getattr, material, need))
        except NotComputed:
            continue
    for name in cell.metric_names:
        title = f"metric {registry.find('metric', name).name}"
        found[title] = seconds(partial(metric_rows, material, [name]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--protocols", nargs="+", default=["dlib19", "chen18", "ours"])
    options = parser.parse_args()
    for dataset in CELLS if "MULTIBETA_MIRROR" in os.environ else ["sprites"]:
        with tempfile.TemporaryDirectory() as results:
            folder = trained(dataset, options, Path(results))
            runs = len(options.seeds)
            stages = {name: seconds(partial(measure, folder, [name])) for name in STAGES}
            print(f"\n{dataset}, {runs} runs: {sum(stages.values()) / runs:.2f} s per run")
            for name, value in stages.items():
                print(f"  stage {name:<34}{value / runs:8.3f} s")
            for name, value in sorted(metric_by_metric(folder).items(), key=lambda each: -each[1]):
                if value > 0.005:
                    print(f"  {name:<40}{value:8.3f} s")


if __name__ == "__main__":
    main()
