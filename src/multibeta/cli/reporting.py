"""The commands that make pages of results: of a study, of two, of anybody's model, and in a browser."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from multibeta.cli._commands import Commands, add_fingerprint, add_plugin, add_results, add_study
from multibeta.plain import plain


def add_to(commands: Commands) -> None:
    """Add ``report``, ``compare``, ``power``, ``score`` and ``explore``."""
    report = commands.add(
        "report", _report, "make the tables, figures and pages of a study from what its cells hold so far"
    )
    add_study(report)
    add_fingerprint(report)

    compare = commands.add("compare", _compare, "say what two studies share, what differs, and which differences hold")
    compare.add_argument("one", type=Path, metavar="A", help="results/<study>")
    compare.add_argument("other", type=Path, metavar="B", help="another study; differences are B minus A")
    compare.add_argument("--out", type=Path, metavar="FOLDER", help="where to write, default: ./compare-<A>-<B>")

    power = commands.add("power", _power, "say how many seeds a study needs to see a difference, from its own spread")
    add_study(power)
    power.add_argument("--metric", metavar="NAME", default="mig", help="default: mig")
    power.add_argument("--difference", metavar="D", type=float, default=0.1, help="to be seen, default: 0.1")

    score = commands.add("score", _score, "measure anybody's model and write the pages a report would have of it")
    score.add_argument("model", type=Path, metavar="MODEL.py", help="defines `model`, or `encode` and `decode`")
    score.add_argument("--dataset", metavar="NAME", required=True, help="`multibeta list` shows the names")
    score.add_argument("--name", help="of the folder in results/scores, default: the file's name")
    score.add_argument("--protocol", metavar="NAME", nargs="+", help="default: dlib19 chen18 ours")
    score.add_argument("--metric", metavar="NAME", nargs="+", help="default: all")
    score.add_argument("--codes", metavar="N", type=int, help="images in the code table")
    score.add_argument("--held-out", metavar="N", type=int, help="held-out images, at most")
    score.add_argument("--samples", metavar="N", type=int, help="images drawn from the prior")
    score.add_argument("--seed", metavar="SEED", type=int, help="of the metrics' own draws")
    add_plugin(score)
    add_results(score)

    explore = commands.add("explore", _explore, "look through the results of a study in a browser")
    add_study(explore, ", finished or not")
    explore.add_argument("--port", type=int, help="default: 8501, or the next free one")
    explore.add_argument("--address", default="127.0.0.1", help="to listen on, default: 127.0.0.1, this machine alone")
    plugin = "a plug-in file of your own that the models are made with; it is run"
    explore.add_argument("--plugin", metavar="FILE", type=Path, action="append", default=[], help=plugin)


def _report(options: argparse.Namespace) -> None:
    from multibeta.records import read_study
    from multibeta.results import StudyFolder
    from multibeta.stages.report import report
    from multibeta.stages.shared.specs import require_planned
    from multibeta.study import Study

    folder = StudyFolder(options.study)
    if not folder.study.is_file():
        raise FileNotFoundError(f"{options.study}: no study there (study.json is missing); give results/<study>")
    if options.fingerprint is not None:
        found = Study.parse(read_study(folder.study)["config"], str(folder.study)).report_fingerprint
        require_planned(folder.study, found, options.fingerprint)
    print(report(options.study))


def _compare(options: argparse.Namespace) -> None:
    from multibeta.stages.compare import compare

    print(compare(options.one, options.other, options.out))


def _power(options: argparse.Namespace) -> None:
    from multibeta.stages.power import power

    print(plain(power(options.study, options.metric, options.difference)))


def _score(options: argparse.Namespace) -> None:
    from multibeta.stages.score import score

    given = {"protocols": options.protocol, "metrics": options.metric, "codes": options.codes}
    given |= {"held_out": options.held_out, "samples": options.samples, "seed": options.seed}
    evaluation = {name: value for name, value in given.items() if value is not None}
    name = options.name or options.model.stem
    command = shlex.join(["multibeta", *options.typed])
    print(score(options.model, options.dataset, name, evaluation, options.results, options.plugin, command))


def _explore(options: argparse.Namespace) -> int:
    from multibeta.explorer.serve import serve

    return serve(options.study, options.address, options.port, options.plugin)
