"""The health of a study's trainings: what `doctor` finds in each run, the same findings of one cell together."""

from __future__ import annotations

from multibeta.report.doctor import Diagnosis
from multibeta.report.findings import CellKey, Findings
from multibeta.report.text import fold, listed, plain


def health(findings: Findings) -> str:
    """The section of a report."""
    lines = in_words(findings)
    if len(lines) == 1:
        return f"## Health of the trainings\n\n{plain(lines[0])}"
    body = "\n".join(f"- {plain(line)}" for line in lines[1:])
    return f"## Health of the trainings\n\n{plain(lines[0])}\n\n{fold('What was found', body)}"


def in_words(findings: Findings) -> list[str]:
    """A line that sums up, then one for each cell and diagnosis, with its seeds."""
    lines = []
    ill = 0
    for cell in findings.cells:
        by_seed = findings.diagnoses.get(cell.place, {})
        ill += sum(bool(found) for found in by_seed.values())
        by_name: dict[str, dict[int, Diagnosis]] = {}
        for seed, found in by_seed.items():
            for diagnosis in found:
                by_name.setdefault(diagnosis.name, {})[seed] = diagnosis
        lines += [_line(findings, cell, name, of_seeds) for name, of_seeds in by_name.items()]
    runs = sum(len(by_seed) for by_seed in findings.diagnoses.values())
    if not lines:
        return [f"No problem found in the {'history of 1 run' if runs == 1 else f'histories of {runs} runs'}."]
    return [f"Something to look at in {ill} of {runs} run{'s' * (runs > 1)}.", *lines]


def _line(findings: Findings, cell: CellKey, name: str, of_seeds: dict[int, Diagnosis]) -> str:
    seeds = f"seed{'s' if len(of_seeds) > 1 else ''} {listed([str(seed) for seed in of_seeds])}"
    first = next(iter(of_seeds.values())).text
    place = f"{cell.dataset}, {findings.variants[cell.variant]}, {findings.strength(cell)}, {seeds}"
    return f"{place}: {name}: {first}" if first else f"{place}: {name}"
