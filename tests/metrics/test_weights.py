"""Pretrained weights: verified before use, fetched whole or not at all."""

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.image import _weights
from multibeta.metrics.image._weights import Weights, fetch, folder, locked, path_of

CONTENT = bytes(range(256)) * 5000  # more than one block


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder served on this machine, and its address."""
    served = tmp_path / "served"
    served.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served)) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield served, f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture
def toy(monkeypatch, tmp_path, server):
    """Weights named ``toy`` that the server has; where they would lie, and the file served."""
    served, address = server
    (served / "toy.pth").write_bytes(CONTENT)
    entry = Weights("Toy", "toy.pth", f"{address}/toy.pth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "MIT")
    monkeypatch.setattr(_weights, "locked", lambda: {"toy": entry})
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights" / "toy.pth", served / "toy.pth"


def test_the_lock_names_the_networks_the_metrics_are_reserved_for():
    assert locked()["inception"].sha256 == "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
    assert locked()["alexnet"].sha256 == "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"
    for entry in locked().values():
        assert entry.url.startswith("https://")
        assert entry.url.endswith(entry.file)
        assert entry.licence


def test_searched_in_the_named_folder_else_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.delenv("MULTIBETA_WEIGHTS")
    assert folder().parts[-3:] == (".cache", "multibeta", "weights")


def test_absent(toy):
    with pytest.raises(NotComputed, match=r"Toy weights absent \(expected sha256 .{8}…; `multibeta weights` fetches"):
        path_of("toy")


def test_fetched_and_found(toy):
    path, _ = toy
    assert fetch("toy") == path == path_of("toy")
    assert path.read_bytes() == CONTENT


def test_what_is_there_is_not_fetched_again(toy):
    path, served = toy
    fetch("toy")
    served.unlink()
    assert fetch("toy") == path


def test_altered_file_is_refused_then_fetched_again(toy):
    path, _ = toy
    fetch("toy")
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(NotComputed, match=r"Toy weights altered: toy.pth has sha256 .{8}…, expected .{8}…"):
        path_of("toy")
    fetch("toy")
    assert path_of("toy").read_bytes() == CONTENT


@pytest.mark.parametrize("served_bytes", [CONTENT[:-10], CONTENT + b"more", b"<html>moved</html>"])
def test_another_file_leaves_nothing_behind(toy, served_bytes):
    path, served = toy
    served.write_bytes(served_bytes)
    with pytest.raises(OSError, match=r"is not the expected one|served a web page"):
        fetch("toy")
    assert list(path.parent.iterdir()) == []


def test_unreachable_address_leaves_nothing_behind(toy):
    path, served = toy
    served.unlink()
    with pytest.raises(OSError, match="404"):
        fetch("toy")
    assert list(path.parent.iterdir()) == []
