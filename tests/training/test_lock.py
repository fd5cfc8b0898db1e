"""The lock of a run excludes the living and ignores the dead."""

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from multibeta.training import lock
from multibeta.training.lock import LockLost, RunLock, is_held, run_lock


def holder_of(pid, host=None):
    return json.dumps({"pid": pid, **lock._here(), **({} if host is None else {"host": host})})


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_is_gone_when_the_block_ends(tmp_path):
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_was_lost_to_another_process_is_left_to_it(tmp_path):
    with run_lock(tmp_path):
        (tmp_path / "lock").write_text(holder_of(1, "another-host"))
    assert (tmp_path / "lock").read_text() == holder_of(1, "another-host")


def test_a_lock_of_a_dead_process_is_taken_at_once(tmp_path):
    (tmp_path / "lock").write_text(holder_of(dead_pid()))
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_an_old_lock_elsewhere_is_taken_when_its_heart_stands_still_for_two_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(lock, "OLD_WATCH_SECONDS", 0.3)
    path = tmp_path / "lock"
    path.write_text(holder_of(1, "another-host"))
    long_ago = time.time() - lock.STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    started = time.monotonic()
    with run_lock(tmp_path):
        assert json.loads(path.read_text())["host"] == socket.gethostname()
    assert 0.3 < time.monotonic() - started < 5


def test_a_living_holder_is_waited_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    (tmp_path / "lock").write_text(holder_of(os.getppid()))
    threading.Timer(0.2, (tmp_path / "lock").unlink).start()
    started = time.monotonic()
    with run_lock(tmp_path):
        assert time.monotonic() - started > 0.15
    assert "another process works here; waiting" in capsys.readouterr().err


def test_the_heart_beats_while_the_lock_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.02)
    with run_lock(tmp_path):
        os.utime(tmp_path / "lock", (0, 0))
        time.sleep(0.3)
        assert (tmp_path / "lock").stat().st_mtime > 1e9


def test_what_a_process_killed_while_it_took_the_lock_left_is_removed(tmp_path):
    forsaken, old = tmp_path / f"{lock._own_prefix()}{dead_pid()}", tmp_path / "lock.another-host.2"
    living, elsewhere = tmp_path / f"{lock._own_prefix()}{os.getppid()}", tmp_path / "lock.another-host.1"
    for path in (forsaken, old, living, elsewhere):
        path.write_text(holder_of(1))
    os.utime(old, (0, 0))
    with run_lock(tmp_path):
        pass
    assert set(tmp_path.iterdir()) == {living, elsewhere}


@pytest.mark.parametrize("other", ["boot", "namespace"])
def test_a_process_that_is_not_seen_here_is_not_taken_for_dead(tmp_path, monkeypatch, other):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    (tmp_path / "lock").write_text(json.dumps({**json.loads(holder_of(dead_pid())), other: "of a container"}))
    threading.Timer(0.3, (tmp_path / "lock").unlink).start()
    started = time.monotonic()
    with run_lock(tmp_path):
        assert time.monotonic() - started > 0.25


def test_who_has_lost_the_lock_is_told_and_leaves_it(tmp_path):
    with run_lock(tmp_path) as require_ours:
        require_ours()
        (tmp_path / "lock").write_text(holder_of(1, "another-host"))
        with pytest.raises(LockLost, match="taken over"):
            require_ours()
    assert (tmp_path / "lock").exists()


def test_the_heart_goes_on_after_a_hiccup_of_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.02)
    real, calls = os.utime, []

    def sometimes(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(errno.ESTALE, "stale")
        real(*arguments)

    monkeypatch.setattr(os, "utime", sometimes)
    with run_lock(tmp_path):
        time.sleep(0.3)
    assert len(calls) > 2


def slowly(real):
    """As on the disk of a network."""

    def slow(*arguments, **named):
        time.sleep(0.002)
        return real(*arguments, **named)

    return slow


def test_of_many_who_break_a_dead_lock_one_holds_it_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.001)
    for name in ("unlink", "read_text"):
        monkeypatch.setattr(Path, name, slowly(getattr(Path, name)))
    inside, most, failures = [], [], []

    def hold(number):
        taker = RunLock(tmp_path)
        taker._content = taker._content.replace("{", f'{{"thread": {number}, ', 1)
        monkeypatch.setattr(lock, "_own_prefix", lambda: f"lock.{threading.get_ident()}.")
        try:
            while not taker.take():
                time.sleep(0.001)
            with taker.held():
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.01)
                inside.remove(number)
        except OSError as error:
            failures.append(error)

    for _ in range(20):
        (tmp_path / "lock").write_text(holder_of(dead_pid()))
        threads = [threading.Thread(target=hold, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(most) == {1}


def test_a_dead_lock_elsewhere_is_taken_although_the_clock_was_set_back(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.2)
    path = tmp_path / "lock"
    path.write_text(holder_of(1, "the-old-name-of-this-host"))
    tomorrow = time.time() + 86400
    os.utime(path, (tomorrow, tomorrow))
    started = time.monotonic()
    with run_lock(tmp_path):
        assert 0.2 < time.monotonic() - started < 5


@pytest.mark.parametrize("days", [1, -1], ids=["back", "forward"])
@pytest.mark.parametrize("holder", [holder_of(1, "another-host"), holder_of(os.getppid())], ids=["elsewhere", "here"])
def test_a_living_lock_is_waited_for_although_the_clock_was_set(tmp_path, monkeypatch, days, holder):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.5)
    monkeypatch.setattr(lock, "OLD_WATCH_SECONDS", 0.5)
    path = tmp_path / "lock"
    path.write_text(holder)
    then = time.time() + 86400 * days
    os.utime(path, (then, then))
    ended = threading.Event()

    def live():
        for beat in range(20):
            os.utime(path, (then + beat, then + beat))
            time.sleep(0.05)
        ended.set()
        path.unlink()

    threading.Thread(target=live).start()
    with run_lock(tmp_path):
        assert ended.is_set()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"pid": "x", "host": 1}'])
def test_a_lock_that_nobody_can_read_is_taken_when_its_heart_stands_still(tmp_path, monkeypatch, content):
    path = tmp_path / "lock"
    path.write_bytes(content)
    assert is_held(tmp_path) is None
    monkeypatch.setattr(lock._Watch, "stands_still", lambda self: True)
    with run_lock(tmp_path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.exists()
