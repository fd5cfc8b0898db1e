"""How cells, runs and measures of two studies are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from multibeta.report.comparable import common
from multibeta.report.findings import CellKey, Findings
from multibeta.report.text import fold, plain

#: Rows of a table that stands open, and sweeps that are named one by one.
SHORT, MOST = 30, 12


def cell_name(findings: Findings, row: Any) -> str:
    return plain(f"{row.dataset} · {findings.variants[row.variant]} · {findings.symbols[row.variant]} = {row.beta}")


def run_name(findings: Findings, row: Any) -> str:
    return f"{cell_name(findings, row)}, seed {row.seed}"


def label(one: Findings, other: Findings, metric: str) -> str:
    """A measure's title, as whichever study has it says."""
    return plain((one if metric in one.measures else other).label(metric))


def which(one: Findings, other: Findings, cells: Sequence[CellKey]) -> str:
    """Cells that both studies have, in words."""
    both = common(one, other)
    return f"all {len(both)}" if len(cells) == len(both) > 1 else named(one, cells)


def named(findings: Findings, cells: Sequence[CellKey]) -> str:
    """``sprites · β-VAE · β = 1, 4; …``"""
    sweeps = list(_sweeps(findings, cells))
    more = f"; and {len(sweeps) - MOST} more" if len(sweeps) > MOST else ""
    return plain("; ".join(sweeps[:MOST]) + more) if cells else "none"


def _sweeps(findings: Findings, cells: Sequence[CellKey]) -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        found.setdefault((cell.dataset, cell.variant), []).append(cell.beta)
    for (dataset, variant), strengths in found.items():
        yield f"{dataset} · {findings.variants[variant]} · {findings.symbols[variant]} = {', '.join(strengths)}"


def folded(summary: str, body: str, rows: int) -> str:
    """A table of that many rows, open if it is short."""
    return body if rows <= SHORT else fold(f"{summary}: {rows} rows", body)
