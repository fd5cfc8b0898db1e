"""Results are written whole or not at all, and nothing of what was not finished stays behind."""

import errno
import os
from pathlib import Path

import pytest

from multibeta.files import replacing, write_text
from multibeta.results import CellFolder, StudyFolder


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

    monkeypatch.setattr("multibeta.results.fcntl.flock", refuse)
    path = tmp_path / "facts.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def prepared(tmp_path):
    """A results folder with a prepared dataset and the folders of a study of two cells."""
    cell = tmp_path / "results/mine/cells/digits/beta_vae/beta~1"
    for folder in (tmp_path / "results/.data", cell, cell.with_name("beta~4")):
        folder.mkdir(parents=True)
    return tmp_path / "results"


@pytest.mark.parametrize(
    ("at", "given"), [(".", "results/mine"), ("results", "mine"), ("results/mine", "."), ("results/mine/cells", "..")]
)
def test_a_study_is_the_same_from_wherever_it_is_named(prepared, monkeypatch, at, given):
    monkeypatch.chdir(prepared.parent / at)
    study = StudyFolder(Path(given))
    assert (study.root, study.path.name) == (prepared, "mine")
    assert study.study.resolve() == prepared / "mine/study.json"


@pytest.mark.parametrize("given", [".", "../beta~1", "../beta~4", "../../beta_vae/beta~4"])
def test_a_cell_is_the_same_from_wherever_it_is_named(prepared, monkeypatch, given):
    monkeypatch.chdir(prepared / "mine/cells/digits/beta_vae/beta~1")
    assert CellFolder(Path(given)).root == prepared


def test_a_link_to_a_study_or_a_cell_has_the_datasets_of_where_that_lies(prepared, tmp_path):
    (tmp_path / "linked").symlink_to(prepared / "mine")
    (tmp_path / "cell").symlink_to(prepared / "mine/cells/digits/beta_vae/beta~1")
    assert StudyFolder(tmp_path / "linked").root == prepared
    assert StudyFolder(tmp_path / "linked").cell("digits", "beta_vae", "1").root == prepared
    assert CellFolder(tmp_path / "cell").root == prepared


def test_a_results_folder_of_links_has_datasets_of_its_own(prepared, tmp_path):
    (tmp_path / "here/.data").mkdir(parents=True)
    (tmp_path / "here/mine").symlink_to(prepared / "mine")
    assert StudyFolder(tmp_path / "here/mine").root == tmp_path / "here"
    assert StudyFolder(tmp_path / "here/mine").cell("digits", "beta_vae", "1").root == tmp_path / "here"


@pytest.mark.parametrize(
    ("folder", "said"), [(CellFolder, "give results/<study>/cells/"), (StudyFolder, "give results/<study>")]
)
def test_a_folder_too_high_for_a_study_is_refused_in_one_line(folder, said):
    with pytest.raises(ValueError, match=f"^/: lies in no folder of studies; {said}"):
        _ = folder(Path("/")).root
