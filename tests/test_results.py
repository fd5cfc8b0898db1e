"""Where results lie does not depend on how a folder is named."""

from pathlib import Path

import pytest

from multibeta.results import CellFolder, StudyFolder


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
