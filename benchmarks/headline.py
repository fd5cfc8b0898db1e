"""Does the headline of the default study hold beyond its own seeds? Three disjoint sets of five, each on its own.

    python benchmarks/headline.py [--cores 2] [--sets 3]

Trains the β-VAE on sprites as `config.yaml` does, with seeds 0–4, 5–9 and 10–14 and at every β ≥ 1 of its grid, and
prints for each set the paired difference in MIG between the best β > 1 (by its mean in that set) and β = 1, with its
95 % interval, and whether reconstruction and KL are strict in β on means.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from multibeta.files import read_table
from multibeta.report.paired import difference, holm

ROOT = Path(__file__).resolve().parents[1]
OF_A_SET = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--sets", type=int, default=3)
    options = parser.parse_args()
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config |= {
        "name": "headline",
        "datasets": {"sprites": config["datasets"]["sprites"]},
        "variants": {"beta_vae": config["variants"]["beta_vae"]},
        "strengths": [beta for beta in config["strengths"] if beta >= 1],
        "seeds": OF_A_SET * options.sets,
        "exclude": [],
        "evaluation": {"metrics": ["mig", "reconstruction", "kl"], "protocols": ["dlib19"], "figures": False},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "headline.yaml"
        file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", folder, "--configfile", str(file), "--cores", str(options.cores)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        metrics = read_table(Path(folder) / "results" / "headline" / "metrics.csv")
    metrics = metrics[(metrics.factor == "") & (metrics.representation != "sampled") & (metrics.status == "done")]
    for number in range(options.sets):
        first = OF_A_SET * number
        print_set(first, metrics[metrics.seed.between(first, first + OF_A_SET - 1)])


def print_set(first: int, metrics: pd.DataFrame) -> None:
    means = metrics.groupby(["metric", metrics.beta.astype(float)]).value.mean().unstack()
    print(f"seeds {first}–{first + OF_A_SET - 1}")
    for name in ("reconstruction", "kl", "mig"):
        print(f"  {name:14} " + "  ".join(f"β={beta:g}: {value:.3f}" for beta, value in means.loc[name].items()))
    mig = metrics[metrics.metric == "mig"].pivot_table(index="seed", columns="beta", values="value")
    found = {beta: difference((mig[beta] - mig["1"]).tolist()) for beta in mig.columns if beta != "1"}
    best = max(found, key=lambda beta: found[beta].mean)
    corrected = dict(zip(found, holm([each.p for each in found.values()]), strict=True))
    print(
        f"  MIG at β = {best} − at β = 1: {found[best].mean:+.3f}, 95 % interval {found[best].low:+.3f} to "
        f"{found[best].high:+.3f}: {'excludes' if found[best].tells else 'holds'} 0; "
        f"p = {found[best].p:.2g}, {corrected[best]:.2g} after Holm over {len(found)} strengths"
    )
    rising, falling = (means.loc["reconstruction"].diff().dropna() > 0), (means.loc["kl"].diff().dropna() < 0)
    print(f"  reconstruction strictly rises: {rising.all()}; KL strictly falls: {falling.all()}")


if __name__ == "__main__":
    main()
