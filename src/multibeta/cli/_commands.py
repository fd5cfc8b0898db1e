"""What the groups of commands share: how a command is added, the options several have, and exit statuses."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

Run = Callable[[argparse.Namespace], int | None]

#: Exit status of a training that stopped with a checkpoint: run the same command again to go on.
STOPPED = 75
#: As shells report a process that Ctrl-C has ended.
INTERRUPTED = 130


class Commands:
    """The commands of a parser, or the actions of one command."""

    def __init__(self, parser: argparse.ArgumentParser, title: str, prefix: str = "") -> None:
        self._prefix = prefix
        metavar = title.removesuffix("s").upper()
        self._parsers = parser.add_subparsers(title=title, required=True, metavar=metavar, help="what to do")

    def add(self, name: str, run: Run, text: str) -> argparse.ArgumentParser:
        """Add a command; ``text`` says what it does, as part of a sentence. Returns its parser, for its arguments."""
        parser = self.add_group(name, text)
        parser.set_defaults(command=run, name_of_command=f"{self._prefix}{name}")
        return parser

    def add_group(self, name: str, text: str) -> argparse.ArgumentParser:
        """Add a command that only has actions."""
        return self._parsers.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def add_cell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cell", type=Path, help="the folder `multibeta train` printed")


def add_study(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument("study", type=Path, help=f"results/<study>{more}")


def add_config(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument("config", type=Path, help=f"config.yaml or studies/<name>.yaml{more}")


def add_fingerprint(parser: argparse.ArgumentParser) -> None:
    planned = "of what the job was planned for, to refuse if the spec asks for something else by now"
    parser.add_argument("--fingerprint", metavar="HEX", help=planned)


def add_plugin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plugin", metavar="FILE", action="append", default=[], help="a plug-in file of your own")


def add_set(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=f"any other option {text}")


def add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all studies, default: results")


def number(what: str, allowed: Callable[[float], bool]) -> Callable[[str], float]:
    """The type of an argument that is a number; ``what`` names those that are allowed."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not allowed(value):
            raise argparse.ArgumentTypeError(f"{text!r}: must be {what}")
        return value

    return read


def count(most: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number from 1 on."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number ≥ 1, ≤ {most}")
        return int(text)

    return read
