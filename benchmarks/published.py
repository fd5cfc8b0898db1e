"""Losses on dSprites beside published ones: the logs of three trainings of YannDubs/disentangling-vae, epoch by epoch.

    MULTIBETA_MIRROR=… python benchmarks/published.py [--cores 2] [--folder FOLDER] [--runs beta_vae …] [--epochs 2]

Published are means over each epoch of the whole of dSprites: 11,520 steps of 64 images
(results/*_dsprites/train_losses.log at commit fe65e19). Here the same nets train on the coarser grid at the same batch
size, learning rate, strength, warm-up and kind of initial weights, and means are taken over the same steps. An
interrupted run goes on in FOLDER.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from multibeta.results import StudyFolder

ROOT = Path(__file__).resolve().parents[1]
#: Steps of an epoch of the whole of dSprites.
EPOCH = 11_520
WARM_UP = {"strength_schedule": "linear", "schedule_steps": 10_000}
#: Strength, what is different of the study, epochs, and (reconstruction, KL) of the published epochs 1, 2, …
RUNS: dict[str, tuple[float, dict[str, Any], list[tuple[float, float]]]] = {
    "beta_vae": (4, {"training": WARM_UP}, [(87.90, 20.71), (64.42, 15.04), (60.06, 14.90)]),
    "beta_tcvae": (
        6.4,
        {"options": {"estimator": "mss"}, "training": WARM_UP},
        [(114.50, 17.69), (78.49, 12.19), (74.48, 11.81)],
    ),
    "annealed_vae": (
        25,
        {
            "options": {"gamma": 100},
            "training": {"strength_schedule": "linear", "schedule_steps": 100_000, "learning_rate": 0.001},
        },
        [
            (338.96, 1.82),
            (180.13, 4.36),
            (117.16, 7.20),
            (102.39, 10.08),
            (98.95, 12.96),
            (97.79, 15.84),
            (96.24, 18.72),
            (94.45, 21.60),
            (93.79, 24.34),
        ],
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("results/published"))
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--epochs", type=int, default=9, help="at most, of 11,520 steps")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.runs:
        train(name, options)
    for name in options.runs:
        print_run(name, options)


def train(name: str, options: argparse.Namespace) -> None:
    strength, different, epochs = RUNS[name]
    config = {
        "name": name,
        "datasets": ["dsprites_grid"],
        "variants": {name: {"strengths": [strength], **different}},
        "seeds": [1234],
        "training": {
            "initial_weights": "he",
            "learning_rate": 0.0005,
            "budget": f"{EPOCH * min(len(epochs), options.epochs)} steps",
        },
        "evaluation": {"metrics": ["reconstruction", "kl", "active_units", "mig"], "protocols": ["dlib19"]},
    }
    file = options.folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile"), "--quiet"]
    command += ["--directory", str(options.folder), "--configfile", str(file), "--cores", str(options.cores)]
    subprocess.run(command, check=True)


def print_run(name: str, options: argparse.Namespace) -> None:
    strength, _, published = RUNS[name]
    study = StudyFolder(options.folder / "results" / name)
    print(f"\n{name} at {strength:g}: reconstruction, KL in nats per image, means over an epoch's steps")
    print("| steps | published | here |")
    print("|---|---|---|")
    history = pd.read_csv(study.cell("dsprites_grid", name, f"{strength:g}").history)
    for epoch, (reconstruction, kl) in enumerate(published[: options.epochs]):
        of = epoch_mean(history, epoch)
        print(f"| to {EPOCH * (epoch + 1):,} | {reconstruction:.1f}, {kl:.2f} | {of[0]:.1f}, {of[1]:.2f} |")


def epoch_mean(history: pd.DataFrame, epoch: int) -> tuple[float, float]:
    rows = history[(history.step > EPOCH * epoch) & (history.step <= EPOCH * (epoch + 1))]
    return rows.reconstruction.mean(), rows.kl.mean()


if __name__ == "__main__":
    main()
