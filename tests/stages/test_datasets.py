"""`multibeta datasets`: what there is, what each is, and getting files, from the command line."""

import hashlib
import re

import pytest

from multibeta import registry
from multibeta.cli import main
from multibeta.datasets import DatasetSource, File
from multibeta.files import read_json
from multibeta.stages.prepare import prepare

CONTENT = b"exact bytes"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MULTIBETA_DATASETS", str(tmp_path / "named"))
    monkeypatch.delenv("MULTIBETA_MIRROR", raising=False)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror that holds the file of one dataset, ``toy``, and not that of another, ``lost``."""
    for name in ("toy", "lost"):
        file = File(f"{name}.bin", f"http://127.0.0.1:9/{name}", md5=hashlib.md5(CONTENT).hexdigest())
        declared = {
            "title": f"The {name}",
            "licence": "CC0-1.0",
            "source": "here",
            "files": (file,),
            "shape": (1, 4, 4),
        }
        plug_in = type("Toy", (DatasetSource,), {**declared, "__doc__": "Declared by a test."})
        plug_in.name = name
        monkeypatch.setitem(registry._outside, ("dataset", name), plug_in)
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    (tmp_path / "mirror" / "toy" / "toy.bin").write_bytes(CONTENT)
    return tmp_path / "mirror"


def run(capsys, *arguments):
    status = main(["datasets", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_list_has_a_row_for_every_dataset(capsys, mirror):
    status, out, _ = run(capsys, "list", "--mirror", mirror)
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert status == 0
    assert set(registry.names("dataset")) <= rows.keys()
    assert rows["toy"].endswith("here")
    assert rows["lost"].endswith("1 to fetch")
    assert rows["sprites"].endswith("needs none")
    assert re.search(r"737,280 +64×64×1 +5 factors +Apache-2.0 +1 to fetch", rows["dsprites"])


def test_what_was_added_is_in_the_list(capsys, tmp_path):
    import numpy as np

    np.savez(tmp_path / "own.npz", images=np.full((20, 8, 8), 255, np.uint8), factors=np.arange(20)[:, None] % 2)
    assert run(capsys, "add", tmp_path / "own.npz")[0] == 0
    (row,) = [line for line in run(capsys, "list")[1].splitlines() if line.startswith("own ")]
    assert re.search(r"20 +8×8×1 +1 factors, your own", row)
    told = run(capsys, "info", "own")[1]
    for fact in ("20 of 8×8×1, grey", "content  sha256:", f"path = '{tmp_path / 'own.npz'}': where", "bins = 10: for"):
        assert fact in told


@pytest.mark.parametrize("name", registry.names("dataset"))
def test_the_description_says_all_that_is_declared(capsys, name):
    status, out, _ = run(capsys, "info", name)
    plug_in = registry.find("dataset", name)
    assert status == 0
    assert plug_in.title in out
    assert all(f"  {option} = " in out for option in plug_in.Options.model_fields)
    if all(not field.is_required() for field in plug_in.Options.model_fields.values()):
        source = plug_in()
        assert source.licence in out
        assert all(f"{factor.name} ({factor.size}, {factor.kind})" in out for factor in source.factors)
        assert all(file.digest in out and file.url in out for file in source.files)


def test_an_unknown_name_is_one_line_with_the_nearest(capsys):
    for action in ("info", "fetch"):
        status, out, err = run(capsys, action, "shapes")
        assert (status, out) == (1, "")
        assert err == "unknown dataset 'shapes'; did you mean 'shapes3d'?\n"


def test_fetching_says_where_files_are_and_what_could_not_be_had(capsys, mirror):
    status, out, err = run(capsys, "fetch", "toy", "lost", "sprites", "--mirror", mirror)
    assert (status, out) == (1, f"{mirror}/toy/toy.bin\n")
    told, failed = (line for line in err.splitlines() if line != "sprites needs no files")
    assert "sprites needs no files" in err
    assert told == "The lost: licence CC0-1.0; here"
    assert failed.startswith("datasets fetch: lost needs lost.bin")
    assert run(capsys, "fetch", "toy", "--mirror", mirror)[0] == 0


def test_the_card_has_the_sha256_of_the_files_that_were_used(tmp_path, monkeypatch):
    from official_files import source_of

    source = source_of("shapes3d", tmp_path / "mirror")
    monkeypatch.setitem(registry._outside, ("dataset", "shapes3d"), type(source))
    prepare("shapes3d", {}, tmp_path / "prepared", tmp_path / "mirror")
    card = read_json(tmp_path / "prepared" / "card.json")
    assert card["source_files"] == {
        file.name: hashlib.sha256((tmp_path / "mirror" / "shapes3d" / file.name).read_bytes()).hexdigest()
        for file in source.files
    }
    assert all(file["digest"].startswith("md5:") for file in card["files"])
    assert card["citation"].startswith("@misc{3dshapes18")
