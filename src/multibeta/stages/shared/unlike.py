"""What lies in a study's folder and is not what is asked for.

Snakemake knows the times of files and its own records of what made them. A file that is gone while its neighbours stay,
another config where the records are not, or what another start has left is seen by what the files say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from multibeta.cell import Cell
from multibeta.records import CellRecord, CostsRecord, Form, is_measured, read
from multibeta.results import CellFolder
from multibeta.study import Study


def unlike(study: Study, root: Path) -> list[Path]:
    """A file of every step that has to be done again, for its results are not whole, damaged or of something else.

    A step that has left nothing at all is not among them: that its files are missing Snakemake sees itself.
    """
    if not study.folder(root).path.is_dir():
        return []
    cells = [file for cell in study.cells for file in _of_cell(cell, cell.folder(root))]
    return cells + list(_of_report(study, root))


def _of_cell(cell: Cell, folder: CellFolder) -> Iterator[Path]:
    wanted = {str(seed): cell.run_fingerprint(seed) for seed in cell.seeds}
    trained = [path.exists() for path in (folder.models, folder.history, folder.cell)]
    if any(trained) and not (all(trained) and _are_runs(folder.cell, cell, wanted)):
        yield folder.models
        return
    measured = [path.exists() for path in folder.measures]
    if any(measured) and not (all(measured) and _are_measures(folder.costs, wanted, cell.evaluation_fingerprint)):
        yield folder.metrics


def _are_runs(path: Path, cell: Cell, wanted: dict[str, str]) -> bool:
    try:
        runs = read(path, CellRecord)["runs"]
    except ValueError:
        return False
    found = {seed: run["fingerprint"] for seed, run in runs.items()}
    return found == wanted and not any(map(cell.may_go_on, runs.values()))


def _are_measures(path: Path, wanted: dict[str, str], evaluation: str) -> bool:
    try:
        costs = read(path, CostsRecord)
    except ValueError:
        return False
    return all(is_measured(costs, int(seed), run, evaluation) for seed, run in wanted.items())


def _of_report(study: Study, root: Path) -> Iterator[Path]:
    folder = study.folder(root)
    if not folder.report_html.exists():
        return
    # The specs are written when something is done: without them, or with another start's, nothing works by hand.
    specs = all(cell.folder(root).spec.exists() for cell in study.cells)
    if not (specs and all(_is_of(path, study) for path in (folder.study, folder.provenance))):
        yield folder.report_html
    for dataset in sorted({cell.dataset.name for cell in study.cells}):
        if not folder.references(dataset).exists():
            yield folder.references(dataset)


def _is_of(path: Path, study: Study) -> bool:
    """Does study.json or provenance.json speak of this study?"""
    try:
        return read(path, Form)["report_fingerprint"] == study.report_fingerprint
    except (OSError, ValueError, KeyError):
        return False
