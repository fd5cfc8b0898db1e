"""The tiny study, run once for all tests that only look at it."""

import pytest
from tiny_study import Place


@pytest.fixture(scope="session")
def place():
    """The class, for tests that need a fresh folder."""
    return Place


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The tiny study, run to its end once. Tests change its config, not its results."""
    done = Place(tmp_path_factory.mktemp("finished") / "work")
    done.study()
    return done


@pytest.fixture
def again(finished):
    """The finished study with its config as it was run."""
    finished.configure()
    yield finished
    finished.configure()
