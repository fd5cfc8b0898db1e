"""The commands that look at a study before it runs, while it runs and afterwards, and write nothing."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from multibeta.cli._commands import Commands, add_config, add_results, add_study, count, number
from multibeta.plain import in_one_line, plain

if TYPE_CHECKING:
    from multibeta.results import StudyFolder
    from multibeta.study import Study


def add_to(commands: Commands) -> None:
    """Add ``check``, ``plan``, ``status``, ``why`` and ``doctor``."""
    add_config(commands.add("check", _check, "say what a config file sweeps, or in one line what is wrong with it"))

    plan = commands.add("plan", _plan, "say what a config file will take here: runs, steps, hours, disk space")
    add_config(plan, "; a step of each net is measured")
    plan.add_argument(
        "--jobs", metavar="N", type=count(100_000), help="cells at once, default: one for each GPU or core"
    )
    add_results(plan)

    status = commands.add(
        "status", _status, "say what has become of every run of a study, while it runs or later; only reads"
    )
    add_study(status)
    seconds = number("a number of seconds ≥ 0.1, ≤ 86400", lambda seconds: 0.1 <= seconds <= 86_400)
    status.add_argument(
        "--watch", metavar="SECONDS", nargs="?", type=seconds, const=5.0, help="show it anew, every 5 s if not said"
    )
    status.add_argument("--all", action="store_true", help="every run, however many")

    why = commands.add(
        "why", _why, "say what would have a cell trained or measured again: which key changed, from and to"
    )
    why.add_argument("cell", type=Path, help="results/<study>/cells/<dataset>/<variant>/beta~<β>")
    for each in (status, why):
        each.add_argument("--config", type=Path, metavar="FILE", help="as it asks for, rather than as last started")

    add_study(commands.add("doctor", _doctor, "say in plain words what went wrong in the trainings of a study"))


def _check(options: argparse.Namespace) -> None:
    from multibeta.report.text import counted
    from multibeta.study import Study

    study = Study.read(options.config)
    runs = sum(len(cell.seeds) for cell in study.cells)
    print(f"{options.config}: {counted(len(study.cells), 'cell')}, {counted(runs, 'run')}")


def _plan(options: argparse.Namespace) -> None:
    from multibeta.stages.plan import in_words, plan
    from multibeta.study import Study

    print(in_words(plan(Study.read(options.config), options.results, options.jobs)))


def _status(options: argparse.Namespace) -> None:
    from multibeta.results import StudyFolder
    from multibeta.stages.status import in_words, status

    asked = None
    if options.config is not None:
        asked = _study(options.config, StudyFolder(options.study)).resolved()
    while True:
        text = plain(in_words(status(StudyFolder(options.study), asked), options.all))
        if not options.watch:
            print(text)
            return
        print(f"\033[2J\033[H{text}", flush=True)  # the screen cleared, from its upper left corner
        time.sleep(options.watch)


def _why(options: argparse.Namespace) -> None:
    from multibeta.results import CellFolder, StudyFolder
    from multibeta.stages.why import why

    place: Path = options.cell.absolute()
    cells, dataset, variant, beta = ("", "", "", *place.parts)[-4:]
    if cells != "cells" or not beta.startswith("beta~"):
        wanted = "results/<study>/cells/<dataset>/<variant>/beta~<β>"
        raise ValueError(f"{options.cell}: no folder of a cell; give {wanted}")
    cell = None
    if options.config is not None:
        study = _study(options.config, StudyFolder(place.parents[3]))
        cell = study.require_cell(dataset, variant, beta.removeprefix("beta~"))
    for line in why(CellFolder(options.cell), cell) or ["nothing: all runs are what is asked for"]:
        print(in_one_line(line))


def _study(config: Path, folder: StudyFolder) -> Study:
    """The study of a config file, which must be the one whose results the folder holds."""
    from multibeta.records import Named, read
    from multibeta.study import Study

    study = Study.read(config)
    # Before it is started the folder has a name only; afterwards it may have been given another one.
    name = read(folder.study, Named)["name"] if folder.study.is_file() else folder.path.absolute().name
    if study.name != name:
        raise ValueError(
            f"{config}: asks for study {study.name}, but {folder.path} is of study {name}; give results/{study.name}"
        )
    return study


def _doctor(options: argparse.Namespace) -> None:
    from multibeta.stages.doctor import doctor

    print(plain(doctor(options.study)))
