"""The command line: parse arguments, call a stage, turn an expected failure into one line."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from multibeta.plain import in_one_line, plain

#: Exit status of a training that stopped with a checkpoint: run the same command again to go on.
STOPPED = 75
ADD = "Check data of your own, and give it a name that studies and commands find it by."
#: As shells report a process that Ctrl-C has ended.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong usage, 75 stopped, 130 interrupted."""
    from multibeta.config_errors import ConfigError
    from multibeta.registry import PlugInError

    options = _parser().parse_args(arguments)
    options.typed = sys.argv[1:] if arguments is None else arguments
    command: Callable[[argparse.Namespace], int | None] = options.command
    try:
        return command(options) or 0
    except (ConfigError, PlugInError) as error:
        print(in_one_line(str(error)), file=sys.stderr)
    except (OSError, RuntimeError, ValueError) as error:
        print(in_one_line(f"{options.name_of_command}: {error}"), file=sys.stderr)
    except MemoryError as error:
        print(in_one_line(f"{options.name_of_command}: not enough memory: {error}"), file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


def _prepare(options: argparse.Namespace) -> None:
    from multibeta.stages.prepare import prepare_folder
    from multibeta.stages.shared.specs_by_hand import dataset_by_hand

    folder = options.data or dataset_by_hand(options.dataset, options.results, options.set)
    prepare_folder(folder)
    print(folder)


def _features(options: argparse.Namespace) -> None:
    from multibeta.stages.features import learn_features

    learn_features(options.data, options.data / "features.safetensors")


def _references(options: argparse.Namespace) -> None:
    from multibeta.results import StudyFolder
    from multibeta.stages.references import write_references

    print(write_references(StudyFolder(options.study), options.dataset))


def _train(options: argparse.Namespace) -> int | None:
    from multibeta.results import CellFolder
    from multibeta.stages.measure import measure_ahead, only_process
    from multibeta.stages.prepare import prepare_of_cell
    from multibeta.stages.shared.specs_by_hand import cell_by_hand
    from multibeta.stages.train import Interrupted, train

    folder = CellFolder(options.cell) if options.cell else cell_by_hand(options)
    try:
        prepare_of_cell(folder)
        with only_process(folder):
            runs = train(folder, options.minutes)["runs"]
            if options.measure:
                measure_ahead(folder)
    except Interrupted as reason:
        print(f"train: {reason}; run the same command to go on", file=sys.stderr)
        return STOPPED
    if options.cell is None:
        for seed, run in runs.items():
            print(in_one_line(f"seed {seed}: {run['status']} {run['reason']}"))
        print(folder.path)
    return None


def _measure(*stages: str) -> Callable[[argparse.Namespace], None]:
    def command(options: argparse.Namespace) -> None:
        from multibeta.results import CellFolder
        from multibeta.stages.measure import STAGES, measure, only_process, take_measured

        folder = CellFolder(options.cell)
        with only_process(folder):
            if stages != STAGES or not take_measured(folder):
                measure(folder, stages)

    return command


def _score(options: argparse.Namespace) -> None:
    from multibeta.stages.score import score

    given = {"protocols": options.protocol, "metrics": options.metric, "codes": options.codes}
    given |= {"held_out": options.held_out, "samples": options.samples, "seed": options.seed}
    evaluation = {name: value for name, value in given.items() if value is not None}
    name = options.name or options.model.stem
    command = shlex.join(["multibeta", *options.typed])
    print(score(options.model, options.dataset, name, evaluation, options.results, options.plugin, command))


def _report(options: argparse.Namespace) -> None:
    from multibeta.results import StudyFolder
    from multibeta.stages.report import report

    folder = StudyFolder(options.study)
    if not folder.study.is_file():
        raise FileNotFoundError(f"{options.study}: no study there (study.json is missing); give results/<study>")
    print(report(options.study))


def _status(options: argparse.Namespace) -> None:
    import time

    from multibeta.results import StudyFolder
    from multibeta.stages.status import in_words, status

    asked = None
    if options.config is not None:
        from multibeta.study import Study

        asked = Study.read(options.config).resolved()
    while True:
        text = in_words(status(StudyFolder(options.study), asked), options.all)
        if not options.watch:
            print(plain(text))
            return
        print(f"\033[2J\033[H{plain(text)}", flush=True)  # the screen cleared, from its upper left corner
        time.sleep(options.watch)


def _why(options: argparse.Namespace) -> None:
    from multibeta.results import CellFolder
    from multibeta.stages.why import why

    cell = None
    if options.config is not None:
        from multibeta.study import Study

        *_, dataset, variant, beta = options.cell.resolve().parts
        cell = Study.read(options.config).require_cell(dataset, variant, beta.removeprefix("beta~"))
    for line in why(CellFolder(options.cell), cell) or ["nothing: all runs are what is asked for"]:
        print(in_one_line(line))


def _plan(options: argparse.Namespace) -> None:
    from multibeta.stages.plan import in_words, plan
    from multibeta.study import Study

    print(in_words(plan(Study.read(options.config), options.results, options.jobs)))


def _explore(options: argparse.Namespace) -> int:
    from multibeta.explorer.serve import serve

    return serve(options.study, options.address, options.port, options.plugin)


def _doctor(options: argparse.Namespace) -> None:
    from multibeta.stages.doctor import doctor

    print(plain(doctor(options.study)))


def _compare(options: argparse.Namespace) -> None:
    from multibeta.stages.compare import compare

    print(compare(options.one, options.other, options.out))


def _power(options: argparse.Namespace) -> None:
    from multibeta.stages.power import power

    print(plain(power(options.study, options.metric, options.difference)))


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


def _verify(options: argparse.Namespace) -> int:
    from multibeta.report.drift_text import drift_table
    from multibeta.results import StudyFolder
    from multibeta.stages.train import Interrupted
    from multibeta.stages.verify import verify

    try:
        found = verify(StudyFolder(options.study), options.share, options.seed, options.keep, options.threads)
    except Interrupted:
        return INTERRUPTED
    print(plain(drift_table(found, options.all)))
    return int(found.verdict)


def _where(options: argparse.Namespace) -> None:
    from multibeta.stages.where import where

    print(plain("\n".join(where(options.table, options.row, options.column))))


def _pack(options: argparse.Namespace) -> None:
    from multibeta.results import StudyFolder
    from multibeta.stages.pack import pack

    target = options.output or Path(f"{options.study.resolve().name}.zip")
    for line in pack(StudyFolder(options.study), target, options.weights, options.date):
        print(f"pack: not in it: {line}", file=sys.stderr)
    print(target)


def _unpack(options: argparse.Namespace) -> None:
    from multibeta.stages.unpack import unpack

    folder = options.folder or Path(options.archive.stem)
    manifest = unpack(options.archive, folder)
    print(f"{folder}: {len(manifest['files'])} files of study {manifest['study']}, all as they were packed")
    for line in manifest["missing"]:
        print(f"Not in it: {line}")
    print("To run the study again, in the repository, with results beside the archived ones:")
    print(f"  snakemake --cores all --directory {shlex.quote(str(folder.resolve() / 'rerun'))}")


def _check(options: argparse.Namespace) -> None:
    from multibeta.study import Study

    study = Study.read(options.config)
    runs = sum(len(cell.seeds) for cell in study.cells)
    print(f"{options.config}: {len(study.cells)} cells, {runs} runs")


def _list_datasets(options: argparse.Namespace) -> None:
    from multibeta.stages.datasets import listing

    print(plain(listing(_mirror(options), options.cache)))


def _describe_dataset(options: argparse.Namespace) -> None:
    from multibeta.stages.datasets import description

    print(plain(description(options.name, _mirror(options), options.cache)))


def _fetch_datasets(options: argparse.Namespace) -> int:
    from multibeta.stages.datasets import fetch

    paths, failures = fetch(options.names, _mirror(options), options.cache)
    for path in paths:
        print(path)
    for failure in failures:
        print(f"datasets fetch: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _mirror(options: argparse.Namespace) -> str | None:
    return options.mirror or os.environ.get("MULTIBETA_MIRROR")


def _add_dataset(options: argparse.Namespace) -> None:
    from multibeta.stages.add_dataset import add, describe

    print(plain(describe(*add(options.path, options.name, options.set))))


def _remove_dataset(options: argparse.Namespace) -> None:
    from multibeta.stages.add_dataset import remove

    print(remove(options.name))


def _list(options: argparse.Namespace) -> None:
    from multibeta import named_datasets, registry

    for path in options.plugin:
        registry.load_file(path)
    for kind in registry.FOLDERS:
        print(f"{kind}s")
        for name in registry.names(kind):
            print(f"  {name:<16} {registry.find(kind, name).title}")
        for name in named_datasets.names() if kind == "dataset" else ():
            print(f"  {name:<16} your own, {named_datasets.file_of(name)}")


def _weights(options: argparse.Namespace) -> None:
    from multibeta.metrics import NotComputed
    from multibeta.metrics.image._weights import fetch, locked, path_of
    from multibeta.registry import nearest

    for name in options.names or locked():
        if name not in locked():
            raise ValueError(f"unknown weights {name!r}{nearest(name, list(locked()))}")
        if not options.list:
            fetch(name)
        try:
            print(f"{name}: {path_of(name)}")
        except NotComputed as reason:
            print(f"{name}: {reason}")


def _config(options: argparse.Namespace) -> None:
    from multibeta.config_files import write_all

    for path in write_all(options.root):
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="multibeta",
        description="Train β-VAEs and their relatives, measure what each β buys, and report it. "
        "`snakemake --cores 2` runs these commands for a whole study; by hand they do the same for one model.",
        epilog="Example: multibeta train --dataset mnist --variant beta_vae --beta 2 --epochs 10, then "
        "multibeta evaluate and multibeta draw on the folder it prints.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[..., Any], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(command=run, name_of_command=name)
        return command

    prepare = add("prepare", _prepare, "get or render a dataset, verify it and write it as arrays with a card")
    which = prepare.add_mutually_exclusive_group(required=True)
    which.add_argument("data", nargs="?", type=Path, help="results/.data/<dataset>~<hash> (what the pipeline gives)")
    which.add_argument("--dataset", metavar="NAME", help="a dataset by name")
    _set(prepare, "of the dataset, such as options.size=32")
    _results(prepare)

    features = add("features", _features, "learn the domain features that fd_domain is measured in")
    features.add_argument("data", type=Path, help="a prepared dataset's folder, results/.data/<dataset>~<hash>")

    references = add("references", _references, "measure what perfect, rotated and random codes of a dataset score")
    references.add_argument("study", type=Path, help="results/<study>")
    references.add_argument("dataset", help="a dataset of the study, by its name there")

    _train_options(add("train", _train, "train the seeds of one cell; killed or stopped, the same command goes on"))

    for name, stages, text in (
        ("encode", ("encode",), "encode the evaluation images of a trained cell"),
        ("evaluate", ("encode", "evaluate"), "measure every metric of a trained cell, encoding first if need be"),
        ("draw", ("encode", "draw"), "draw reconstructions, samples and traversals of a trained cell"),
        ("measure", ("encode", "evaluate", "draw"), "encode, evaluate and draw in one process, as the pipeline does"),
    ):
        add(name, _measure(*stages), text).add_argument("cell", type=Path, help="the folder `multibeta train` printed")

    for name, command, text in (
        ("report", _report, "make the tables, figures and pages of a study from what its cells hold so far"),
        ("doctor", _doctor, "say in plain words what went wrong in the trainings of a study"),
    ):
        add(name, command, text).add_argument("study", type=Path, help="results/<study>")
    _watching(
        add("status", _status, "say what has become of every run of a study, while it runs or later; only reads"),
        add("why", _why, "say what would have a cell trained again: which key changed, from and to"),
    )
    for describe, name, run, text in (
        (_plan_options, "plan", _plan, "say what a config file will take here: runs, steps, hours, disk space"),
        (_score_options, "score", _score, "measure anybody's model and write the pages a report would have of it"),
        (_explore_options, "explore", _explore, "look through the results of a study in a browser"),
        (_compare_options, "compare", _compare, "say what two studies share, what differs, and which differences hold"),
        (_power_options, "power", _power, "say how many seeds a study needs to see a difference, from its own spread"),
        (_numbers_options, "numbers", _numbers, "lock the numbers that a paper cites, or say which have moved since"),
        (_verify_options, "verify", _verify, "train and measure some runs anew, and say what of a study still holds"),
        (_where_options, "where", _where, "name the runs, code, weights and commands behind a number of a report"),
        (_pack_options, "pack", _pack, "put a study into one archive that holds all it takes to trust and re-run it"),
        (_unpack_options, "unpack", _unpack, "check every file of an archive of a study, and write it to a folder"),
    ):
        describe(add(name, run, text))

    add("check", _check, "say what a config file sweeps, or in one line what is wrong with it").add_argument(
        "config", type=Path, help="config.yaml or studies/<name>.yaml"
    )

    add("list", _list, "list datasets, variants, architectures and metrics").add_argument(
        "--plugin", metavar="FILE", action="append", default=[], help="a plug-in file of your own"
    )

    _datasets(commands.add_parser("datasets", help="list, describe and fetch datasets, and add your own"))

    _weights_options(add("weights", _weights, "fetch and verify the published weights that FID and LPIPS need"))

    config = add("config", _config, "write config.yaml, its schema and config/README.md from the typed options")
    config.add_argument("root", nargs="?", type=Path, default=Path(), help="the repository, default: here")
    return parser


def _train_options(train: argparse.ArgumentParser) -> None:
    train.add_argument("cell", nargs="?", type=Path, help="a cell's folder (what the pipeline gives), or say which:")
    train.add_argument("--dataset", metavar="NAME", help="`multibeta list` shows the names")
    train.add_argument("--variant", metavar="NAME", default="beta_vae", help="default: beta_vae")
    train.add_argument("--beta", metavar="β", default="1", help="strength of the variant, default: 1")
    train.add_argument("--seeds", metavar="SEED", nargs="+", type=int, default=[0], help="default: 0")
    budget = train.add_mutually_exclusive_group()
    budget.add_argument("--epochs", type=int, metavar="N", help="budget in passes over the training images")
    budget.add_argument("--steps", type=int, metavar="N", help="budget in steps of the optimiser")
    train.add_argument("--architecture", metavar="NAME", help="default: one that fits the images")
    train.add_argument("--latents", type=int, metavar="D", help="dimensions of the code")
    train.add_argument("--batch-size", type=int, metavar="B", help="images per step")
    train.add_argument("--learning-rate", type=float, metavar="LR", help="of Adam")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: a GPU if there is one")
    train.add_argument("--tensorboard", action="store_true", help="write TensorBoard logs into the cell's folder")
    train.add_argument("--plugin", metavar="FILE", action="append", default=[], help="a plug-in file of your own")
    train.add_argument("--name", default="by_hand", help="study the cell belongs to, default: by_hand")
    train.add_argument("--measure", action="store_true", help="measure at once, for `multibeta measure` to find")
    train.add_argument(
        "--minutes", type=_minutes, metavar="M", help=f"stop with a checkpoint before M are over (exit {STOPPED})"
    )
    _set(train, "of the study, such as training.likelihood=gaussian or variants.cvae.options.condition=shape")
    _results(train)


def _datasets(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION", help="what to do")

    show = actions.add_parser("list", help="what there is, and what of it is here")
    show.set_defaults(command=_list_datasets, name_of_command="datasets list")
    info = actions.add_parser("info", help="all that is known of one")
    info.set_defaults(command=_describe_dataset, name_of_command="datasets info")
    info.add_argument("name", help="of a dataset")
    fetch = actions.add_parser("fetch", help="get and verify the files; a download that broke off goes on")
    fetch.set_defaults(command=_fetch_datasets, name_of_command="datasets fetch")
    fetch.add_argument("names", nargs="+", help="of datasets")
    for each in (show, info, fetch):
        each.add_argument("--mirror", help="folder to look in first, or its address; default: $MULTIBETA_MIRROR")
        each.add_argument("--cache", type=Path, help="where downloads are kept; default: $MULTIBETA_CACHE")

    add = actions.add_parser("add", help="check data of your own and give it a name", description=ADD)
    add.set_defaults(command=_add_dataset, name_of_command="datasets add")
    add.add_argument("path", type=Path, help="a folder of images, or an npz or HDF5 file")
    add.add_argument("--name", help="default: that of the folder or file")
    _set(add, "of how it is read, such as size=32, attributes=faces.csv or licence=CC0-1.0")

    remove = actions.add_parser("remove", help="forget a name; the data stays", description="Forget a name.")
    remove.set_defaults(command=_remove_dataset, name_of_command="datasets remove")
    remove.add_argument("name", help="as given to add")


def _score_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.py", help="defines `model`, or `encode` and `decode`")
    parser.add_argument("--dataset", metavar="NAME", required=True, help="`multibeta list` shows the names")
    parser.add_argument("--name", help="of the folder in results/scores, default: the file's name")
    parser.add_argument("--protocol", metavar="NAME", nargs="+", help="default: dlib19 chen18 ours")
    parser.add_argument("--metric", metavar="NAME", nargs="+", help="default: all")
    parser.add_argument("--codes", metavar="N", type=int, help="images in the code table")
    parser.add_argument("--held-out", metavar="N", type=int, help="held-out images, at most")
    parser.add_argument("--samples", metavar="N", type=int, help="images drawn from the prior")
    parser.add_argument("--seed", metavar="SEED", type=int, help="of the metrics' own draws")
    parser.add_argument("--plugin", metavar="FILE", action="append", default=[], help="a plug-in file of your own")
    _results(parser)


def _minutes(text: str) -> float:
    from multibeta.options import MOST_MINUTES

    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 0 < minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number > 0, ≤ {MOST_MINUTES}")
    return minutes


def _compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", type=Path, metavar="A", help="results/<study>")
    parser.add_argument("other", type=Path, metavar="B", help="another study; differences are B minus A")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write, default: ./compare-<A>-<B>")


def _watching(status: argparse.ArgumentParser, why: argparse.ArgumentParser) -> None:
    status.add_argument("study", type=Path, help="results/<study>")
    status.add_argument(
        "--watch", metavar="SECONDS", nargs="?", type=_seconds, const=5.0, help="show it anew, every 5 s if not said"
    )
    status.add_argument("--all", action="store_true", help="every run, however many")
    why.add_argument("cell", type=Path, help="results/<study>/cells/<dataset>/<variant>/beta~<β>")
    for each in (status, why):
        each.add_argument("--config", type=Path, metavar="FILE", help="as it asks for, rather than as last started")


def _plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="config.yaml or studies/<name>.yaml; a step of each net is measured")
    parser.add_argument("--jobs", metavar="N", type=_count, help="cells at once, default: one for each GPU or core")
    _results(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number ≥ 1, ≤ 100000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number of seconds ≥ 0.1, ≤ 86400")
    return seconds


def _weights_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", help="which, default: all")
    parser.add_argument("--list", action="store_true", help="only say which are there")


def _explore_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, help="results/<study>, finished or not")
    parser.add_argument("--port", type=int, help="default: 8501, or the next free one")
    parser.add_argument("--address", default="127.0.0.1", help="to listen on, default: 127.0.0.1, this machine alone")
    plugin = "a plug-in file of your own that the models are made with; it is run"
    parser.add_argument("--plugin", metavar="FILE", type=Path, action="append", default=[], help=plugin)


def _power_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, help="results/<study>")
    parser.add_argument("--metric", metavar="NAME", default="mig", help="default: mig")
    parser.add_argument("--difference", metavar="D", type=float, default=0.1, help="to be seen, default: 0.1")


def _numbers_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, help="results/<study>")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--lock", metavar="TEX", nargs="*", type=Path, help="lock the numbers that these files cite; all without files"
    )
    what.add_argument("--check", action="store_true", help="say which locked numbers have moved (exit 1)")
    parser.add_argument("--file", metavar="LOCK", type=Path, help="default: results/<study>/numbers.lock.json")
    parser.add_argument(
        "--macros", metavar="TEX", type=Path, help="with --lock: write the macros of these numbers alone"
    )


def _verify_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit status: 0 identical, 3 within rounding, 4 changed though nothing is known that rounds otherwise, "
        "5 moved beyond the interval, 6 a file of the study is altered."
    )
    parser.add_argument("study", type=Path, help="results/<study>, which is only read")
    parser.add_argument(
        "--share", metavar="S", type=_share, default=0.05, help="of the runs; default: 0.05, one at least"
    )
    parser.add_argument("--seed", metavar="SEED", type=int, default=0, help="of the draw, default: 0")
    parser.add_argument("--threads", metavar="N", type=_threads, help="default: as many as the runs were trained with")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="a new folder for what is trained; default: removed")
    parser.add_argument("--all", action="store_true", help="every number, also those that are identical")


def _where_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", type=Path, metavar="TABLE", help="results/<study>/summary.csv, numbers.tex, tables/…")
    row = "its number, the first below the header being 1; or keys, such as dataset=digits,beta=4; or a macro"
    parser.add_argument("row", metavar="ROW", help=row)
    parser.add_argument("column", metavar="COLUMN", nargs="?", help="its name; of a LaTeX table that of the metric")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a share > 0, ≤ 1, such as 0.05")
    return share


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number ≥ 1, ≤ 1024")
    return int(text)


def _pack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, help="results/<study>, its report written")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: ./<study>.zip")
    parser.add_argument("--weights", action="store_true", help="with the models and codes of every cell")
    date = "of publication, in the metadata; default: the day the report was written"
    parser.add_argument("--date", metavar="YYYY-MM-DD", type=_day, help=date)


def _day(text: str) -> str:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a day such as 2026-01-31") from None


def _unpack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="what multibeta pack wrote")
    parser.add_argument("folder", nargs="?", type=Path, help="a new one, default: ./<name of the archive>")


def _set(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=f"any other option {text}")


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all studies, default: results")


if __name__ == "__main__":
    sys.exit(main())
