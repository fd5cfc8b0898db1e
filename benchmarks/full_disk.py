"""A small study on a disk too small by any number of pages, files or bytes: what fails says so and loses nothing.

    sudo OMP_NUM_THREADS=1 python benchmarks/full_disk.py [--limit pages|files|bytes …] [--every] [--most N] [--step …]

Every step of the study is run alone, each time from what the steps before it wrote, under a limit that grows from
nothing until the step succeeds:

- pages: a tmpfs with so many pages of 4 KiB left. A tmpfs, as every disk, gives whole pages and no bytes.
- files: a tmpfs with so many inodes left.
- bytes: files of at most so many bytes (RLIMIT_FSIZE). Here a limit is met to the byte, by one file at a time: each
  file of the step fails at its last byte, unless a longer one comes before it.

Limits between two that stop the same file are left out, and of the bytes those at which no file ends, unless
``--every`` is given. Under each limit the step must end with status 1 and one line that names a file; every file on
the disk must have the content that it had before or has in an undisturbed run, and no other may be there. Then the
limit is lifted: the same command must end with the files of an undisturbed run. Exit status 1 at the first difference.
Needs the right to mount; the mounts are its own. The report tells the commit of the checkout, so nothing may be
changed there meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torture import STUDY, compare, files

from multibeta.cli import main as multibeta
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

PAGE = 4096
SIZES = {"pages": "size={}", "files": "nr_inodes={}"}
MESSAGES = {"pages": 28, "files": 28, "bytes": 27}
#: Imported before the steps are forked, which then need not.
HEAVY = ("torch", "sklearn.ensemble", "pandas", "scipy.stats", "seaborn", "matplotlib.pyplot", "tqdm")
STAGES = ("prepare", "train", "features", "measure", "references", "report", "draw", "evaluate", "encode")
#: Of a training that has not ended; these must be readable, no more.
UNDER_WAY = {"checkpoint.safetensors", "progress.json"}


@dataclass(frozen=True)
class Step:
    """One command, the files before it and after it, and how to make them."""

    name: str
    run: Callable[[Path], int]
    before: Path


def steps() -> Iterator[tuple[str, Callable[[Path], int]]]:
    """The commands of the study in their order, each given the results folder."""
    study = Study.parse(STUDY, "config.yaml")
    first, second = (cell.folder(Path()).path for cell in study.cells)
    data = Path(".data", study.cells[0].data_key)

    def specs(results: Path) -> int:
        try:
            write_specs(study, results)
        except OSError as error:
            print(f"specs: {error}", file=sys.stderr)
            return 1
        return 0

    def command(*words: str | Path) -> Callable[[Path], int]:
        return lambda results: multibeta([str(results / word) if isinstance(word, Path) else word for word in words])

    yield "specs", specs
    yield "prepare", command("prepare", data)
    yield "train", command("train", first)
    yield "features", command("features", data)
    yield "train", command("train", second, "--measure")
    yield "measure", command("measure", first)
    yield "measure", command("measure", second)
    yield "references", command("references", Path(study.name), "digits")
    yield "report", command("report", Path(study.name))


def forked(run: Callable[[Path], int], disk: Path, longest: int | None = None) -> tuple[int, str]:
    """Exit status and stderr of a step in a process of its own, whose files may have so many bytes."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        status = 99
        try:
            os.dup2(writing, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            if longest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))
            status = run(disk / "results")
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), told


@contextlib.contextmanager
def disk_with(before: Path, options: str, at: Path) -> Iterator[Path]:
    """A tmpfs at a folder with a copy of what lies in another."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], check=True)
    try:
        shutil.copytree(before, at, dirs_exist_ok=True)
        yield at
    finally:
        subprocess.run(["umount", at], check=True)


def used(folder: Path) -> dict[str, int]:
    """What a folder takes of a disk: pages, and inodes with that of its root."""
    below = list(folder.rglob("*"))
    return {
        "pages": sum(-(-path.stat().st_size // PAGE) for path in below if path.is_file()),
        "files": len(below) + 1,
    }


class Trial:
    """A step under limits of one kind."""

    def __init__(self, kind: str, step: Step, after: Path, whole: dict[str, bytes], at: Path) -> None:
        self.kind, self.step, self.at, self.whole, self.made = kind, step, at, whole, after / "results"
        self.before, self.after = files(step.before), files(after)
        self.base = used(step.before).get(kind, 0)
        self.stopped: dict[int, str] = {}

    def at_limit(self, room: int) -> str:
        """Run under a limit and check it: the file that did not fit, or nothing if all did."""
        if room not in self.stopped:
            self.stopped[room] = self._run(room)
        return self.stopped[room]

    def _run(self, room: int) -> str:
        limit = (self.base + room) * (PAGE if self.kind == "pages" else 1)
        options = SIZES.get(self.kind, "size=1g").format(limit)
        with disk_with(self.step.before, options, self.at) as disk:
            status, told = forked(self.step.run, disk, room if self.kind == "bytes" else None)
            if status == 0:
                wrong = compare(files(disk), self.after)
                self._expect(not wrong, room, *wrong)
                return ""
            lines = [line for line in told.splitlines() if "[Errno" in line or "Traceback" in line]
            asked = rf"{self.step.name}: \[Errno \d+\] .*: '{re.escape(str(disk))}/(.*)'"
            found = re.fullmatch(asked, lines[-1]) if lines else None
            self._expect(status == 1 and len(lines) == 1 and found is not None, room, f"status {status}", told)
            self._whole(disk, room)
            subprocess.run(["mount", "-o", "remount,size=1g,nr_inodes=100k", disk], check=True)
            status, told = forked(self.step.run, disk)
            self._expect(status == 0, room, "without the limit", told)
            wrong = compare(files(disk), self.after)
            self._expect(not wrong, room, "without the limit", *wrong)
        assert found is not None
        return found[1]

    def _whole(self, disk: Path, room: int) -> None:
        """Every file is as before or as undisturbed, and none is gone."""
        there = files(disk)
        for name, content in there.items():
            contents = [each[name] for each in (self.before, self.after, self.whole) if name in each]
            self._expect(content in contents or Path(name).name in UNDER_WAY, room, f"left there: {name}")
        gone = {name for name in self.before.keys() - there.keys() if ".measured" not in name}
        self._expect(not gone, room, f"gone: {sorted(gone)}")

    def _expect(self, holds: bool, room: int, *why: str) -> None:
        if not holds:
            sys.exit("\n".join([f"{self.step.name}, {room} {self.kind} left:", *why]))

    def search(self, low: int, high: int) -> None:
        """Try the limits between two, but for those between two that stop the same file."""
        if high - low > 1 and self.at_limit(low) != self.at_limit(high):
            middle = (low + high) // 2
            self.search(low, middle)
            self.search(middle, high)

    def try_all(self, every: bool, most: int | None) -> None:
        """Limits from nothing to enough: all, so many evenly spaced, or those at which another file is stopped."""
        if self.kind == "bytes":
            grown = [path for path in self.after if self.after[path] != self.before.get(path)]
            sizes = {(self.made / name).stat().st_size for name in grown}
            rooms = range(max(sizes, default=0)) if every else sorted({0} | {size - 1 for size in sizes if size})
            for room in rooms[:: max(1, len(rooms) // (most or len(rooms)))]:
                self.at_limit(room)
            return
        low = 1 if self.base == 0 else 0  # a tmpfs takes 0 for no limit
        enough = 8
        while self.at_limit(enough):
            enough *= 2
        if every or most:
            for room in range(low, enough, max(1, (enough - low) // (most or enough))):
                if not self.at_limit(room):
                    break
        else:
            self.search(low, enough)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", nargs="+", choices=list(MESSAGES), default=list(MESSAGES))
    parser.add_argument("--every", action="store_true", help="no limit is left out")
    parser.add_argument("--most", type=int, help="about so many limits of each kind and step, evenly spaced")
    parser.add_argument("--step", nargs="+", type=int, help="numbers of steps, from 0; default: all")
    asked = parser.parse_args()
    if os.environ.get("MULTIBETA_OWN_MOUNTS") != "1":
        if os.geteuid():
            parser.exit(1, "mounting a small disk needs root\n")
        os.execvpe(
            "unshare", ["unshare", "--mount", sys.executable, *sys.argv], os.environ | {"MULTIBETA_OWN_MOUNTS": "1"}
        )
    for module in (*HEAVY, *(f"multibeta.stages.{stage}" for stage in STAGES)):
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as scratch:
        made = [Path(scratch) / "undisturbed0"]
        (made[0] / "results").mkdir(parents=True)
        (at := Path(scratch) / "disk").mkdir()
        runs = list(steps())
        for number, (name, run) in enumerate(runs, 1):
            # All at one path, which the report tells.
            with disk_with(made[-1], "size=1g", at) as disk:
                status, told = forked(run, disk)
                if status:
                    sys.exit(f"{name}: {told}")
                made.append(Path(scratch) / f"undisturbed{number}")
                shutil.copytree(disk, made[-1])
        whole = files(made[-1])
        for number in asked.step or range(len(runs)):
            for kind in asked.limit:
                trial = Trial(kind, Step(*runs[number], made[number]), made[number + 1], whole, at)
                trial.try_all(asked.every, asked.most)
                failed = [name for name in trial.stopped.values() if name]
                most = max((room for room, name in trial.stopped.items() if name), default=0)
                print(
                    f"{runs[number][0]}: {len(failed)} limits in {kind} up to {most}, at {len(set(failed))} files",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
