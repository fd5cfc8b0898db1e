"""Archives are read without being unpacked; what is no plain file inside is refused by name."""

import io
import tarfile
import zipfile

import pytest

from multibeta.datasets import DataError
from multibeta.datasets._archives import members


def every(name):
    return True


def write_tar(path, entries, mode="w:gz"):
    """Entries by name: bytes for a file, text for the target of a symbolic link."""
    with tarfile.open(path, mode) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def write_zip(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_gives_its_files_in_its_order(tmp_path, mode):
    path = write_tar(tmp_path / "a.tar", {"d/b": b"2", "d/a": b"1", "c": b""}, mode)
    assert list(members(path, every)) == [("d/b", b"2"), ("d/a", b"1"), ("c", b"")]


def test_a_zip_gives_its_files_sorted(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"d/": b"", "d/b": b"2", "d/a": b"1"})
    assert list(members(path, every)) == [("d/a", b"1"), ("d/b", b"2")]


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_only_what_is_wanted_is_read(tmp_path, write):
    path = write(tmp_path / "a", {"a.txt": b"1", "b.mat": b"2"})
    assert [name for name, _ in members(path, lambda name: name.endswith(".mat"))] == ["b.mat"]


@pytest.mark.parametrize("write", [write_tar, write_zip])
@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/passwd", "a\\..\\..\\out", "C:/out"])
def test_a_place_outside_is_refused_also_where_it_is_not_wanted(tmp_path, write, name):
    path = write(tmp_path / "a", {name: b"x"})
    with pytest.raises(DataError, match="outside the archive") as error:
        list(members(path, lambda name: False))
    assert "\n" not in str(error.value)


def test_a_link_in_a_tar_is_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar.gz", {"data": "/etc/passwd"})
    with pytest.raises(DataError, match="'data' is a link"):
        list(members(path, every))


def test_a_link_in_a_zip_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    info = zipfile.ZipInfo("data")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="'data' is a link"):
        list(members(path, every))


@pytest.mark.parametrize("write", [write_tar, write_zip])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_truncated_archive_is_refused(tmp_path, write, keep):
    import numpy as np

    noise = np.random.default_rng(0).bytes(100_000)
    path = write(tmp_path / "a", {"a": noise, "b": noise})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError, match="no whole zip or tar"):
        list(members(path, every))


def test_a_zip_whose_content_was_altered_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": bytes(1000) + b"end"})
    content = bytearray(path.read_bytes())
    content[35] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="no whole zip or tar"):
        list(members(path, every))


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_any_packing_that_was_altered_is_refused(tmp_path, packed):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", packed) as archive:
        archive.writestr("a", bytes(range(256)) * 100)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[60:80] = bytes(20)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="no whole zip or tar"):
        list(members(tmp_path / "a.zip", every))


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html></html>", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no whole zip or tar"):
        list(members(path, every))


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("multibeta.datasets._archives.LARGEST", 1000)
    for write in (write_tar, write_zip):
        path = write(tmp_path / write.__name__, {"a": bytes(1001)})
        with pytest.raises(DataError, match="1001 bytes"):
            list(members(path, every))
