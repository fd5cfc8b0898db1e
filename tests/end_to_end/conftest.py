"""The tiny study, run once for all tests that only look at it, however many processes share the tests."""

import pytest
from filelock import FileLock
from tiny_study import Place


@pytest.fixture(scope="session")
def place():
    """The class, for tests that need a fresh folder."""
    return Place


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """The tiny study, run to its end. Tests change its config, not its results; each process has a copy of its own."""
    own = tmp_path_factory.mktemp("finished")
    if worker_id == "master":
        done = Place(own / "work")
        done.study()
        return done
    shared = tmp_path_factory.getbasetemp().parent / "finished"
    with FileLock(shared.with_suffix(".lock")):
        if not shared.exists():
            Place(shared).study()
    return Place.there(shared).copy(own / "work")


@pytest.fixture
def again(finished):
    """The finished study with its config as it was run."""
    finished.configure()
    yield finished
    finished.configure()
