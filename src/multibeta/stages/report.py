"""Stage report: the results of a study's cells, as far as they exist, become tables, figures and two pages."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multibeta.figures._style import LOOKS, REPORT
from multibeta.files import write_json, write_table, write_text
from multibeta.records import read_study
from multibeta.report.findings import Cited
from multibeta.report.gallery import embeds
from multibeta.report.html import page
from multibeta.report.lock import moved
from multibeta.report.markdown import markdown
from multibeta.report.methods import methods_latex, references
from multibeta.report.numbers import Number, numbers, numbers_tex
from multibeta.report.paper import paper_tables
from multibeta.report.rate import pareto_table, recommended_table, slopes_table
from multibeta.results import RUNS_COLUMNS, StudyFolder
from multibeta.stages.ladders import draw_ladders
from multibeta.stages.references import known_references
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.locks import read_lock
from multibeta.stages.shared.study_figures import draw_study


def report(study_folder: Path) -> Path:
    """Write the tables (also in LaTeX), figures and pages of a study, and return the path of report.html.

    A report never fails for want of results: what is missing, diverged or not computed is named in it.

    Args:
        study_folder: ``results/<study>``, with study.json.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: the folder cannot be written.
    """
    folder = StudyFolder(study_folder)
    with _rare_collections():
        # Its findings are gone when the page is made: of a large study both together fill the memory.
        text, embedded = _write(folder)

        def read(path: str) -> bytes | None:
            return (folder.path / path).read_bytes() if embedded or not path.startswith("cells/") else None

        write_text(folder.report_html, page(text, read))
    return folder.report_html


def _write(folder: StudyFolder) -> tuple[str, bool]:
    """All files of a report but the page; its text, and whether the page is to hold the pictures of cells."""
    findings = gather(folder).beside(references=known_references(folder))
    found = numbers(findings)
    # Of a large study millions of objects, which stay as they are: the search for cycles need not go through them.
    gc.freeze()
    findings = findings.beside(cited=_cited(folder.lock, found))
    write_table(folder.metrics, findings.metrics)
    write_table(folder.runs, findings.runs[list(RUNS_COLUMNS)])
    write_table(folder.summary, findings.summary)
    write_table(folder.comparisons, findings.comparisons)
    write_table(folder.rate, slopes_table(findings))
    write_table(folder.recommended, recommended_table(findings))
    write_table(folder.pareto, pareto_table(findings))
    write_text(folder.methods, methods_latex(findings))
    write_text(folder.references_bib, references(findings))
    write_json(folder.provenance, dict(findings.provenance))
    write_text(folder.numbers, numbers_tex(found))
    for name, tabular in paper_tables(findings).items():
        write_text(folder.tables / f"{name}.tex", tabular)
    column = read_study(folder.study)["report"].get("column")
    draw_study(findings, folder.figures, LOOKS[column] if column else REPORT)
    findings = findings.beside(ladders=draw_ladders(folder, findings))
    text = markdown(findings)
    write_text(folder.report_markdown, text)
    return text, embeds(findings)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles less often, and in what is frozen within only at the end: files are open in some."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.collect()


def _cited(lock: Path, found: list[Number]) -> Cited | None:
    """What became of the numbers of a lock; a damaged one is said, not raised."""
    if not lock.is_file():
        return None
    try:
        then = read_lock(lock)
    except ValueError as error:
        return Cited(lock.name, damage=str(error).replace(str(lock), lock.name))
    return Cited(lock.name, len(then.numbers), moved(then, found))
