"""How long it takes to plan a large sweep, against a bare workflow of as many jobs and files, and to see its board.

    python benchmarks/large_sweep.py [--cells 10000] [--runs 3]

Prints wall seconds (medians) and peak memory of `snakemake --dry-run` of a study that nothing has been trained of, of
the same command on plain rules whose jobs have as many inputs, outputs and logs and know nothing of a study, and their
ratio; then of `multibeta status` and `multibeta check`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
DATASETS, VARIANTS = ("sprites", "digits"), ("beta_vae", "cvae", "beta_tcvae", "dip_vae_i", "dip_vae_ii")
PEER = """
CELLS = range({cells})

rule all:
    input:
        "report.html",
        expand("cells/{{cell}}/models", cell=CELLS), expand("cells/{{cell}}/codes", cell=CELLS),

rule prepare:
    output:
        "data/card.json",

rule train:
    input:
        "data/card.json",
    output:
        "cells/{{cell}}/models", "cells/{{cell}}/history", "cells/{{cell}}/cell",
    log:
        "cells/{{cell}}/train.log",
    shell:
        "touch {{output}}"

rule measure:
    input:
        "cells/{{cell}}/cell", "cells/{{cell}}/models", "data/card.json",
    output:
        "cells/{{cell}}/codes", "cells/{{cell}}/metrics", "cells/{{cell}}/repeats", "cells/{{cell}}/arrays",
        "cells/{{cell}}/costs", directory("cells/{{cell}}/figures"),
    log:
        "cells/{{cell}}/measure.log",
    shell:
        "touch {{output}}"

rule report:
    input:
        expand("cells/{{cell}}/cell", cell=CELLS), expand("cells/{{cell}}/metrics", cell=CELLS),
    output:
        "report.html",
    shell:
        "touch {{output}}"
"""


def study(cells: int) -> dict[str, object]:
    """A study of so many cells: two datasets, five variants, and as many strengths as it takes."""
    each = cells // (len(DATASETS) * len(VARIANTS))
    return {
        "name": "large",
        "datasets": list(DATASETS),
        "variants": list(VARIANTS),
        "strengths": [round(0.1 * number, 1) for number in range(1, each + 1)],
        "seeds": 1,
        "training": {"architecture": "mlp", "latents": 3, "budget": "40 steps"},
    }


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall seconds and peak MiB of a command, which must succeed."""
    with tempfile.TemporaryFile("w+") as problems:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=problems)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            problems.seek(0)
            sys.exit(f"{' '.join(command)}: {problems.read()[-2000:]}")
    return took, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ours, peer = Path(scratch) / "ours", Path(scratch) / "peer"
        ours.mkdir()
        peer.mkdir()
        for name in ("Snakefile", "workflow", "profiles", "environment.yml"):
            (ours / name).symlink_to(ROOT / name)
        options = study(asked.cells)
        (ours / "config.yaml").write_text(yaml.safe_dump(options), encoding="utf-8")
        (peer / "Snakefile").write_text(PEER.format(cells=asked.cells), encoding="utf-8")
        dry = [str(BIN / "snakemake"), "--dry-run", "--quiet", "--cores", "2"]
        commands = {
            "dry run": (dry, ours),
            "dry run, bare workflow": ([*dry, "--rerun-triggers", "mtime", "params", "input"], peer),
            "multibeta check": ([str(BIN / "multibeta"), "check", "config.yaml"], ours),
            "multibeta status": ([str(BIN / "multibeta"), "status", "results/large"], ours),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        memory = dict.fromkeys(commands, 0.0)
        for _ in range(asked.runs):
            for name, (command, folder) in commands.items():
                if name.endswith("status") and not (ours / "results").exists():
                    write_specs(Study.parse(options), ours / "results")
                took, peak = measured(command, folder)
                seconds[name].append(took)
                memory[name] = max(memory[name], peak)
    print(f"{asked.cells} cells, medians of {asked.runs} runs")
    for name, all_seconds in seconds.items():
        print(f"{name:24s} {statistics.median(all_seconds):6.1f} s  {memory[name]:6.0f} MiB")
    ratios = [mine / other for mine, other in zip(*[seconds[name] for name in list(commands)[:2]], strict=True)]
    print(f"dry run / bare workflow  {statistics.median(ratios):6.2f}")


if __name__ == "__main__":
    main()
