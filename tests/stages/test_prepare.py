"""A prepared dataset is whole, is what its card says, and is left alone when it is there already."""

import hashlib
import os
import resource
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from multibeta import registry
from multibeta.config_errors import ConfigError
from multibeta.datasets import Arrays, DataError, Dataset, DatasetSource, Factor, grid_factors
from multibeta.files import read_json
from multibeta.results import CellFolder
from multibeta.stages.prepare import check, prepare, prepare_folder, prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study


def contents(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def test_the_folder_holds_the_arrays_and_a_card_that_describes_them(tmp_path):
    dataset = prepare("sprites", {}, tmp_path)
    assert sorted(contents(tmp_path)) == ["card.json", "factors.npy", "held_out.npy", "images.npy"]
    card = dataset.card
    assert card["name"] == "sprites"
    assert card["options"] == {"antialias": True}
    assert card["shape"] == [1, 32, 32]
    assert card["images"] == len(dataset.images) == 2304
    assert card["held_out"] == dataset.held_out.sum() == 230
    assert card["factors"][0] == {"name": "shape", "size": 3, "kind": "categorical"}
    assert card["grid"] is True
    assert card["sha256"]["images"] == hashlib.sha256(dataset.images.tobytes()).hexdigest()
    assert card["sha256"]["factors"] == hashlib.sha256(dataset.factors.tobytes()).hexdigest()


def test_a_prepared_dataset_gives_columns_by_name(tmp_path):
    sprites, digits = prepare("sprites", {}, tmp_path / "sprites"), prepare("digits", {}, tmp_path / "digits")
    values, size = sprites.column("x")
    assert size == 16
    assert values[:9].tolist() == [0] * 8 + [1]
    label, classes = digits.column("label")
    digit, size = digits.column("digit")
    assert classes == size == 10
    assert np.array_equal(label, digit)
    assert sprites.labels is None


def test_preparing_again_touches_nothing(tmp_path):
    prepare("digits", {}, tmp_path)
    before = contents(tmp_path)
    prepare("digits", {}, tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["card.json", "images.npy", "labels.npy"])
def test_a_missing_file_is_made_again_with_the_same_bytes(tmp_path, name):
    prepare("digits", {}, tmp_path)
    before = {key: data for key, (_, data) in contents(tmp_path).items()}
    (tmp_path / name).unlink()
    prepare("digits", {}, tmp_path)
    assert {key: data for key, (_, data) in contents(tmp_path).items()} == before


def test_other_options_or_another_dataset_replace_what_is_there(tmp_path):
    assert prepare("digits", {}, tmp_path).labels is not None
    sprites = prepare("sprites", {}, tmp_path)
    assert sprites.name == "sprites"
    assert sprites.labels is None
    assert not (tmp_path / "labels.npy").exists()
    grey = sprites.card["sha256"]["images"]
    assert prepare("sprites", {"antialias": False}, tmp_path).card["sha256"]["images"] != grey


def test_a_damaged_card_counts_as_none(tmp_path):
    prepare("digits", {}, tmp_path)
    (tmp_path / "card.json").write_text("[]")
    assert prepare("digits", {}, tmp_path).name == "digits"


def test_a_wrong_option_is_one_line_with_the_valid_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"dataset mnist: size = 30: .*28.*32"):
        prepare("mnist", {"size": 30}, tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'antialias'"):
        prepare("sprites", {"antialis": True}, tmp_path)
    with pytest.raises(registry.PlugInError, match="did you mean 'sprites'"):
        prepare("sprite", {}, tmp_path)
    assert not contents(tmp_path)


def test_a_missing_source_file_leaves_no_folder_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("multibeta.datasets._sources.TIMEOUT", 1)
    (tmp_path / "mirror" / "mnist").mkdir(parents=True)
    (tmp_path / "mirror" / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(DataError, match="of the mirror is truncated"):
        prepare("mnist", {}, tmp_path / "data", tmp_path / "mirror", tmp_path / "cache")
    assert not (tmp_path / "data").exists()


def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path):
    with small_disk(), pytest.raises(OSError, match=r"images\.npy"):
        prepare("digits", {}, tmp_path)
    assert not contents(tmp_path)
    assert prepare("digits", {}, tmp_path).name == "digits"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only folders")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match=tmp_path.name):
        prepare("digits", {}, tmp_path)


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(OSError, match="data"):
        prepare("digits", {}, tmp_path / "data")


def test_specs_written_for_a_study_are_enough_to_prepare_its_datasets(tmp_path):
    config = {"name": "tiny", "datasets": {"digits": {}}, "variants": {"beta_vae": {}}}
    study = Study.parse({**config, "training": {"architecture": "mlp"}})
    write_specs(study, tmp_path)
    cell = study.cells[0]
    dataset = prepare_of_cell(CellFolder(cell.folder(tmp_path).path))
    assert dataset.folder.name == cell.data_key
    assert read_json(prepare_folder(dataset.folder).folder / "card.json") == dataset.card


class Toy(DatasetSource):
    title, licence, source = "Toy", "MIT", "this test"
    factors = (Factor("a", 2, "ordinal"), Factor("b", 3, "ordinal"))
    classes = ("even", "odd")
    grid = True
    shape = (1, 4, 4)


def toy_arrays(**changes):
    values = grid_factors(Toy.factors)
    arrays = {
        "images": np.zeros((6, 4, 4, 1), np.uint8),
        "held_out": np.arange(6) == 2,
        "factors": values,
        "labels": values.sum(1) % 2,
    }
    return Arrays(**{**arrays, **changes})


def test_a_grid_counts_with_the_last_factor_fastest():
    assert grid_factors(Toy.factors).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    check(Toy(), toy_arrays())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((6, 4, 4, 1))}, r"images must be uint8 \(6, 4, 4, 1\), build returns float64"),
        ({"images": np.zeros((6, 1, 4, 4), np.uint8)}, "images must be"),
        ({"held_out": np.arange(6) == 9}, "holds out 0 of 6"),
        ({"held_out": np.arange(6) < 9}, "holds out 6 of 6"),
        ({"held_out": np.zeros(5, bool)}, "held_out must be"),
        ({"factors": None}, "declares 2 factors, but build returns none"),
        ({"labels": None}, "declares 2 classes, but build returns none"),
        ({"factors": grid_factors(Toy.factors)[:, ::-1]}, "factor a must take every value 0 … 1"),
        ({"factors": grid_factors(Toy.factors)[::-1]}, "declares grid"),
        ({"labels": np.full(6, 1)}, "labels must take every value 0 … 1"),
        ({"labels": np.full(6, 1.0)}, "labels must be int64"),
    ],
)
def test_arrays_that_are_not_as_declared_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        check(Toy(), toy_arrays(**changes))


def test_reading_needs_a_prepared_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        Dataset(tmp_path)


@contextmanager
def small_disk():
    """Lets no file grow beyond 4 KiB: the refusal of a full disk, without one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_two_processes_that_prepare_a_dataset_at_once_leave_it_whole(tmp_path):
    command = [sys.executable, "-m", "multibeta.cli", "prepare", "--dataset", "digits"]
    both = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    (folder,) = (tmp_path / "results/.data").iterdir()
    Dataset(folder)
    assert not list(folder.glob("lock*"))
