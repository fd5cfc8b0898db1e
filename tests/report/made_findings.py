"""A study on one dataset whose numbers are made by a formula."""

from dataclasses import replace

import pandas as pd

from multibeta.report.comparisons import COMPARISONS_COLUMNS, compare
from multibeta.report.findings import CellKey, Findings, Measure
from multibeta.report.statistics import summarise
from multibeta.results import METRICS_COLUMNS, RUNS_COLUMNS

SEEDS = (0, 1, 2, 3, 4)


def findings(values, seeds=SEEDS, strengths=("1", "4", "8"), variants=("beta_vae",)):
    """A study on one dataset whose numbers are ``values(variant, beta, seed) -> {metric: value}``."""
    cells = [CellKey("sprites", variant, beta, tuple(seeds)) for variant in variants for beta in strengths]
    rows = [
        {
            **dict(zip(("dataset", "variant", "beta"), cell.place, strict=True)),
            **{"seed": seed, "protocol": "dlib19", "representation": "mean", "metric": metric, "factor": ""},
            **{"value": value, "n": 10, "status": "done"},
        }
        for cell in cells
        for seed in seeds
        for metric, value in values(cell.variant, float(cell.beta), seed).items()
    ]
    metrics = pd.DataFrame(rows, columns=list(METRICS_COLUMNS))
    bare = Findings(
        **{name: {} for name in ("specs", "cards", "calibrations", "references", "pictures", "provenance")},
        name="made",
        title="made",
        cells=cells,
        runs=pd.DataFrame(columns=[*RUNS_COLUMNS, "reason", "evaluated"]),
        metrics=metrics,
        repeats=pd.DataFrame(),
        summary=summarise(metrics, cells),
        comparisons=pd.DataFrame(columns=list(COMPARISONS_COLUMNS)),
        measures={"mig": Measure("MIG", better="higher"), "kl": Measure("KL", "nats")},
        variants={"beta_vae": "β-VAE", "cvae": "CVAE"},
        symbols={"beta_vae": "β", "cvae": "β"},
        targets=[],
        asked=list(metrics.metric.unique()),
    )
    return replace(bare, comparisons=compare(bare))
