"""The commands about what a study can use: plug-ins, datasets, published weights, and the files that list them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from multibeta.cli._commands import Commands, add_plugin, add_set
from multibeta.plain import plain


def add_to(commands: Commands) -> None:
    """Add ``list``, ``datasets`` with its actions, ``weights`` and ``config``."""
    add_plugin(commands.add("list", _list, "list datasets, variants, architectures and metrics"))

    datasets = commands.add_group("datasets", "list, describe and fetch datasets, and add your own")
    _add_actions(Commands(datasets, "actions", "datasets "))

    weights = commands.add("weights", _weights, "fetch and verify the published weights that FID and LPIPS need")
    weights.add_argument("names", nargs="*", help="which, default: all")
    weights.add_argument("--list", action="store_true", help="only say which are there")

    config = commands.add(
        "config", _config, "write config.yaml, its schema and config/README.md from the typed options"
    )
    config.add_argument("root", nargs="?", type=Path, default=Path(), help="the repository, default: here")


def _add_actions(actions: Commands) -> None:
    show = actions.add("list", _list_datasets, "what there is, and what of it is here")
    info = actions.add("info", _describe_dataset, "all that is known of one")
    info.add_argument("name", help="of a dataset")
    fetch = actions.add("fetch", _fetch_datasets, "get and verify the files; a download that broke off goes on")
    fetch.add_argument("names", nargs="+", help="of datasets")
    for each in (show, info, fetch):
        each.add_argument("--mirror", help="folder to look in first, or its address; default: $MULTIBETA_MIRROR")
        each.add_argument("--cache", type=Path, help="where downloads are kept; default: $MULTIBETA_CACHE")

    add = actions.add("add", _add_dataset, "check data of your own, and name it for studies and commands")
    add.add_argument("path", type=Path, help="a folder of images, or an npz or HDF5 file")
    add.add_argument("--name", help="default: that of the folder or file")
    add_set(add, "of how it is read, such as size=32, attributes=faces.csv or licence=CC0-1.0")

    remove = actions.add("remove", _remove_dataset, "forget a name; the data stays")
    remove.add_argument("name", help="as given to add")


def _list(options: argparse.Namespace) -> None:
    from multibeta import named_datasets, registry

    for path in options.plugin:
        registry.load_file(path)
    listed = {
        kind: {name: registry.find(kind, name).title for name in registry.names(kind)} for kind in registry.FOLDERS
    }
    listed["dataset"] |= {name: f"your own, {named_datasets.file_of(name)}" for name in named_datasets.names()}
    width = max(len(name) for titles in listed.values() for name in titles)
    for kind, titles in listed.items():
        print(f"{kind}s")
        for name, title in titles.items():
            print(f"  {name:<{width}} {title}")


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
