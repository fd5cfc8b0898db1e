"""The study that is tampered with, made once; each example changes some of it and puts it back."""

import os

import pytest
from attempts import Playground
from hypothesis import configuration
from tampered_study import make


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder with config.yaml, results, an archive, and data of one's own under a name."""
    pytest.importorskip("torch")
    root = tmp_path_factory.mktemp("fuzz") / "work"
    root.mkdir()
    configuration.set_hypothesis_home_dir(root.parent / "hypothesis")
    here = os.getcwd()
    os.chdir(root)
    os.environ["MULTIBETA_DATASETS"] = str(root / "named")
    try:
        make()
    finally:
        os.chdir(here)
        del os.environ["MULTIBETA_DATASETS"]
    return Playground(root)


@pytest.fixture
def playground(made, monkeypatch):
    """The folder, gone into, as it was made."""
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("MULTIBETA_DATASETS", str(made.path / "named"))
    yield made
    made.restore()
