"""The numbers that a text cites: locked as they are, and held against their lock after a rerun."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from multibeta.files import write_text
from multibeta.report.lock import cited, locked, moved
from multibeta.report.numbers import named, numbers, numbers_tex
from multibeta.results import StudyFolder
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.locks import read_lock, write_lock


class Locked(NamedTuple):
    """The lock, how many numbers it holds, and the macros of the text that are none of this study."""

    path: Path
    total: int
    unknown: list[str]


def lock_numbers(study_folder: Path, texts: Sequence[Path], lock: Path | None, macros: Path | None = None) -> Locked:
    """Lock the numbers that TeX files cite, or all where no file is given.

    Args:
        study_folder: ``results/<study>``, finished or not.
        texts: the TeX files of a paper.
        lock: file to write; None for that of the study's folder, which its report looks at.
        macros: file to write the macros of the locked numbers to, for a paper that is to need no more of the study.

    Raises:
        FileNotFoundError: the folder holds no study, or there is no such TeX file.
        ValueError: the files cite no number of the study, or the study has none yet.
    """
    found = numbers(gather(StudyFolder(study_folder)))
    if not found:
        raise ValueError(f"{study_folder}: nothing is measured yet")
    by_macro = named(found)
    # Macros are ASCII, whatever the text around them is encoded in.
    sources = [text.read_text(encoding="utf-8", errors="replace") for text in texts]
    used = dict.fromkeys(macro for source in sources for macro in cited(source))
    chosen = list({by_macro[macro].name: by_macro[macro] for macro in used if macro in by_macro}.values())
    unknown = [f"\\{macro}{_nearest(macro, by_macro)}" for macro in used if macro not in by_macro]
    if texts and not chosen:
        what = f"; unknown: {', '.join(unknown)}" if unknown else ""
        raise ValueError(f"{', '.join(map(str, texts))}: no number of {study_folder} is cited{what}")
    path = lock or StudyFolder(study_folder).lock
    write_lock(path, locked(chosen or found))
    if macros is not None:
        write_text(macros, numbers_tex(chosen or found))
    return Locked(path, len(chosen or found), unknown)


def _nearest(macro: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(macro, known, n=1, cutoff=0.8)
    return f" (did you mean \\{close[0]}?)" if close else ""


def check_numbers(study_folder: Path, lock: Path | None) -> tuple[int, list[str]]:
    """How many numbers are locked, and a line for each that has moved.

    Raises:
        FileNotFoundError: the folder holds no study, or there is no lock.
        ValueError: the lock is damaged.
    """
    then = read_lock(lock or StudyFolder(study_folder).lock)
    return len(then.numbers), moved(then, numbers(gather(StudyFolder(study_folder))))
