"""The commands that the pipeline calls: a dataset prepared, a cell trained and measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from multibeta.cli._commands import (
    STOPPED,
    Commands,
    Run,
    add_cell,
    add_fingerprint,
    add_plugin,
    add_results,
    add_set,
    add_study,
    number,
)
from multibeta.plain import in_one_line

if TYPE_CHECKING:
    from multibeta.results import CellFolder


def add_to(commands: Commands) -> None:
    """Add ``prepare``, ``features``, ``references``, ``train``, ``encode``, ``evaluate``, ``draw`` and ``measure``."""
    prepare = commands.add("prepare", _prepare, "get or render a dataset, verify it and write it as arrays with a card")
    which = prepare.add_mutually_exclusive_group(required=True)
    which.add_argument("data", nargs="?", type=Path, help="results/.data/<dataset>~<hash> (what the pipeline gives)")
    which.add_argument("--dataset", metavar="NAME", help="a dataset by name")
    add_set(prepare, "of the dataset, such as options.size=32")
    add_results(prepare)

    features = commands.add("features", _features, "learn the domain features that fd_domain is measured in")
    features.add_argument("data", type=Path, help="a prepared dataset's folder, results/.data/<dataset>~<hash>")

    references = commands.add(
        "references", _references, "measure what perfect, rotated and random codes of a dataset score"
    )
    add_study(references)
    references.add_argument("dataset", help="a dataset of the study, by its name there")

    _train_options(
        commands.add("train", _train, "train the seeds of one cell; killed or stopped, the same command goes on")
    )

    for name, stages, text in (
        ("encode", ("encode",), "encode the evaluation images of a trained cell"),
        ("evaluate", ("encode", "evaluate"), "measure every metric of a trained cell, encoding first if need be"),
        ("draw", ("encode", "draw"), "draw reconstructions, samples and traversals of a trained cell"),
        ("measure", ("encode", "evaluate", "draw"), "encode, evaluate and draw in one process, as the pipeline does"),
    ):
        command = commands.add(name, _measure(*stages), text)
        add_cell(command)
        add_fingerprint(command)


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
    add_plugin(train)
    train.add_argument("--name", default="by_hand", help="study the cell belongs to, default: by_hand")
    train.add_argument("--measure", action="store_true", help="measure at once, for `multibeta measure` to find")
    add_fingerprint(train)
    train.add_argument(
        "--minutes", type=_minutes, metavar="M", help=f"stop with a checkpoint before M are over (exit {STOPPED})"
    )
    add_set(train, "of the study, such as training.likelihood=gaussian or variants.cvae.options.condition=shape")
    add_results(train)


def _minutes(text: str) -> float:
    from multibeta.option_values import MOST_MINUTES

    return number(f"a number > 0, ≤ {MOST_MINUTES}", lambda minutes: 0 < minutes <= MOST_MINUTES)(text)


def _train(options: argparse.Namespace) -> int | None:
    from multibeta.results import CellFolder
    from multibeta.stages.measure import only_process
    from multibeta.stages.prepare import prepare_of_cell
    from multibeta.stages.shared.specs import read_cell, require_planned
    from multibeta.stages.shared.specs_by_hand import cell_by_hand
    from multibeta.stages.train import Interrupted, stop_waiting, told_to_stop, train

    folder = CellFolder(options.cell) if options.cell else cell_by_hand(options)
    try:
        prepare_of_cell(folder)
        with ExitStack() as held:
            with told_to_stop(options.minutes) as should_stop:
                require_ours = held.enter_context(only_process(folder, lambda: stop_waiting(should_stop)))
                require_planned(folder.spec, read_cell(folder).training_fingerprint, options.fingerprint)
                runs = train(folder, should_stop, require_ours=require_ours)["runs"]
            if options.measure:
                _measure_ahead(folder, require_ours)
    except Interrupted as reason:
        print(f"train: {reason}; run the same command to go on", file=sys.stderr)
        return STOPPED
    if options.cell is None:
        for seed, run in runs.items():
            print(in_one_line(f"seed {seed}: {run['status']} {run['reason']}"))
        print(folder.path)
    return None


def _measure_ahead(folder: CellFolder, require_ours: Callable[[], None]) -> None:
    """Measure what was trained, if that is possible: no training is lost to a metric that fails."""
    from multibeta.stages.measure import measure_ahead

    try:
        measure_ahead(folder, require_ours)
    except Exception as error:  # whatever a plug-in raises; `measure` will say more of it
        print(in_one_line(f"train: not measured ahead: {type(error).__name__}: {error}"), file=sys.stderr)


def _measure(*stages: str) -> Run:
    def command(options: argparse.Namespace) -> None:
        from multibeta.results import CellFolder
        from multibeta.stages.measure import STAGES, measure, only_process, take_measured
        from multibeta.stages.shared.specs import read_cell, require_planned
        from multibeta.training.lock import LockLost

        folder = CellFolder(options.cell)
        with only_process(folder) as require_ours:
            if options.fingerprint is not None:
                require_planned(folder.spec, read_cell(folder).evaluation_fingerprint, options.fingerprint)
            try:
                if stages != STAGES or not take_measured(folder, require_ours):
                    measure(folder, stages, require_ours)
            except LockLost as reason:
                raise RuntimeError(str(reason)) from None

    return command
