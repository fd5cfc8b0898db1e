"""The report as one Markdown text, readable on GitHub; equal findings gives equal bytes."""

from __future__ import annotations

from multibeta.report.appendix import calibration, costs, provenance
from multibeta.report.differences import differences
from multibeta.report.findings import Findings
from multibeta.report.gallery import gallery
from multibeta.report.headline import at_a_glance, in_short
from multibeta.report.health import health
from multibeta.report.ladder import ladders
from multibeta.report.methods import methods
from multibeta.report.overview import cited, completeness, study, tradeoffs
from multibeta.report.published import published
from multibeta.report.rate import rate
from multibeta.report.reliability import reliability
from multibeta.report.tables import against_targets, factors, not_computed, tables
from multibeta.report.text import plain

SECTIONS = (
    completeness,
    cited,
    at_a_glance,
    tradeoffs,
    in_short,
    differences,
    published,
    rate,
    study,
    health,
    tables,
    against_targets,
    factors,
    reliability,
    ladders,
    gallery,
    costs,
    not_computed,
    calibration,
    methods,
    provenance,
)


def markdown(findings: Findings) -> str:
    """The whole report. Links and pictures are relative to the study's folder."""
    parts = [f"# {plain(findings.title)}", *(section(findings) for section in SECTIONS)]
    return "\n\n".join(part for part in parts if part) + "\n"
