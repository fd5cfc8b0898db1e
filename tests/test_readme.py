"""What the README shows runs."""

import re
from pathlib import Path

import pytest
import yaml

from multibeta import registry
from multibeta.options import DatasetEntry
from multibeta.results import CellFolder
from multibeta.study import Study

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(registry, "_outside", {})


def test_the_study_is_one():
    study = Study.parse(yaml.safe_load(blocks("yaml")[0]), "README.md")
    cells = {(cell.variant.name, cell.strength) for cell in study.cells}
    assert cells == {("beta_vae", "1"), ("beta_vae", "4"), ("beta_vae", "16"), ("narrow", "1"), ("narrow", "4")}


def test_the_variant_trains(tmp_path, monkeypatch, capsys):
    from multibeta.cli import main

    monkeypatch.chdir(tmp_path)
    Path("capacity.py").write_text(blocks("python")[0], encoding="utf-8")
    command = "train --dataset digits --variant capacity --beta 10 --steps 20 --plugin capacity.py"
    assert main(command.split()) == 0
    folder = CellFolder(tmp_path / "results/by_hand/cells/digits/capacity/beta~10")
    assert "seed,step,loss,reconstruction,rate_error,kl," in folder.history.read_text()
    assert "seed 0: done" in capsys.readouterr().out


def test_the_plug_in_is_named_as_shown():
    (shown,) = (yaml.safe_load(block) for block in blocks("yaml") if "plugins" in block)
    assert shown == {"plugins": ["capacity.py"], "variants": ["beta_vae", "capacity"]}


def test_datasets_are_entries_as_shown():
    (shown,) = (yaml.safe_load(block)["datasets"] for block in blocks("yaml") if block.startswith("datasets:"))
    for entry in map(DatasetEntry.model_validate, shown.values()):
        registry.find("dataset", entry.dataset).Options.model_validate(entry.options)
    assert set(shown["faces"]["options"]) == {"path", "attributes", "size"}
