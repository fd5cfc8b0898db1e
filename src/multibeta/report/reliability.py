"""The section on how far scores can be trusted: luck of the draw, luck of the training, what the sweep explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from multibeta.report.findings import Column, Findings
from multibeta.report.text import DASH, decimals, fold, number, picture, plain, table
from multibeta.report.uncertainty import rank_correlations, spread, variance_shares

if TYPE_CHECKING:
    import pandas as pd

#: Measures of the heat map; more are not legible on a page.
COMPARED = (
    *("reconstruction", "kl", "active_units", "kl_total_correlation"),
    *("mig", "mig_sup", "dcimig", "jemmig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness"),
    *("factor_vae_score", "beta_vae_score", "modularity", "explicitness", "irs", "udr", "downstream_1000"),
    *("controllability", "ssim", "lpips", "fd_domain", "coverage_domain", "fid"),
)


def reliability(findings: Findings) -> str:
    """For each dataset where the variance of its scores comes from, and which scores agree."""
    parts = [
        "## How far to trust a score",
        "*Training* is the standard deviation between seeds of a cell, *metric* that between seeds of the metric's own "
        "draws on one and the same run, both pooled over cells; where the second is not much smaller, a difference "
        "between cells may be luck of the draw. *Shares* split the variance of a score over all runs of the dataset: "
        "between variants, between strengths of a variant, between seeds of a cell (95 % interval from resampled "
        "residuals). *By chance* is what variant and strength together would be given if neither mattered.",
    ]
    for dataset in findings.datasets:
        body = _variances(findings, dataset)
        if body:
            parts.append(f"### {plain(dataset)}: variance\n\n{body}")
        if agreement(findings, dataset) is not None:
            name = correlations_name(dataset)
            parts.append(
                f"{picture(f'figures/{name}.png', f'Rank correlations of the measures on {dataset}', '100%')}\n\n"
                f"Rank correlation (Spearman's ρ, in hundredths) between measures over the runs of {plain(dataset)}. "
                "Measures that disagree do not measure the same. "
                f"[SVG](figures/{name}.svg) · [PDF](figures/{name}.pdf)"
            )
    return "\n\n".join(parts) if len(parts) > 2 else ""


def agreement(findings: Findings, dataset: str) -> pd.DataFrame | None:
    """Rank correlations between the compared measures of a dataset, labelled by title; None with fewer than three."""
    import pandas as pd

    columns = {name: column for name in COMPARED if (column := findings.column(name, dataset))}
    if len(columns) < 3:
        return None
    wide = pd.DataFrame({findings.label(name): _runs(findings, column, dataset) for name, column in columns.items()})
    found = rank_correlations(wide)
    return found if len(found) > 2 and found.notna().to_numpy().sum() > len(found) else None


def correlations_name(dataset: str) -> str:
    """The name of a dataset's heat map, without its ending."""
    return f"correlations_{dataset}"


def _variances(findings: Findings, dataset: str) -> str:
    rows = []
    for column in findings.columns(dataset):
        values = _runs(findings, column, dataset)
        runs = values.reset_index(name="value").assign(cell=lambda t: t.variant + "/" + t.beta)
        repeated = findings.repeats_of(column, dataset).assign(cell=lambda t: t.variant + "/" + t.beta)
        deviation = spread(runs, repeated)
        shares = variance_shares(runs.value.to_numpy(float), runs.variant.tolist(), runs.cell.tolist())
        if shares is None and math.isnan(deviation.training):
            continue
        places = min(decimals([*values, deviation.training]) + 1, 5)
        shown = [DASH] * 4
        if shares is not None:
            seed = f"{_percent(shares.seed)} ({_percent(shares.seed_low)} to {_percent(shares.seed_high)})"
            shown = [_percent(shares.variant), _percent(shares.strength), seed, _percent(shares.by_chance)]
        about = f"{column.representation}, {column.protocol}"
        rows.append([findings.label(column.metric), about, *(number(each, places) for each in deviation), *shown])
    if not rows:
        return ""
    headers = ["measure", "of", "training", "metric", "share of variant", f"share of {findings.symbol}"]
    return fold("Variance of every measure", table([*headers, "share of seed", "by chance"], rows, 2))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _runs(findings: Findings, column: Column, dataset: str) -> pd.Series:
    """The value of every run, by variant, beta and seed."""
    return findings.runs_of(column, dataset).set_index(["variant", "beta", "seed"]).value
