"""Own files are known by their content, wherever they lie; what changes in them is trained anew."""

import os
import shutil

import numpy as np
import pytest
from own_files import grid_arrays, write_folder
from PIL import Image

from multibeta.config_errors import ConfigError
from multibeta.datasets import DataError, _content
from multibeta.files import read_json
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    """A place of its own, in which files of the same second count as settled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_content, "TICK", -(10**18))
    write_folder(tmp_path / "squares")


def study(path="squares", **options):
    table = {"attributes": f"{path}.csv"} if os.path.isdir(path) and os.path.exists(f"{path}.csv") else {}
    entry = {"dataset": "image_folder", "options": {"path": path, "size": 8, **table, **options}}
    config = {"name": "x", "datasets": {"own": entry}, "variants": ["beta_vae"], "strengths": [1]}
    return Study.parse({**config, "training": {"architecture": "mlp"}})


def run(path="squares", **options):
    (cell,) = study(path, **options).cells
    return cell.run_fingerprint(0)


def repaint(path):
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)


def test_a_copy_elsewhere_shares_its_runs(tmp_path):
    shutil.copytree("squares", "deep/copy")
    shutil.copy("squares.csv", "deep/copy.csv")
    assert run("deep/copy") == run() == run(str(tmp_path / "squares"))


def test_a_changed_renamed_added_or_lost_image_and_a_changed_table_train_anew(tmp_path):
    seen = [run()]

    def changed():
        seen.append(run())
        assert len(set(seen)) == len(seen)

    times = os.stat("squares/0-0.png")
    repaint("squares/0-0.png")
    os.utime("squares/0-0.png", ns=(times.st_atime_ns, times.st_mtime_ns))  # as unpacking sets it
    changed()
    os.rename("squares/0-0.png", "squares/0-0.PNG")
    (tmp_path / "squares.csv").write_text((tmp_path / "squares.csv").read_text().replace("0-0.png", "0-0.PNG"))
    changed()
    shutil.copy("squares/1-0.png", "squares/9.png")
    changed()
    (tmp_path / "squares.csv").write_text((tmp_path / "squares.csv").read_text().replace("left", "port"))
    changed()


def test_what_is_said_of_the_images_trains_nothing_and_what_is_made_of_them_does():
    assert run(title="Squares", licence="CC0-1.0", source="drawn", citation="@misc{x}") == run()
    assert run(most_corrupt=0.5) == run()
    assert run(colour="grey") != run()
    assert run(columns=["place"]) != run()


def test_a_listing_is_hashed_once_until_it_changes(monkeypatch):
    hashed = []
    really = _content._hash
    monkeypatch.setattr(_content, "_hash", lambda parts: hashed.append(len(parts)) or really(parts))
    run()
    run()
    assert hashed == [41]
    repaint("squares/0-0.png")
    run()
    assert hashed == [41, 41]


def test_a_file_written_just_now_is_not_trusted_to_stay(monkeypatch, tmp_path):
    monkeypatch.setattr(_content, "TICK", 2_000_000_000)
    run()
    assert not (tmp_path / "cache" / ".hashes").exists()


def test_a_cache_that_cannot_be_written_only_costs_time(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    expected = run()
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "file"))
    assert run() == expected


def test_jobs_are_told_the_content_that_the_study_saw(tmp_path):
    read = study()
    write_specs(read, tmp_path / "results")
    (cell,) = read.cells
    folder = cell.folder(tmp_path / "results")
    repaint("squares/0-0.png")
    assert cell.run_fingerprint(0) != run()
    with pytest.raises(DataError, match=r"squares has changed: its content is sha256:\w+, not .*run the study again"):
        prepare_of_cell(folder)


def test_a_study_can_ask_for_a_content():
    (content,) = study().cells[0].dataset.make("dataset").digests()
    assert run(content=content) == run()
    with pytest.raises(ConfigError, match=r"^config: datasets.own: squares has changed: its content is sha256:"):
        run(content=f"sha256:{'0' * 64}")


def test_one_prepared_dataset_serves_every_place_it_lies_in(tmp_path):
    shutil.copytree("squares", "copy")
    shutil.copy("squares.csv", "copy.csv")
    cards = []
    for path in ("squares", "copy"):
        read = study(path, title=path)
        write_specs(read, tmp_path / "results")
        dataset = prepare_of_cell(read.cells[0].folder(tmp_path / "results"))
        cards.append(((dataset.folder / "card.json").stat().st_mtime_ns, read_json(dataset.folder / "card.json")))
    assert cards[0] == cards[1]
    assert len(list((tmp_path / "results" / ".data").iterdir())) == 1


def test_a_study_says_what_is_wrong_with_a_folder_or_a_table(tmp_path):
    with pytest.raises(ConfigError, match=r"^config: datasets.own: absent does not exist$"):
        run("absent")
    with pytest.raises(ConfigError, match=r"^config: datasets.own: squares.csv has no column 'plase'; did you mean"):
        run(columns=["plase"])
    with pytest.raises(ConfigError, match=r"^config: datasets.own.options.size = 2000: must be ≤ 1024$"):
        run(size=2000)
    with pytest.raises(ConfigError, match=r"^config: datasets.own.options.path: is required$"):
        Study.parse({"name": "x", "datasets": {"own": {"dataset": "image_folder"}}, "variants": ["beta_vae"]})


def test_a_study_says_that_a_split_leaves_nothing():
    for hold_out, words in (
        ({"place": [0, 1, 2, 3]}, "holds out 40 of 40"),
        ({"place": [4]}, "has values 0 … 3, numb"),
    ):
        entry = {"dataset": "image_folder", "options": {"path": "squares", "attributes": "squares.csv"}}
        split = {"kind": "combinations", "hold_out": hold_out}
        config = {"name": "x", "datasets": {"own": {**entry, "split": split}}, "variants": ["beta_vae"]}
        with pytest.raises(ConfigError, match=rf"^config: datasets.own.split.*{words}"):
            Study.parse(config)


def test_arrays_are_known_by_their_content_too():
    np.savez("a.npz", **grid_arrays())
    shutil.copy("a.npz", "b.npz")

    def arrays(path):
        entry = {"dataset": "arrays", "options": {"path": path}}
        config = {"name": "x", "datasets": {"own": entry}, "variants": ["beta_vae"], "strengths": [1]}
        return Study.parse({**config, "training": {"architecture": "mlp"}}).cells[0].run_fingerprint(0)

    same = arrays("a.npz")
    assert arrays("b.npz") == same
    np.savez("b.npz", **{**grid_arrays(), "images": 255 - grid_arrays()["images"]})
    assert arrays("b.npz") != same
