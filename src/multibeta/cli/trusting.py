"""The commands by which the numbers of a study can be trusted years later: checked, traced, locked and archived."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from multibeta.cli._commands import INTERRUPTED, Commands, add_study, count, number
from multibeta.plain import plain


def add_to(commands: Commands) -> None:
    """Add ``verify``, ``where``, ``numbers``, ``pack`` and ``unpack``."""
    _verify_options(commands.add("verify", _verify, "train and measure some runs anew, and say what still holds"))
    _where_options(commands.add("where", _where, "name the runs, code, weights and commands behind a reported number"))
    _numbers_options(
        commands.add("numbers", _numbers, "lock the numbers that a paper cites, or say which have moved since")
    )
    _pack_options(
        commands.add("pack", _pack, "put a study into one archive that holds all it takes to trust and re-run it")
    )
    unpack = commands.add("unpack", _unpack, "check every file of an archive of a study, and write it to a folder")
    unpack.add_argument("archive", type=Path, metavar="ARCHIVE", help="what multibeta pack wrote")
    unpack.add_argument("folder", nargs="?", type=Path, help="a new one, default: ./<name of the archive>")


def _verify_options(verify: argparse.ArgumentParser) -> None:
    verify.epilog = (
        "Exit status: 0 identical, 3 within rounding, 4 changed though nothing is known that rounds otherwise, "
        "5 moved beyond the interval, 6 a file of the study is altered."
    )
    add_study(verify, ", which is only read")
    share = number("a share > 0, ≤ 1, such as 0.05", lambda share: 0 < share <= 1)
    verify.add_argument(
        "--share", metavar="S", type=share, default=0.05, help="of the runs; default: 0.05, one at least"
    )
    verify.add_argument("--seed", metavar="SEED", type=int, default=0, help="of the draw, default: 0")
    threads = "default: as many as the runs were trained with"
    verify.add_argument("--threads", metavar="N", type=count(1024), help=threads)
    verify.add_argument("--keep", metavar="DIR", type=Path, help="a new folder for what is trained; default: removed")
    verify.add_argument("--all", action="store_true", help="every number, also those that are identical")


def _verify(options: argparse.Namespace) -> int:
    from multibeta.report.drift_text import drift_table
    from multibeta.results import StudyFolder
    from multibeta.stages.train import Interrupted
    from multibeta.stages.verify import verify

    try:
        with _terminated_as_interrupted():
            found = verify(StudyFolder(options.study), options.share, options.seed, options.keep, options.threads)
    except Interrupted:
        return INTERRUPTED
    print(plain(drift_table(found, options.all)))
    return int(found.verdict)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that it removes its temporary folder."""

    def stop(_signal: int, _frame: Any) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would end the removal
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _where_options(where: argparse.ArgumentParser) -> None:
    where.add_argument("table", type=Path, metavar="TABLE", help="results/<study>/summary.csv, numbers.tex, tables/…")
    row = "its number, the first below the header being 1; or keys, such as dataset=digits,beta=4; or a macro"
    where.add_argument("row", metavar="ROW", help=row)
    where.add_argument("column", metavar="COLUMN", nargs="?", help="its name; of a LaTeX table that of the metric")


def _where(options: argparse.Namespace) -> None:
    from multibeta.stages.where import where

    print(plain("\n".join(where(options.table, options.row, options.column))))


def _numbers_options(numbers: argparse.ArgumentParser) -> None:
    add_study(numbers)
    what = numbers.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--lock", metavar="TEX", nargs="*", type=Path, help="lock the numbers that these files cite; all without files"
    )
    what.add_argument("--check", action="store_true", help="say which locked numbers have moved (exit 1)")
    numbers.add_argument("--file", metavar="LOCK", type=Path, help="default: results/<study>/numbers.lock.json")
    numbers.add_argument(
        "--macros", metavar="TEX", type=Path, help="with --lock: write the macros of these numbers alone"
    )


def _numbers(options: argparse.Namespace) -> int:
    from multibeta.stages.numbers import check_numbers, lock_numbers

    if options.lock is not None:
        path, total, unknown = lock_numbers(options.study, options.lock, options.file, options.macros)
        print(f"{path}: {total} numbers locked")
        for macro in unknown:
            print(f"numbers: {macro} is no number of {options.study}; left out", file=sys.stderr)
        return 0
    total, moved = check_numbers(options.study, options.file)
    print(plain("\n".join(moved)) or f"All {total} locked numbers are as they were cited.")
    return 1 if moved else 0


def _pack_options(pack: argparse.ArgumentParser) -> None:
    add_study(pack, ", its report written")
    pack.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: ./<study>.zip")
    pack.add_argument("--weights", action="store_true", help="with the models and codes of every cell")
    day = "of publication, in the metadata; default: the day the report was written"
    pack.add_argument("--date", metavar="YYYY-MM-DD", type=_day, help=day)
    licence = "it is published under, by its SPDX identifier such as CC-BY-4.0; default: none is named"
    pack.add_argument("--licence", metavar="ID", type=_licence, help=licence)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a day such as 2026-01-31") from None


def _licence(text: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        licence = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        licence = ""
    if " " in licence or not licence:
        raise argparse.ArgumentTypeError(f"{text!r}: must be one licence by its SPDX identifier, such as CC-BY-4.0")
    return licence


def _pack(options: argparse.Namespace) -> None:
    from multibeta.results import StudyFolder
    from multibeta.stages.pack import pack

    target = options.output or Path(f"{options.study.resolve().name}.zip")
    for line in pack(StudyFolder(options.study), target, options.weights, options.date, options.licence):
        print(f"pack: not in it: {line}", file=sys.stderr)
    print(target)


def _unpack(options: argparse.Namespace) -> None:
    from multibeta.stages.unpack import commit_of, unpack

    folder = options.folder or Path(options.archive.stem)
    manifest = unpack(options.archive, folder)
    results = Path("results", manifest["study"])
    commit = commit_of(folder / results)
    print(f"{folder}: {len(manifest['files'])} files of study {manifest['study']}, all as they were packed")
    for line in manifest["missing"]:
        print(f"Not in it: {line}")
    where = f" at commit {commit}" if commit else ""
    print(f"To run the study again, in the repository{where}, with results beside the archived ones:")
    archived = folder.resolve()
    print(f"  {shlex.join(['snakemake', '--cores', 'all', '--directory', str(archived / 'rerun')])}")
    print(f"  {shlex.join(['multibeta', 'compare', str(archived / results), str(archived / 'rerun' / results)])}")
