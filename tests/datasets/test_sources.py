"""Where files come from, in order, and every way in which that goes wrong."""

import fcntl
import gzip
import hashlib
import http.server
import resource
import threading
import time
from contextlib import contextmanager

import pytest

from multibeta import download as _download
from multibeta.datasets import DataError, DatasetSource, File
from multibeta.datasets._sources import default_cache, find_problem, locate

CONTENT = b"exact bytes " * 1000
PACKED = gzip.compress(CONTENT, mtime=0)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = hashlib.sha1(b"blob 12000\0" + CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


#: Whole answers of servers that mean harm or are broken.
SAID = {
    "no-number": f"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{CONTENT.decode()}",
    "below-zero": f"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{CONTENT.decode()}",
    "nowhere": "HTTP/1.1 302 Found\r\nLocation: http://[x/\r\nContent-Length: 0\r\n\r\n",
    "local-file": "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "circle": "HTTP/1.1 302 Found\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n",
    "control": "HTTP/1.1 404 a\x1b[31mb\x00c\rd\r\nContent-Length: 0\r\n\r\n",
    "no-http": "no HTTP " * 5_000,
    "marked-page": "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n\xef\xbb\xbf<!DOCTYPE html>",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one behaviour under each path and counts the requests."""

    def do_GET(self):
        self.server.requests.append(self.path)
        self.server.ranges.append(self.headers.get("Range"))
        behaviour = self.path.strip("/").split("/")[0]
        if behaviour == "missing":
            self.send_error(404)
            return
        if behaviour == "mirror" and not self.path.endswith("/toy/a.bin"):
            self.send_error(404)
            return
        if behaviour == "busy" and self.server.requests.count(self.path) < 3:
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        if behaviour in SAID:
            self.wfile.write(SAID[behaviour].encode("latin-1"))
            return
        if behaviour == "portal" and self.headers.get("Range"):
            behaviour = "page"
        if behaviour in ("parts", "stale"):
            self.serve_parts(behaviour)
            return
        if behaviour in ("page", "plain-page"):
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if behaviour == "page" else "application/octet-stream")
            self.end_headers()
            self.wfile.write(b"\n<!DOCTYPE html><html>Quota exceeded</html>")
            return
        body = {"altered": CONTENT.replace(b"exact", b"other"), "short": CONTENT[:-1], "packed": PACKED}
        sent = body.get(behaviour, CONTENT)
        self.send_response(200)
        if behaviour != "unsized":
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if behaviour in ("dropped", "portal"):
            self.wfile.write(sent[:5000])
        elif behaviour == "stalled":
            self.wfile.write(sent[:5000])
            self.wfile.flush()
            time.sleep(1)
        else:
            self.wfile.write(sent)

    def serve_parts(self, behaviour):
        """4,000 bytes a connection, going on where it is asked to; ``stale`` begins with what is another file."""
        content = (
            CONTENT.replace(b"exact", b"other") if behaviour == "stale" and len(self.server.requests) < 3 else CONTENT
        )
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + 4000])

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def running_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.ranges = [], []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(running_server):
    running_server.requests.clear()
    running_server.ranges.clear()
    return running_server


@pytest.fixture
def source(server):
    """A source of one file, served with the given behaviour."""

    def make(behaviour="good", **changes):
        file = {"name": "a.bin", "url": f"http://127.0.0.1:{server.server_port}/{behaviour}", "sha256": SHA256}

        class Toy(DatasetSource):
            title, licence, source = "Toy data", "CC0-1.0", "made here"
            files = (File(**{**file, **changes}),)

        Toy.name = "toy"
        return Toy()

    return make


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(_download, "WAIT", 0.001)


@pytest.fixture
def mirror(tmp_path):
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    return tmp_path / "mirror"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def leftovers(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_mirror_comes_first_and_nothing_is_downloaded(source, server, mirror, cache):
    (mirror / "toy" / "a.bin").write_bytes(CONTENT)
    assert locate(source(), mirror, cache) == {"a.bin": mirror / "toy" / "a.bin"}
    assert not server.requests
    assert not cache.exists()


def test_a_mirror_may_lie_at_home(source, mirror, cache, monkeypatch):
    (mirror / "toy" / "a.bin").write_bytes(CONTENT)
    monkeypatch.setenv("HOME", str(mirror.parent))
    assert locate(source(), "~/mirror", cache) == {"a.bin": mirror / "toy" / "a.bin"}


@pytest.mark.parametrize("behaviour", ["good", "unsized"])
def test_a_download_lands_in_the_cache_and_is_made_once(source, server, mirror, cache, behaviour):
    for _ in range(2):
        found = locate(source(behaviour), mirror, cache)
        assert found == {"a.bin": cache / "toy" / "a.bin"}
        assert found["a.bin"].read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert leftovers(cache) == ["a.bin"]


def test_a_gzipped_file_is_known_by_its_content(source, mirror, cache):
    for path, level in ((mirror / "toy" / "a.bin", 1), (mirror / "toy" / "b.bin", 9)):
        path.write_bytes(gzip.compress(CONTENT, level, mtime=0))
        assert locate(source(name=path.name, gzip=True), mirror, cache)[path.name] == path
    assert locate(source("packed", gzip=True), None, cache)["a.bin"].read_bytes() == PACKED


def test_a_file_of_a_git_repository_is_known_by_its_blob(source, cache):
    assert locate(source(sha256="", git_blob=GIT_BLOB), None, cache)
    with pytest.raises(DataError, match=f"git-blob hash is .*, expected {GIT_BLOB}"):
        locate(source("altered", sha256="", git_blob=GIT_BLOB), None, cache / "other")


def test_a_file_of_which_only_an_md5_is_published_is_known_by_it(source, cache):
    assert locate(source(sha256="", md5=MD5), None, cache)
    with pytest.raises(DataError, match=f"md5 hash is .*, expected {MD5}"):
        locate(source("altered", sha256="", md5=MD5), None, cache / "other")


def test_further_addresses_are_tried_in_order(source, server, cache):
    at = f"http://127.0.0.1:{server.server_port}"
    found = locate(source("missing", mirrors=(f"{at}/altered", f"{at}/good", f"{at}/unsized")), None, cache)
    assert found["a.bin"].read_bytes() == CONTENT
    assert server.requests == ["/missing", "/altered", "/good"]
    assert leftovers(cache) == ["a.bin"]


def test_of_several_addresses_each_says_why_it_failed(source, server, cache):
    at = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(
        DataError, match=r"/missing answered 404 .*; .*/short served a file that is truncated"
    ) as failure:
        locate(source("missing", mirrors=(f"{at}/short",)), None, cache)
    assert "\n" not in str(failure.value)


def test_a_file_of_another_dataset_lies_in_its_folder(source, server, mirror, cache):
    (mirror / "other").mkdir()
    (mirror / "other" / "a.bin").write_bytes(CONTENT)
    assert locate(source(of="other"), mirror, cache) == {"a.bin": mirror / "other" / "a.bin"}
    assert locate(source(of="other"), None, cache) == {"a.bin": cache / "other" / "a.bin"}


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT.replace(b"exact", b"other"), b""])
def test_a_wrong_file_in_the_mirror_is_an_error_and_not_replaced(source, server, mirror, cache, content):
    (mirror / "toy" / "a.bin").write_bytes(content)
    with pytest.raises(DataError, match=f"truncated or altered: sha256 hash is .*, expected {SHA256}; delete it"):
        locate(source(), mirror, cache)
    assert not server.requests


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PACKED[:-20], "truncated: its gzip stream ends too early"),
        (b"not gzip", "altered: it is no valid gzip file"),
        (PACKED[:30] + b"????" + PACKED[34:], "altered"),
        (gzip.compress(b"other", mtime=0), "hash of the decompressed content is"),
    ],
)
def test_a_broken_gzip_file_is_an_error(source, mirror, cache, content, message):
    (mirror / "toy" / "a.bin").write_bytes(content)
    with pytest.raises(DataError, match=message):
        locate(source(gzip=True), mirror, cache)


def test_a_wrong_file_in_the_cache_is_downloaded_anew(source, server, cache):
    (cache / "toy").mkdir(parents=True)
    (cache / "toy" / "a.bin").write_bytes(CONTENT[:100])
    assert locate(source(), None, cache)["a.bin"].read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("missing", "answered 404"),
        ("short", "served a file that is truncated or altered"),
        ("altered", "served a file that is truncated or altered"),
        ("page", r"served a web page \(HTML\) in place of the file"),
        ("plain-page", r"served a web page \(HTML\) in place of the file"),
    ],
)
def test_a_failed_download_says_why_in_one_line_and_leaves_nothing(source, mirror, cache, behaviour, message):
    with pytest.raises(DataError, match=message) as failure:
        locate(source(behaviour), mirror, cache, timeout=0.2)
    text = str(failure.value)
    assert "\n" not in text
    for part in ("toy needs a.bin", str(mirror / "toy"), str(cache / "toy"), f"/{behaviour}", "MULTIBETA_MIRROR"):
        assert part in text
    assert leftovers(cache) == []


@pytest.mark.parametrize("behaviour", ["no-number", "below-zero"])
def test_a_length_that_is_no_number_is_none(source, cache, behaviour):
    assert locate(source(behaviour), None, cache)["a.bin"].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("nowhere", "could not be downloaded .Invalid IPv6 URL"),
        ("local-file", "file:///etc/passwd' is not allowed"),
        ("circle", "infinite loop. The last"),
        ("control", r"answered 404 a \[31mb c d;"),
        ("no-http", r"could not be downloaded \(no HTTP"),
        ("marked-page", "served a web page"),
    ],
)
def test_what_a_hostile_server_says_is_one_short_line(source, server, cache, behaviour, message):
    with pytest.raises(DataError, match=message) as failure:
        locate(source(behaviour), None, cache)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 1000
    assert leftovers(cache) == []
    good = f"http://127.0.0.1:{server.server_port}/good"
    assert locate(source(behaviour, mirrors=(good,)), None, cache)["a.bin"].read_bytes() == CONTENT


def test_a_page_in_place_of_the_rest_does_not_cost_what_has_come(source, cache):
    with pytest.raises(DataError, match=r"served a web page.*the 5.0 kB that came are kept"):
        locate(source("portal"), None, cache)
    assert (cache / "toy" / ".a.bin.part").read_bytes() == CONTENT[:5000]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [("dropped", "broke off after 5000 of 12000 bytes"), ("stalled", "stalled for 0.1 seconds after 5000 bytes")],
)
def test_what_came_before_a_connection_was_lost_is_kept(source, server, cache, behaviour, message):
    with pytest.raises(DataError, match=message + ".*the 5.0 kB that came are kept") as failure:
        locate(source(behaviour), None, cache, timeout=0.1)
    assert "\n" not in str(failure.value)
    assert len(server.requests) == _download.TRIES
    assert leftovers(cache) == [".a.bin.part"]
    assert (cache / "toy" / ".a.bin.part").read_bytes() == CONTENT[:5000]
    assert locate(source("good"), None, cache)["a.bin"].read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=5000-", "a server that gives no parts is asked for one and sends all"
    assert leftovers(cache) == ["a.bin"]


def test_a_download_goes_on_where_it_broke_off(source, server, cache):
    assert locate(source("parts"), None, cache)["a.bin"].read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=4000-", "bytes=8000-"]
    assert leftovers(cache) == ["a.bin"]


def test_it_goes_on_at_another_address(source, server, cache):
    at = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(DataError):
        locate(source("dropped"), None, cache)
    assert locate(source("missing", mirrors=(f"{at}/parts",)), None, cache)["a.bin"].read_bytes() == CONTENT
    assert server.ranges[-2:] == ["bytes=5000-", "bytes=9000-"]


def test_a_part_of_another_file_is_thrown_away(source, server, cache):
    assert locate(source("stale"), None, cache)["a.bin"].read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=4000-", "bytes=8000-", None, "bytes=4000-", "bytes=8000-"]


@pytest.mark.parametrize("held", [CONTENT, CONTENT + b"more"])
def test_a_part_that_is_whole_or_too_long(source, server, cache, held):
    (cache / "toy").mkdir(parents=True)
    (cache / "toy" / ".a.bin.part").write_bytes(held)
    assert locate(source("parts"), None, cache)["a.bin"].read_bytes() == CONTENT
    assert leftovers(cache) == ["a.bin"]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(source, server, cache):
    assert locate(source("busy"), None, cache)["a.bin"].read_bytes() == CONTENT
    assert len(server.requests) == 3
    with pytest.raises(DataError, match="answered 404"):
        locate(source("missing"), None, cache / "other")
    assert len(server.requests) == 4


@pytest.mark.parametrize(("after", "seconds"), [(None, 0), ("7", 7), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("soon", 0)])
def test_what_a_server_asks_to_wait(after, seconds):
    assert _download._seconds(after) == seconds


def test_two_processes_get_a_file_once(source, server, cache):
    slow = source("unsized")
    threads = [threading.Thread(target=locate, args=(slow, None, cache)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert leftovers(cache) == ["a.bin"]


def test_who_comes_after_another_process_has_made_the_file_gets_nothing_anew(source, server, cache):
    toy = source("unsized")
    path = locate(toy, None, cache)["a.bin"]
    (cache / "toy" / ".a.bin.part").write_bytes(CONTENT[:10])
    _download.download([toy.files[0].url], path, lambda part: find_problem(part, toy.files[0]))
    assert len(server.requests) == 1
    assert leftovers(cache) == ["a.bin"]


def test_who_waits_for_another_process_is_told(source, cache, capsys):
    (cache / "toy").mkdir(parents=True)
    with (cache / "toy" / ".a.bin.part").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=locate, args=(source(), None, cache))
        waiting.start()
        time.sleep(0.2)
        assert "a.bin: another process is getting it; waiting" in capsys.readouterr().err
    waiting.join()
    assert leftovers(cache) == ["a.bin"]


def test_the_licence_is_told_before_a_download_and_only_then(source, cache, capsys):
    locate(source(), None, cache)
    first, then = capsys.readouterr().err.splitlines()
    assert first == "Toy data: licence CC0-1.0; made here"
    assert then.startswith("a.bin, 12.0 kB, from http://127.0.0.1")
    locate(source(), None, cache)
    assert capsys.readouterr().err == ""


def test_a_mirror_may_be_an_address(source, server, cache):
    mirror = f"http://127.0.0.1:{server.server_port}/mirror/"
    assert locate(source("missing"), mirror, cache)["a.bin"].read_bytes() == CONTENT
    assert server.requests == ["/mirror/toy/a.bin"]
    assert locate(source("good", of="other"), mirror, cache)["a.bin"].read_bytes() == CONTENT
    assert server.requests[1:] == ["/mirror/other/a.bin", "/good"]


def test_a_disk_without_the_space_is_told_before_anything_is_written(source, cache, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(_download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"12.0 kB are needed, 100 bytes are free; set MULTIBETA_CACHE"):
        locate(source(), None, cache)
    assert leftovers(cache) == []


def test_without_a_network_the_error_says_what_to_do(source, cache):
    with pytest.raises(DataError, match=r"could not be downloaded .*set MULTIBETA_MIRROR"):
        locate(source(url="http://127.0.0.1:9/a.bin"), None, cache)


def test_an_unreachable_source_does_not_cost_the_wrong_file_in_the_cache_its_explanation(source, cache):
    (cache / "toy").mkdir(parents=True)
    (cache / "toy" / "a.bin").write_bytes(b"half")
    with pytest.raises(DataError, match=r"a\.bin \(is truncated or altered"):
        locate(source("missing"), None, cache)


def test_a_cache_that_cannot_be_written_is_named(source, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(DataError, match=r"cannot be written to the cache: .*set MULTIBETA_CACHE"):
        locate(source(), None, tmp_path / "cache")


def test_a_full_cache_is_named_and_nothing_stays_behind(source, cache):
    with small_disk(), pytest.raises(DataError, match="File too large; set MULTIBETA_CACHE"):
        locate(source(), None, cache)
    assert leftovers(cache) == []


@contextmanager
def small_disk():
    """Lets no file grow beyond 4 KiB: the refusal of a full disk, without one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_cache_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("MULTIBETA_CACHE")
    assert default_cache().parts[-3:] == (".cache", "multibeta", "data")
