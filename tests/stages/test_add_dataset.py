"""Data of one's own gets a name once it has been read; the name then works wherever a dataset's does."""

import os
import resource
import shutil

import numpy as np
import pytest
import yaml
from own_files import grid_arrays, write_folder

import multibeta
from multibeta import named_datasets
from multibeta.cli import main
from multibeta.config_errors import ConfigError
from multibeta.study import Study


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MULTIBETA_DATASETS", str(tmp_path / "names"))
    write_folder(tmp_path / "squares")


ADD = "datasets add squares --set size=8 --set attributes=squares.csv"


def run(command, status=0):
    assert main(command.split()) == status, command


def refused(command, capsys, *words):
    before = sorted(named_datasets.folder().glob("*"))
    capsys.readouterr()
    run(command, status=1)
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    for word in words:
        assert word in line, line
    assert printed.out == ""
    assert sorted(named_datasets.folder().glob("*")) == before


def study(name="squares", **entry):
    config = {"name": "x", "datasets": {name: entry}, "variants": ["beta_vae"], "strengths": [1]}
    return Study.parse({**config, "training": {"architecture": "mlp"}})


def test_a_folder_gets_its_own_name_and_a_summary(capsys, tmp_path):
    run(ADD)
    text = capsys.readouterr().out
    assert "squares: 40 images of 8×8×3, 4 held out from training; factors place 4, bright 2; 2 classes." in text
    file = yaml.safe_load((tmp_path / "names" / "squares.yaml").read_text())
    assert file["plug_in"] == "image_folder"
    table = str(tmp_path / "squares.csv")
    assert file["options"] == {"path": str(tmp_path / "squares"), "size": 8, "attributes": table}
    assert file["facts"]["licence"] == "not stated"
    run("datasets fetch squares")
    assert capsys.readouterr().err.endswith("squares is your own, and lies where it did\n")


def test_of_images_no_copy_is_made():
    np.savez("grey.npz", images=np.arange(200, dtype=np.uint8)[:, None, None].repeat(16, 1).repeat(16, 2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # no file may grow beyond
    try:
        run("datasets add grey.npz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_of_arrays_too(capsys):
    np.savez("my grid (2).npz", **grid_arrays(copies=2))
    assert main(["datasets", "add", "my grid (2).npz", "--set", "licence=CC0-1.0"]) == 0
    assert named_datasets.names() == ["my_grid_2"]
    assert named_datasets.find("my_grid_2").facts["licence"] == "CC0-1.0"


def test_a_study_elsewhere_means_it_by_name(tmp_path, monkeypatch):
    run(ADD)
    options = {"path": "squares", "size": 8, "attributes": "squares.csv"}
    spelled = study("own", dataset="image_folder", options=options).cells[0]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (cell,) = study().cells
    assert cell.dataset.name == "squares"
    assert cell.run_fingerprint(0) == spelled.run_fingerprint(0)
    assert study("mine", dataset="squares").cells[0].run_fingerprint(0) == cell.run_fingerprint(0)
    assert study(options={"size": 16}).cells[0].dataset.options["size"] == 16
    with pytest.raises(ConfigError, match=r"^config: datasets.squares.options.sise = 4: unknown key; did you mean"):
        study(options={"sise": 4})


def test_every_command_and_python_find_it(capsys):
    run(ADD)
    run("prepare --dataset squares --results r")
    run("list")
    assert "squares" in capsys.readouterr().out.split()
    run("train --dataset squares --steps 3 --latents 2 --results r")
    assert multibeta.load_dataset("squares", results="r").images.shape == (40, 8, 8, 3)


def test_adding_the_same_place_again_reads_it_anew():
    run(ADD)
    before = named_datasets.find("squares").facts["digests"]
    shutil.copy("squares/0-0.png", "squares/9.png")
    run("datasets add squares --set size=12")
    assert named_datasets.find("squares").options == {"path": os.path.abspath("squares"), "size": 12}
    assert named_datasets.find("squares").facts["images"] == 41
    assert named_datasets.find("squares").facts["digests"] != before


def test_a_name_that_is_taken(capsys):
    run(ADD)
    shutil.copytree("squares", "other/squares")
    refused("datasets add other/squares", capsys, "'squares'", os.path.abspath("squares"), "another with --name")
    refused("datasets add squares --name digits", capsys, "'digits': is a dataset of this package already")
    refused("datasets add squares --name a/b", capsys, "'a/b': must consist of letters")


def test_what_cannot_be_read_gets_no_name(capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.npz").write_bytes(b"PK")
    refused("datasets add nowhere", capsys, "nowhere does not exist; give a folder of images, or an npz")
    refused("datasets add squares.csv", capsys, "squares.csv is neither a folder of images nor a file of arrays")
    refused("datasets add empty", capsys, "empty holds no images")
    refused("datasets add bad.npz", capsys, "bad.npz cannot be read as arrays")
    refused("datasets add squares --set size=3", capsys, "size = 3: must be ≥ 4")
    refused("datasets add squares --set sise=8", capsys, "sise = 8: unknown key; did you mean 'size'?")
    refused("datasets add squares --set attributes=no.csv", capsys, "no.csv: No such file")
    assert not (tmp_path / "names").exists()


def test_a_name_nobody_gave_is_answered_with_the_nearest(capsys):
    run(ADD)
    refused("train --dataset squrse", capsys, "unknown dataset 'squrse'; did you mean 'squares'?")
    refused("datasets remove squrse", capsys, "no data was added as 'squrse'; did you mean 'squares'?")
    with pytest.raises(
        ConfigError, match=r"^config: datasets.squrse: unknown dataset 'squrse'; did you mean 'squares'"
    ):
        study("squrse")


def test_data_that_has_gone_is_one_line_that_names_its_file(capsys, tmp_path):
    run(ADD)
    shutil.move("squares", "moved")
    words = (str(tmp_path / "squares"), str(tmp_path / "names" / "squares.yaml"), "multibeta datasets remove squares")
    refused("prepare --dataset squares", capsys, "is not at", *words)
    refused("train --dataset squares", capsys, "is not at", *words)
    assert study(options={"path": "moved"}).cells[0].dataset.options["path"] == "moved"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[]", "must be a mapping"),
        ("a: 1", "remove squares"),
        ("{plug_in: arrays, options: 3}", "remove squares"),
        ("{", "is not YAML"),
        ("{plug_in: image_folder, options: {path: squares}, facts: }", "remove squares"),
        ("{plug_in: image_folder, options: {path: squares}, facts: {images: many}}", "remove squares"),
        ("{plug_in: image_folder, options: {path: squares}, facts: {shape: 3}}", "remove squares"),
    ],
)
def test_a_damaged_file_of_a_name_is_one_line(capsys, tmp_path, text, word):
    run(ADD)
    (tmp_path / "names" / "squares.yaml").write_text(text)
    refused("train --dataset squares", capsys, "squares.yaml", word)
    refused("datasets list", capsys, "squares.yaml", word)
    run("datasets remove squares")


def test_an_option_that_is_no_more_is_one_line(capsys, tmp_path):
    run(ADD)
    (tmp_path / "names" / "squares.yaml").write_text("{plug_in: image_folder, options: {path: squares, sise: 3}}")
    refused("datasets info squares", capsys, "squares.yaml: sise = 3: unknown key; did you mean 'size'?")


def test_a_name_that_is_removed_is_gone_and_the_data_stays(capsys, tmp_path):
    run(ADD)
    run("datasets remove squares")
    assert named_datasets.names() == []
    assert len(list((tmp_path / "squares").iterdir())) == 40
    refused("datasets remove squares", capsys, "no data was added as 'squares'; none was added")


def test_names_are_looked_for_in_the_home_folder_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("MULTIBETA_DATASETS")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named_datasets.folder() == tmp_path / ".config" / "multibeta" / "datasets"
