"""What the default study takes on this machine, how much of it is starting processes, and what it finds.

    python benchmarks/default_study.py [--cores 2]

Runs the study from nothing in a temporary folder. Start-up is counted as the processor time of the imports of every job
(median of five for each kind of job) and of Snakemake's own reading of the workflow, over the processor time there was:
wall clock × cores.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config.yaml"
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile")]
IMPORTS = {
    "prepare": "import multibeta.stages.prepare",
    "features": "import multibeta.stages.features, torch",
    "train": "import multibeta.stages.train, matplotlib.figure, scipy.linalg",
    "measure": "import multibeta.stages.measure",
    "report": "import multibeta.stages.report, pandas, matplotlib.figure",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    cores = parser.parse_args().cores
    profile = ROOT / "profiles" / "default"
    with tempfile.TemporaryDirectory() as folder:
        command = [*SNAKEMAKE, "--directory", folder, "--configfile", str(CONFIG), "--workflow-profile", str(profile)]
        wall = clock([*command, "--cores", str(cores)])
        study = Path(folder) / "results" / yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["name"]
        runs, metrics = (pd.read_csv(study / name, dtype={"beta": float}) for name in ("runs.csv", "metrics.csv"))
        reading = clock([*command, "--cores", str(cores), "--dry-run"])
    datasets, cells = runs.dataset.nunique(), len(runs.groupby(["dataset", "variant", "beta"]))
    jobs = {"prepare": datasets, "features": datasets, "train": cells, "measure": cells, "report": 1}
    starts = {
        name: statistics.median(clock([sys.executable, "-c", code]) for _ in range(5)) for name, code in IMPORTS.items()
    }
    start_up = reading + sum(jobs[name] * starts[name] for name in jobs)
    done = (runs.status == "done").sum()
    print(f"wall clock {wall:.0f} s on {cores} cores; {cells} cells, {len(runs)} runs, {done} done")
    print(
        f"training {runs.seconds.sum():.0f} s, metrics {runs.evaluation_seconds.sum():.0f} s, start-up {start_up:.0f} s"
    )
    print(f"start-up and Snakemake: {start_up / (cores * wall):.0%} of the study")
    print("imports: " + ", ".join(f"{name} {seconds:.2f} s × {jobs[name]}" for name, seconds in starts.items()))
    for dataset in metrics.dataset.unique():
        print_findings(dataset, metrics[(metrics.dataset == dataset) & (metrics.variant == "beta_vae")])


def print_findings(dataset: str, metrics: pd.DataFrame) -> None:
    """Seed means of the β-VAE against β, and whether they move as the trade-off says."""
    whole = metrics[metrics.factor.isna() & (metrics.status == "done") & (metrics.representation != "sampled")]
    means = whole.groupby(["metric", "beta"]).value.mean()
    for name in ("reconstruction", "kl", "mig"):
        print(f"{dataset} {name:14} " + "  ".join(f"β={beta:g}: {value:.3f}" for beta, value in means[name].items()))
    rising = (means["reconstruction"].diff().dropna() > 0).all()
    falling = (means["kl"].diff().dropna() < 0).all()
    mig = means["mig"]
    print(f"{dataset}: reconstruction strictly rises with β: {rising}; KL strictly falls: {falling}")
    print(f"{dataset}: best MIG at β > 1 is {mig[mig.index > 1].max() / mig[1.0]:.2f} × that at β = 1")


def clock(command: list[str]) -> float:
    """Seconds a command takes; its output is shown only when it fails."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
