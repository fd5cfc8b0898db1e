"""One process per run or cell at a time: a lock file with pid, host and heartbeat, which the dead do not keep."""

from __future__ import annotations

import glob
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from multibeta.records import HolderRecord
from multibeta.results import naming

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 90.0
#: Two beats and a half: even a lock that is old by the clock is watched, since a clock set forward makes each look old.
OLD_WATCH_SECONDS = 25.0
POLL_SECONDS = 1.0


@contextmanager
def run_lock(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a run's or a cell's folder, waiting while another living process holds it.

    A holder on this machine is dead when its process is gone. Any holder is dead when its heart has stood still while
    we watched: for 90 s, or for 25 s if its last beat is more than 90 s ago by the clock. No clock alone says who is
    dead: it may have been set.

    Args:
        on_wait: called every second while waiting; what it raises ends the wait.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lock"
    told = False
    watch = _Watch(path)
    while not _take(path):
        if (stale := _stale_content(path, watch.stands_still())) is not None:
            _break(path, stale)
            continue
        if not told:
            print(f"{folder}: another process works here; waiting for it", file=sys.stderr, flush=True)
            told = True
        on_wait()
        time.sleep(POLL_SECONDS)
    _remove_forsaken(folder)
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, stop), daemon=True)
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()
        _release(path)


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


def _take(path: Path) -> bool:
    """Create the lock whole, or learn that it exists: a link either appears with its content or fails."""
    own = path.with_name(f"lock.{socket.gethostname()}.{os.getpid()}")
    try:
        with naming(path):
            own.write_text(_content(), encoding="utf-8")
            os.link(own, path)
    except FileExistsError:
        return False
    finally:
        own.unlink(missing_ok=True)
    return True


def _content() -> str:
    """What this process writes into its locks."""
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname()})


def _release(path: Path) -> None:
    """Remove our lock, unless another process has taken it for dead, as that of a machine asleep, and holds it now."""
    with suppress(FileNotFoundError):
        if _read(path) == _content():
            path.unlink()


def _stale_content(path: Path, stands_still: bool) -> str | None:
    """What a dead holder wrote into the lock, or None if the holder lives or the lock is gone."""
    try:
        content = _read(path)
    except FileNotFoundError:
        return None
    holder = _holder(content)
    dead = holder is not None and holder["host"] == socket.gethostname() and not _alive(holder["pid"])
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


def _break(path: Path, content: str) -> None:
    """Remove a stale lock; of several processes that try at once, one succeeds and the others try to take it anew."""
    doomed = path.with_name(f"lock.stale.{socket.gethostname()}.{os.getpid()}")
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    if _read(doomed) != content:
        os.link(doomed, path)  # Another process broke it first and holds it now.
    doomed.unlink()


def _remove_forsaken(folder: Path) -> None:
    """Remove what processes of this machine left that were killed while they took or broke the lock."""
    for start in ("lock", "lock.stale"):
        prefix = f"{start}.{socket.gethostname()}."
        for left in folder.glob(glob.escape(prefix) + "*"):
            pid = left.name.removeprefix(prefix)
            if pid.isdecimal() and not _alive(int(pid)):
                left.unlink(missing_ok=True)


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            os.utime(path)
        except FileNotFoundError:
            return
