"""The commit of a result names its code: two results of one text were made by the same."""

import subprocess

import pytest

from multibeta.stages.shared.provenance import git_commit


@pytest.fixture
def file(tmp_path):
    """A source file of a checkout with one commit."""
    for name in ("src/package/code.py", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n", encoding="utf-8")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path / "src/package/code.py"


def test_it_is_that_of_the_checkout_whatever_else_lies_in_it(file, tmp_path):
    commit = git_commit(file)
    assert len(commit) == 40
    (tmp_path / "mine.yaml").write_text("name: mine\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("2\n", encoding="utf-8")
    assert git_commit(file) == commit


def test_altered_code_is_told_apart_by_what_it_is(file):
    commit = git_commit(file)
    file.write_text("2\n", encoding="utf-8")
    two = git_commit(file)
    file.write_text("3\n", encoding="utf-8")
    three = git_commit(file)
    new = file.with_name("new.py")
    new.write_text("4\n", encoding="utf-8")
    four = git_commit(file)
    new.unlink()
    assert all(text.startswith(f"{commit} + changes ") for text in (two, three, four))
    assert len({two, three, four}) == 3
    assert git_commit(file) == three
    file.write_text("1\n", encoding="utf-8")
    assert git_commit(file) == commit


def test_a_file_in_no_commit_has_none(file, tmp_path):
    installed = tmp_path / ".venv/code.py"
    installed.parent.mkdir()
    installed.write_text("1\n", encoding="utf-8")
    assert git_commit(installed) == ""
    assert git_commit(tmp_path.parent / "nowhere.py") == ""
