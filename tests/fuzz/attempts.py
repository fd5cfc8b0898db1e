"""Runs a command on data that was tampered with, and holds it to what is promised of every command.

Either it succeeds, for not every change does harm, or it ends with exit status 1 or 2 and one line: bounded, without
anything that would alter a terminal, and naming what is wrong. Then no file has changed. Never is code of the data run,
and neither memory nor time is taken as the data says.
"""

import contextlib
import io
import os
import resource
import signal
import warnings

from multibeta import registry
from multibeta.cli import main

#: Characters of a message; a path or two and a sentence.
LONGEST = 1500
#: Bytes beyond those that the process has when the attempt begins.
MEMORY = 3 << 30
SECONDS = 60
#: What may be drawn for a bar of progress, or say that a state is not gone on from.
TOLD = ("step/s", "training this run from its start", "another process works here")


class TooLong(BaseException):
    """Not an Exception, which a command might take for one of its own."""


class Playground:
    """A folder whose files can be tampered with for the time of a block, and are then as they were."""

    def __init__(self, path):
        self.path = path
        self.canary = path.parent / "canary"
        self.kept = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
        self.folders = {folder for folder in path.rglob("*") if folder.is_dir()}

    def original(self, name):
        return self.kept[self.path / name]

    @contextlib.contextmanager
    def holding(self, **changes):
        """Files by path below the folder with other content, bytes, or None for none."""
        try:
            for name, content in changes.items():
                place = self.path / name
                if content is None:
                    place.unlink()
                else:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
            yield
        finally:
            self.restore()

    def restore(self):
        for place in sorted(self.path.rglob("*"), reverse=True):
            if place.is_dir() and not place.is_symlink():
                if place not in self.folders:
                    place.rmdir()
            elif place not in self.kept:
                place.unlink()
        for file, content in self.kept.items():
            if not file.is_file() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def attempt(self, *command, names=(), writes=False):
        """Exit status and what was said; ``names`` are words of which a failure says one.

        Args:
            writes: whether a command that succeeds may change files.
        """
        before = stamps(self.path)
        said, printed = io.StringIO(), io.StringIO()
        outside = dict(registry._outside)
        try:
            with limits(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
                warnings.simplefilter("ignore")
                try:
                    status = main(list(map(str, command)))
                except SystemExit as end:
                    status = end.code
        finally:
            registry._outside.clear()
            registry._outside.update(outside)
        assert not self.canary.exists(), "code of the data was run"
        text, output = said.getvalue(), printed.getvalue()
        assert status in (0, 1, 2), (status, text)
        assert all(line.isprintable() for line in output.split("\n")), output
        if status == 0 and writes:
            return status, text
        assert stamps(self.path) == before, changed(before, stamps(self.path))
        if status and not (output and not text):  # such as numbers that have moved, which is an answer
            require_one_line(text, names)
        return status, text


def require_one_line(text, names=()):
    lines = [line for line in text.split("\n") if line and not any(told in line for told in TOLD)]
    assert len(lines) == 1, text
    (line,) = lines
    assert line.isprintable(), ascii(line)
    assert len(line) <= LONGEST, line
    assert not names or any(name in line for name in names), (line, names)


@contextlib.contextmanager
def limits():
    """Bounded memory and time, but for what the process holds already."""

    def late(*_):
        raise TooLong

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    held = int(open("/proc/self/statm", encoding="ascii").read().split()[0]) * os.sysconf("SC_PAGESIZE")  # noqa: SIM115
    before = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


def stamps(folder):
    """Content by path of all files, and the links; no logs and no locks."""
    found = {path for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    kept = {path for path in found if path.suffix != ".log" and path.name.split(".")[0] != "lock"}
    return {path: (path.is_symlink(), None if path.is_symlink() else path.read_bytes()) for path in kept}


def changed(before, after):
    return sorted(str(path) for path in {*before, *after} if before.get(path) != after.get(path))
