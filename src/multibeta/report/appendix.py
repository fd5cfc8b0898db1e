"""The end of the report: what it cost, how far fd_domain can be trusted, and what everything rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from multibeta.report.findings import Findings
from multibeta.report.text import DASH, code, duration, fold, listed, long_table, number, plain, table

#: How a network of weights.lock is called.
PRETRAINED = {"inception": "Inception features (FID and its kin)", "alexnet": "LPIPS"}


def costs(findings: Findings) -> str:
    """Seconds, speed and memory per run, as measured while the study ran."""
    runs = findings.runs[findings.runs.seconds.notna()]
    if runs.empty:
        return "## Costs\n\nNo run has been trained yet."
    headers = ["dataset", "variant", findings.symbol, "runs", "training, total", "per run", "per epoch", "images/s"]
    headers += ["measuring, total", "peak memory (MiB)", "device"]
    rows = []
    by_cell: Any = runs.groupby(["dataset", "variant", "beta"], sort=False)
    for (dataset, variant, beta), group in by_cell:
        rows.append(
            (
                dataset,
                findings.variants[variant],
                beta,
                len(group),
                duration(group.seconds.sum()),
                duration(group.seconds.mean()),
                duration((group.seconds / group.epochs).mean()),
                number(group.images_per_second.mean(), 0),
                _sum(group.evaluation_seconds),
                number(group.peak_memory_mb.max(), 0),
                plain(", ".join(dict.fromkeys(group.device))),
            )
        )
    shown = long_table("Costs of every cell", headers, rows, 2)
    trainings = findings.trainings
    shared = f" and {len(trainings)} trainings, which some share" if len(trainings) < len(runs) else ""
    total = f"Training took {duration(trainings.seconds.sum())} in all, measuring {_sum(runs.evaluation_seconds)}"
    return (
        f"## Costs\n\n{total}, summed over {len(runs)} runs{shared}; jobs that ran beside each other slowed each other "
        "down. "
        f"Peak memory is of the process on a CPU, of what was allocated on a GPU.\n\n{shown}"
    )


def calibration(findings: Findings) -> str:
    """For the networks on each dataset: accuracy, floor, ladders, and whether they may be used at all."""
    parts = [
        "## Calibration of the domain features",
        "`fd_domain` is the Fréchet distance in the features of a small network trained on the dataset's own factors "
        "or labels: a diagnostic of that dataset, neither FID nor a measure of perceived quality. It is trusted only "
        "if it grows with every step of blur and noise added to real images. The floor is the distance between two "
        "sets of real images, as many as are held out; with more samples than that it would be smaller. The rungs "
        "compare images with themselves degraded, so a mild one may lie below the floor. The same is asked of the "
        "networks with published weights where their files were there: of Inception's Fréchet distance, and of LPIPS, "
        "which has no floor.",
    ]
    for dataset in findings.datasets:
        found = findings.calibrations.get(dataset)
        parts.append(f"### {plain(dataset)}: calibration\n\n{_calibration(found) if found else 'Not learnt yet.'}")
        for name, network in (found or {}).get("pretrained", {}).items():
            parts.append(f"**{PRETRAINED.get(name, plain(name))}**\n\n{_calibration(network)}")
    return "\n\n".join(parts)


def provenance(findings: Findings) -> str:
    """Versions, hardware, commit, hashes, config: enough to make the report again."""
    facts = findings.provenance
    rows: list[tuple[str, str]] = [
        ("command", code(facts["command"])),
        ("git commit", code(facts["git_commit"]) if facts["git_commit"] else "not in a git checkout"),
    ]
    rows += [("versions", plain(_facts(each))) for each in facts["versions"]]
    rows += [("hardware", plain(_facts(each))) for each in facts["hardware"]]
    for dataset, hashes in facts["datasets"].items():
        rows += [(f"{plain(dataset)}: {plain(name)}", code(f"sha256 {digest}")) for name, digest in hashes.items()]
    config = yaml.safe_dump(facts["config"], sort_keys=False, allow_unicode=True).rstrip()
    folded = fold("Config of the study", f"```yaml\n{config}\n```")
    tables = "[metrics.csv](metrics.csv) · [runs.csv](runs.csv) · [summary.csv](summary.csv) · "
    return (
        f"## Provenance\n\n{table(['what', 'value'], rows, 2)}\n\n"
        f"All numbers: {tables}[provenance.json](provenance.json)\n\n{_for_latex(findings)}\n\n{folded}"
    )


def _for_latex(findings: Findings) -> str:
    cores = [f"[{plain(dataset)}](tables/{dataset}_core.tex)" for dataset in findings.datasets]
    return (
        f"For LaTeX: [numbers.tex](numbers.tex), a macro for each number that a text may cite; core measures of "
        f"{listed(cores)}, [settings](tables/settings.tex), and the tables of differences beside them."
    )


def _calibration(found: Mapping[str, Any]) -> str:
    lines = []
    if found["unusable"]:
        lines.append(f"**Not used**: {plain(found['unusable'])}.")
    elif found["ladders"]:
        lines.append("**Monotone** on both ladders, so it is used.")
    if found.get("accuracy"):
        shares = [f"{plain(name)} {100 * share:.1f} %" for name, share in found["accuracy"].items()]
        lines.append(f"Held-out accuracy of the network: {listed(shares)}.")
    if found["ladders"]:
        rungs = [] if found["floor"] is None else [("real images (floor)", DASH, number(found["floor"], 4))]
        for name, ladder in found["ladders"].items():
            rungs += [(_rung(name), degree, number(distance, 4)) for degree, distance in ladder.items()]
        lines.append(table(["real images against", "degree", "distance"], rungs))
    return "\n\n".join(lines)


def _rung(name: str) -> str:
    return {"blur": "blurred, σ in pixels", "noise": "share of pixels replaced by noise"}.get(name, plain(name))


def _sum(seconds: Any) -> str:
    known = seconds.dropna()
    return duration(float(known.sum())) if len(known) else duration(math.nan)


def _facts(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in mapping.items())
