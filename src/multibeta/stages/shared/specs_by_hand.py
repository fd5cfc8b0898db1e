"""One model by hand: the arguments of ``multibeta train`` and ``prepare`` as the specs that stages start from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from multibeta import named_datasets, registry, strict_yaml
from multibeta.config_errors import ConfigError
from multibeta.results import CellFolder
from multibeta.stages.shared.specs import write_data_spec, write_specs
from multibeta.study import Study


def cell_by_hand(options: argparse.Namespace) -> CellFolder:
    """The folder of the one cell that ``multibeta train --dataset …`` describes, its spec written.

    Raises:
        ConfigError: an option or a name is wrong.
    """
    if options.dataset is None:
        raise ConfigError("train: give a cell's folder, or --dataset NAME")
    dataset, variant = options.dataset, options.variant
    budget = {"epochs": options.epochs, "steps": options.steps}
    training = {
        "budget": next((f"{count} {unit}" for unit, count in budget.items() if count is not None), None),
        "architecture": options.architecture,
        "latents": options.latents,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
    }
    running = {"device": options.device, "tensorboard": options.tensorboard or None}
    config: dict[str, Any] = {
        "name": options.name,
        "datasets": {dataset: {}},
        "variants": {variant: {}},
        "strengths": [options.beta],
        "seeds": options.seeds,
        "training": {name: value for name, value in training.items() if value is not None},
        "running": {name: value for name, value in running.items() if value is not None},
        "plugins": options.plugin,
    }
    apply_settings(config, options.set)
    if "architecture" not in config["training"]:
        for path in options.plugin:
            registry.load_file(path)
        config["training"]["architecture"] = fitting_architecture(dataset, config["datasets"][dataset])
    study = Study.parse(config, "train")
    write_specs(study, options.results)
    return study.cells[0].folder(options.results)


def fitting_architecture(dataset: str, entry: Any) -> str:
    """The first of the built-in nets that fits the images of a dataset; of one whose options are wrong, any."""
    given = entry.get("options", {}) if isinstance(entry, dict) else {}
    try:
        plug_in, given = named_datasets.resolve(dataset, given)
        source_class = registry.find("dataset", plug_in)
        options = source_class.Options.model_validate(given)
    except (ValidationError, TypeError):
        # The study made of the same entry says in one line what is wrong.
        return "mlp"
    source = source_class(options)
    for name in ("burgess", "small_conv"):
        try:
            registry.find("architecture", name)().check(source.shape)
        except ValueError:
            continue
        return name
    return "mlp"


def apply_settings(config: dict[str, Any], settings: Sequence[str]) -> None:
    """Set ``a.b.c=value`` in a nested config, the value read as YAML.

    Raises:
        ConfigError: a setting has no ``=``, a part of its path is no mapping, or its value is no YAML.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: must be KEY=VALUE, such as training.likelihood=gaussian")
        *parents, last = path.split(".")
        here: Any = config
        for parent in parents:
            here = here.setdefault(parent, {}) if isinstance(here, dict) else None
        if not isinstance(here, dict):
            raise ConfigError(f"--set {setting}: {path!r} is not the path of an option")
        here[last] = strict_yaml.parse(text, f"--set {setting}")


def dataset_by_hand(dataset: str, root: Path, settings: Sequence[str]) -> Path:
    """The folder a dataset is to be prepared in, its spec written.

    Raises:
        ConfigError: the name or an option is wrong.
    """
    config: dict[str, Any] = {"name": "by_hand", "datasets": {dataset: {}}, "variants": {"beta_vae": {}}}
    apply_settings(config["datasets"][dataset], settings)
    study = Study.parse({**config, "strengths": [1], "training": {"architecture": "mlp"}}, "prepare")
    return write_data_spec(study.cells[0], root)
