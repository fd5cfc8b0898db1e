"""The notebooks run from their first cell to the last, each in at most two minutes, and are kept without outputs."""

import os
import shutil
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_no_outputs_are_kept(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None), cell.source


@pytest.mark.slow
@every_notebook
def test_it_runs(path, tmp_path, finished, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shutil.copytree(finished.path / "results", tmp_path / "results")
    place = tmp_path / "notebooks"
    place.mkdir()
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = 'STUDY = "../results/tiny"\nDATASET, VARIANT, BETA = "digits", "beta_vae", 4'
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}})
    client.execute()
    errors = [text for cell in notebook.cells for text in cell.get("outputs", []) if text.get("name") == "stderr"]
    assert not errors
