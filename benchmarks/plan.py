"""Does a study take what `multibeta plan` says? Processor seconds of trainings of each of its nets, against the plan.

    OMP_NUM_THREADS=1 python benchmarks/plan.py [--config config.yaml] [--rounds 3]

Plans the study, then trains one run of each dataset and variant by `multibeta train`, as the pipeline does, in a
temporary folder. The processor time of its process, less that of starting, is what the plan foretold. Plan and training
take turns; medians over rounds are compared. CPU only.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from multibeta.stages.plan import plan
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

ROOT = Path(__file__).resolve().parents[1]


def one_run_of_each_net(path: Path) -> Study:
    """The study with the first seed and strength of each dataset and variant alone, on a CPU."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    # What is beside or without the product, and what the report says of it, is not looked at.
    config = {name: value for name, value in config.items() if name not in ("include", "exclude", "report")}
    grid = config.get("strengths")
    changes = {"name": "planned", "seeds": 1, "strengths": grid and grid[:1], "running": {"device": "cpu"}}
    return Study.parse({**config, **changes}, str(path))


def processor_seconds(folder: Path) -> float:
    """Of `multibeta train` on a cell's folder."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "multibeta.cli", "train", str(folder)], check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    study = one_run_of_each_net(options.config)
    foretold: dict[str, list[float]] = {}
    taken: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as results:
            root = Path(results)
            planned = plan(study, root)
            write_specs(study, root)
            for cell, left in zip(study.cells, planned.left, strict=True):
                folder = cell.folder(root)
                prepare_of_cell(folder)
                name = f"{cell.dataset.name} {cell.variant.name}"
                foretold.setdefault(name, []).append(left.seconds)
                taken.setdefault(name, []).append(processor_seconds(folder.path) - planned.start_up)
    for name, seconds in foretold.items():
        said, took = statistics.median(seconds), statistics.median(taken[name])
        print(f"{name:24} planned {said:7.1f} s  taken {took:7.1f} s  planned / taken {said / took:.2f}")
    said, took = (sum(map(statistics.median, each.values())) for each in (foretold, taken))
    print(f"{'together':24} planned {said:7.1f} s  taken {took:7.1f} s  planned / taken {said / took:.2f}")


if __name__ == "__main__":
    main()
