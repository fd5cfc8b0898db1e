"""One process per run or cell at a time: a lock file with pid, host and heartbeat, which the dead do not keep."""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from multibeta.files import naming
from multibeta.records import HolderRecord

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 90.0
#: Two beats and a half: even a lock that is old by the clock is watched, since a clock set forward makes each look old.
OLD_WATCH_SECONDS = 25.0
POLL_SECONDS = 1.0
#: A file of the moment in which a lock is taken that is as old has no living owner, on whichever machine.
FORSAKEN_SECONDS = 3600.0


class LockLost(Exception):
    """Another process has taken the holder of a lock for dead, as one that was suspended, and may work in its place."""


def unlocked() -> None:
    """What is called before anything is written where no lock is held: nobody else works there."""


class RunLock:
    """The lock of a run's or a cell's folder.

    A holder among the processes that we see is dead when its process is gone. Any holder is dead when its heart has
    stood still while we watched: for 90 s, or for 25 s if its last beat is more than 90 s ago by the clock. No clock
    alone says who is dead: it may have been set.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path, self._guard = folder / "lock", folder / "lock.breaking"
        self._content = json.dumps({"pid": os.getpid(), **_here()})
        self._watch, self._guard_watch = _Watch(self._path), _Watch(self._guard)
        self._asked = -math.inf
        self._told = False

    def take(self) -> bool:
        """Take the lock if no living process holds it; asked more often than every second, it looks no more often.

        Raises:
            OSError: the folder cannot be written.
        """
        if time.monotonic() - self._asked < POLL_SECONDS:
            return False
        self._asked = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        while not _take(self._path, self._content):
            stale = _stale_content(self._path, self._watch.stands_still())
            if stale is not None and self._break(stale):
                continue
            if not self._told:
                print(f"{self.folder}: another process works here; waiting for it", file=sys.stderr, flush=True)
                self._told = True
            return False
        _remove_forsaken(self.folder)
        return True

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Keep the heart of the lock that was taken beating, and release it in the end.

        Yields:
            What raises `LockLost` if the lock is no longer ours; called before anything is written.
        """
        stop = threading.Event()
        heart = threading.Thread(target=self._beat, args=(stop,), daemon=True)
        heart.start()
        try:
            yield self._require_ours
        finally:
            stop.set()
            heart.join()
            if self._is_ours():
                self._path.unlink(missing_ok=True)

    def _break(self, stale: str) -> bool:
        """Remove the lock of a dead holder; False while another process does. One at a time, so that nobody removes the
        lock of who came next."""
        if not _take(self._guard, self._content):
            if _stale_content(self._guard, self._guard_watch.stands_still()) is not None:
                self._guard.unlink(missing_ok=True)
            return False
        try:
            with suppress(FileNotFoundError):
                if _read(self._path) == stale:
                    self._path.unlink()
        finally:
            self._guard.unlink(missing_ok=True)
        return True

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):  # the disk of a network may be away for a moment
                if self._is_ours():
                    os.utime(self._path)

    def _is_ours(self) -> bool:
        try:
            return _read(self._path) == self._content
        except FileNotFoundError:
            return False

    def _require_ours(self) -> None:
        if not self._is_ours():
            raise LockLost(f"{self.folder}: its lock was taken over while this process stood still; nothing is written")


@contextmanager
def run_lock(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[Callable[[], None]]:
    """Hold a `RunLock`, waiting while another living process holds it.

    Args:
        on_wait: called every second while waiting; what it raises ends the wait.

    Raises:
        OSError: the folder cannot be written.
    """
    lock = RunLock(folder)
    while not lock.take():
        on_wait()
        time.sleep(POLL_SECONDS)
    with lock.held() as require_ours:
        yield require_ours


class _Watch:
    """How long a lock's heart has stood still, by a clock that nobody sets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: tuple[int, int] | None = None
        self.since = time.monotonic()

    def stands_still(self) -> bool:
        """Has the same lock not been touched for 90 s of watching, or for 25 s if it was old already?"""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False
        if (now := (status.st_ino, status.st_mtime_ns)) != self.seen:
            self.seen, self.since = now, time.monotonic()
        old = time.time() - status.st_mtime > STALE_SECONDS
        return time.monotonic() - self.since > (OLD_WATCH_SECONDS if old else STALE_SECONDS)


def is_held(folder: Path) -> dict[str, Any] | None:
    """The holder of a folder's lock, ``pid`` and ``host``, if it seems alive: its last beat is no more than 90 s ago.

    Takes and breaks nothing, and does not wait to be sure.
    """
    path = folder / "lock"
    try:
        holder = _holder(_read(path))
        old = time.time() - path.stat().st_mtime > STALE_SECONDS
        return holder if _stale_content(path, old) is None else None
    except (OSError, ValueError):
        return None


def _take(path: Path, content: str) -> bool:
    """Create the lock whole, or learn that it exists: a link either appears with its content or fails."""
    own = path.with_name(f"{_own_prefix()}{os.getpid()}")
    try:
        with naming(path):
            own.write_text(content, encoding="utf-8")
            os.link(own, path)
    except FileExistsError:
        return False
    finally:
        own.unlink(missing_ok=True)
    return True


def _here() -> dict[str, str]:
    """What processes that see each other have in common: containers and cloned machines may share a host name."""
    found = {"host": socket.gethostname(), "boot": "", "namespace": ""}
    with suppress(OSError):
        found["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        found["namespace"] = os.readlink("/proc/self/ns/pid")
    return found


def _own_prefix() -> str:
    """How the names of files start that a process has for a moment while it takes a lock; its number follows."""
    here = _here()
    place = hashlib.sha256(f"{here['boot']} {here['namespace']}".encode()).hexdigest()[:8]
    return f"lock.{here['host']}.{place}."


def _stale_content(path: Path, stands_still: bool) -> str | None:
    """What a dead holder wrote into the lock, or None if the holder lives or the lock is gone."""
    try:
        content = _read(path)
    except FileNotFoundError:
        return None
    holder = _holder(content)
    dead = holder is not None and _here().items() <= holder.items() and not _alive(holder["pid"])
    return content if dead or stands_still else None


def _read(path: Path) -> str:
    """A lock as it lies there; after a power failure there may be nothing in it, or anything."""
    return path.read_text(encoding="utf-8", errors="replace")


def _holder(content: str) -> dict[str, Any] | None:
    """Who wrote this into a lock; None if nobody can tell, and then only its heart says whether he lives."""
    try:
        return HolderRecord.model_validate_json(content).model_dump()
    except ValueError:
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A killed process that its parent has not waited for yet still has a pid.
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def _remove_forsaken(folder: Path) -> None:
    """Remove what processes left that were killed while they took or broke the lock."""
    prefix = _own_prefix()
    for left in folder.glob("lock.*"):
        pid = left.name.removeprefix(prefix)
        with suppress(FileNotFoundError):
            if (pid.isdecimal() and not _alive(int(pid))) or time.time() - left.stat().st_mtime > FORSAKEN_SECONDS:
                left.unlink()
