"""The page of a model that this project never trained: the sections of a study's report that are about its scores."""

from __future__ import annotations

from collections.abc import Mapping

from multibeta.report.appendix import calibration
from multibeta.report.findings import GALLERIES, Findings
from multibeta.report.overview import dataset_facts
from multibeta.report.tables import factors, not_computed, tables
from multibeta.report.text import picture, plain

ONE_RUN = "One model, measured once by one seed of the metrics; how much scores differ between seeds, a study tells."


def scored(findings: Findings, facts: Mapping[str, str]) -> str:
    """Scores, their floors and ceilings, parts by factor, matrices, what was not computed and why.

    Args:
        findings: of one cell with one run.
        facts: what else stands at the head, by its name.
    """
    (dataset,) = findings.datasets
    (cell,) = findings.cells
    head = [
        dataset_facts(dataset, findings.cards[dataset]),
        *(f"{name}: {plain(text)}" for name, text in facts.items()),
    ]
    names = findings.pictures[cell.place]
    pictures = "\n".join(picture(f"figures/{name}.png", GALLERIES[name], "49%") for name in names)
    told = "; ".join(GALLERIES[name] for name in names)
    drawn = f"<p>\n{pictures}\n</p>\n\n{told}." if names else ""
    parts = [f"# {plain(findings.title)}", *head, tables(findings, ONE_RUN), drawn, factors(findings)]
    return "\n\n".join(part for part in [*parts, not_computed(findings), calibration(findings)] if part) + "\n"
