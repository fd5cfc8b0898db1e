"""One β-conditioned VAE read at five β, beside five β-VAEs of as many steps each: distortion at equal rate.

    python benchmarks/conditioned.py [--cores 2] [--seeds 5] [--steps 6000] [--folder FOLDER]

Trains both on sprites. At each β the distortion of the conditioned model is held against that of the β-VAEs' curve, by
straight lines between their five β, at the same rate; and the two objectives, distortion + β · rate, against each
other: conditioned / separate − 1 by seed, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from multibeta.files import read_table
from multibeta.report.paired import difference

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--folder", type=Path, default=Path("results/conditioned"))
    options = parser.parse_args()
    config = {
        "name": "conditioned",
        "datasets": ["sprites"],
        "variants": ["beta_vae", "beta_conditioned_vae"],
        "strengths": [0.5, 1, 2, 4, 8],
        "seeds": options.seeds,
        "training": {
            "architecture": "small_conv",
            "budget": f"{options.steps} steps",
            "batch_size": 32,
            "learning_rate": 0.001,
        },
        "evaluation": {"metrics": ["mig", "reconstruction", "kl"], "protocols": ["dlib19"], "figures": False},
        "report": {"title": "One model for all β"},
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "conditioned.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile"), "--quiet"]
    command += ["--directory", str(options.folder), "--configfile", str(file), "--cores", str(options.cores)]
    subprocess.run(command, check=True)
    compare(read_table(options.folder / "results" / "conditioned" / "runs.csv"))


def compare(runs: pd.DataFrame) -> None:
    runs = runs.assign(beta=runs.beta.astype(float))
    table = runs.set_index(["variant", "beta", "seed"])[["kl", "reconstruction"]].sort_index()
    separate, told = table.loc["beta_vae"], table.loc["beta_conditioned_vae"]
    print("| β | separate: rate, distortion | conditioned | distortion at equal rate | objective |")
    print("|---|---|---|---|---|")
    for beta in sorted(runs.beta.unique()):
        one, other = separate.loc[beta], told.loc[beta]
        at_rate = [
            other.reconstruction[seed] / curve(separate.xs(seed, level="seed"), other.kl[seed]) - 1
            for seed in other.index
        ]
        objective = (other.reconstruction + beta * other.kl) / (one.reconstruction + beta * one.kl) - 1
        means = [f"{each.kl.mean():.1f}, {each.reconstruction.mean():.1f}" for each in (one, other)]
        print(f"| {beta:g} | {means[0]} | {means[1]} | {interval(at_rate)} | {interval(objective)} |")


def curve(models: pd.DataFrame, rate: float) -> float:
    """The distortion of the curve through models at a rate; NaN beyond its ends."""
    points = models.sort_values("kl")
    return float(np.interp(rate, points.kl, points.reconstruction, left=np.nan, right=np.nan))


def interval(ratios: object) -> str:
    values = np.asarray(ratios, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return f"{len(values)} seeds reach it"
    found = difference(values)
    seeds = "" if len(values) == 5 else f" ({len(values)} seeds)"
    return f"{100 * found.mean:+.1f} % ({100 * found.low:+.1f} to {100 * found.high:+.1f}){seeds}"


if __name__ == "__main__":
    main()
