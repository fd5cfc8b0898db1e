"""Files are written whole or not at all, and nothing of what was not finished stays behind."""

import errno
import os

import pytest

from multibeta.files import read_table, replacing, write_rows, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed_while_writing(path):
    child = os.fork()
    if child == 0:
        with replacing(path) as temporary:
            temporary.write_text("half")
            os._exit(1)  # as by SIGKILL: no block ends
    os.waitpid(child, 0)


def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_the_file(tmp_path):
    path = tmp_path / "images.npy"
    write_text(path, "old")
    killed_while_writing(path)
    assert len(names(tmp_path)) == 2
    assert path.read_text() == "old"
    write_text(tmp_path / "factors.npy", "another file")
    assert len(names(tmp_path)) == 3
    write_text(path, "new")
    assert names(tmp_path) == ["factors.npy", "images.npy"]
    assert path.read_text() == "new"


def test_a_table_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, ["seed", "value"], [{"seed": 0, "value": 0.0127}, {"seed": 1, "value": 0.25}])
    assert list(read_table(path).value) == [0.0127, 0.25]
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match=r"table\.csv: damaged \(its last line is cut off\); remove it"):
        read_table(path)


def test_two_may_write_the_same_file(tmp_path):
    path = tmp_path / "[a] file.npy"
    with replacing(path) as one:
        one.write_text("one")
        with replacing(path) as other:
            other.write_text("other")
        assert path.read_text() == "other"
    assert path.read_text() == "one"
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_is_written_whole_where_the_file_system_has_no_locks(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("multibeta.files.fcntl.flock", refuse)
    path = tmp_path / "facts.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]
