"""What the default study takes on this machine, which stage takes how much of it, and what it finds.

    python benchmarks/default_study.py [--cores 2] [--config config.yaml]

Runs the study from nothing in a temporary folder. Start-up is the processor time of the imports of every job (median of
five for each kind of job) and that of Snakemake's own process; its share is of the processor time there was: wall
clock × cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile")]
#: What a job of each rule imports before its work begins.
IMPORTS = {
    "prepare": "import multibeta.stages.prepare",
    "learn_features": "import multibeta.stages.features, torch",
    "measure_references": "import multibeta.stages.references, torch, scipy.linalg",
    "train": "import multibeta.stages.train, matplotlib.figure, scipy.linalg",
    "measure": "import multibeta.stages.measure",
    "report_study": "import multibeta.stages.report, pandas, matplotlib.figure",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml")
    options = parser.parse_args()
    config = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        command = [*SNAKEMAKE, "--directory", folder, "--configfile", str(options.config.resolve())]
        command += ["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", str(options.cores)]
        wall, own = timed(command)
        study = Path(folder) / "results" / config["name"]
        runs, metrics = (pd.read_csv(study / name, dtype={"beta": float}) for name in ("runs.csv", "metrics.csv"))
        jobs = jobs_of(Path(folder))
    print_costs(wall, own, options.cores, runs, jobs)
    for dataset, variant in dict.fromkeys(zip(metrics.dataset, metrics.variant, strict=True)):
        print_findings(dataset, variant, metrics[(metrics.dataset == dataset) & (metrics.variant == variant)])


def print_costs(wall: float, own: float, cores: int, runs: pd.DataFrame, jobs: pd.DataFrame) -> None:
    """The seconds of every stage and their shares of the processor time; what is left over is idle."""
    there_was = cores * wall
    starts = {rule: statistics.median(start_of(IMPORTS[rule]) for _ in range(5)) for rule in jobs.rule.unique()}
    start_up = sum(starts[rule] for rule in jobs.rule)
    by_rule = (jobs.seconds - jobs.rule.map(starts)).clip(lower=0).groupby(jobs.rule).sum()
    training = runs.seconds.sum()
    stages = {
        "prepare": by_rule["prepare"],
        "features": by_rule["learn_features"],
        "training": training,
        "encode, evaluate, draw": by_rule["train"] + by_rule["measure"] - training,
        "references": by_rule["measure_references"],
        "report": by_rule["report_study"],
        "start-up of jobs": start_up,
        "Snakemake itself": own,
    }
    done = (runs.status == "done").sum()
    print(f"wall clock {wall:.0f} s on {cores} cores; {len(jobs)} jobs, {len(runs)} runs, {done} done")
    for stage, seconds in stages.items():
        print(f"  {stage:24}{seconds:8.1f} s {seconds / there_was:6.1%}")
    print(f"  {'idle':24}{there_was - sum(stages.values()):8.1f} s {1 - sum(stages.values()) / there_was:6.1%}")
    print(f"start-up and Snakemake: {(start_up + own) / there_was:.1%} of the processor time")
    print("imports: " + ", ".join(f"{rule} {seconds:.2f} s" for rule, seconds in starts.items()))


def print_findings(dataset: str, variant: str, metrics: pd.DataFrame) -> None:
    """Seed means against β, whether they move as the trade-off says, and the paired gain in MIG."""
    whole = metrics[metrics.factor.isna() & (metrics.status == "done") & (metrics.representation != "sampled")]
    whole = whole[whole.protocol != "chen18"]
    means = whole.groupby(["metric", "beta"]).value.mean()
    for name in ("reconstruction", "kl", "mig"):
        values = "  ".join(f"β={beta:g}: {value:.3f}" for beta, value in means[name].items())
        print(f"{dataset} {variant} {name:14} {values}")
    rising = (means["reconstruction"].diff().dropna() > 0).all()
    falling = (means["kl"].diff().dropna() < 0).all()
    print(f"{dataset} {variant}: reconstruction strictly rises with β: {rising}; KL strictly falls: {falling}")


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock and by the process's own processor time, without its children's."""
    started, own = time.monotonic(), 0.0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            own = processor_seconds(process.pid) or own
            time.sleep(0.1)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read()}")
    return time.monotonic() - started, own


def processor_seconds(pid: int) -> float:
    """User and system time of a process by Linux's /proc; 0 where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_of(code: str) -> float:
    """Processor seconds of a Python that runs this and ends."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def jobs_of(folder: Path) -> pd.DataFrame:
    """``rule``, ``seconds`` of every job, as Snakemake noted them for its outputs."""
    found = {}
    for note in (folder / ".snakemake" / "metadata").rglob("*"):
        if note.is_file():
            facts = json.loads(note.read_text(encoding="utf-8"))
            found[facts["rule"], facts["shellcmd"]] = facts["endtime"] - facts["starttime"]
    return pd.DataFrame([(rule, seconds) for (rule, _), seconds in found.items()], columns=["rule", "seconds"])


if __name__ == "__main__":
    main()
