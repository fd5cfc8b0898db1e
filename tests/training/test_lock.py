"""The lock of a run excludes the living and ignores the dead."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

from multibeta.training import lock
from multibeta.training.lock import run_lock


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


def test_a_lock_of_a_dead_process_is_taken_at_once(tmp_path):
    (tmp_path / "lock").write_text(holder_of(dead_pid()))
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_a_lock_elsewhere_is_dead_when_its_heart_has_stopped(tmp_path):
    path = tmp_path / "lock"
    path.write_text(holder_of(1, "another-host"))
    long_ago = time.time() - lock.STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    with run_lock(tmp_path):
        assert json.loads(path.read_text())["host"] == socket.gethostname()


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
