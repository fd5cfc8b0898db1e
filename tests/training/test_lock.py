"""The lock of a run excludes the living and ignores the dead."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from multibeta.training import lock
from multibeta.training.lock import is_held, run_lock


def holder_of(pid, host=None):
    return json.dumps({"pid": pid, "host": host or socket.gethostname()})


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
    for start in ("lock", "lock.stale"):
        (tmp_path / f"{start}.{socket.gethostname()}.{dead_pid()}").write_text(holder_of(1))
    living = tmp_path / f"lock.{socket.gethostname()}.{os.getppid()}"
    elsewhere = tmp_path / "lock.another-host.1"
    for kept in (living, elsewhere):
        kept.write_text(holder_of(1))
    with run_lock(tmp_path):
        pass
    assert set(tmp_path.iterdir()) == {living, elsewhere}


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
