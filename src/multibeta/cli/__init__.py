"""The command line: arguments in, exit status out; an expected failure is one line.

A file for each group of commands, with their arguments. Each imports the stage it calls only when it is called.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from multibeta.cli import cells, installed, reporting, trusting, watching
from multibeta.cli._commands import INTERRUPTED, Commands, Run
from multibeta.plain import in_one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong usage, 75 stopped, 130 interrupted."""
    from multibeta.config_errors import ConfigError
    from multibeta.registry import PlugInError

    options = parser().parse_args(arguments)
    options.typed = sys.argv[1:] if arguments is None else arguments
    command: Run = options.command
    try:
        status = command(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read it, such as `head`, has read enough; Python writes what is left once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ConfigError, PlugInError) as error:
        print(in_one_line(str(error)), file=sys.stderr)
    except (OSError, RuntimeError, ValueError) as error:
        print(in_one_line(f"{options.name_of_command}: {error}"), file=sys.stderr)
    except MemoryError as error:
        print(in_one_line(f"{options.name_of_command}: not enough memory: {error}"), file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


def parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    whole = argparse.ArgumentParser(
        prog="multibeta",
        description="Train β-VAEs and their relatives, measure what each β buys, and report it. "
        "`snakemake --cores 2` runs these commands for a whole study; by hand they do the same for one model.",
        epilog="Example: multibeta train --dataset mnist --variant beta_vae --beta 2 --epochs 10, then "
        "multibeta evaluate and multibeta draw on the folder it prints.",
    )
    commands = Commands(whole, "commands")
    for group in (cells, watching, reporting, trusting, installed):
        group.add_to(commands)
    return whole
