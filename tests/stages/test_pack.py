"""A study is packed into one archive, which unpacks to the same files or not at all, and is run again from them."""

import contextlib
import json
import os
import shutil
import stat
import zipfile

import pytest
import yaml
from tiny_study import TINY, Place

from multibeta import registry
from multibeta.cli import main
from multibeta.files import read_json, write_json
from multibeta.results import StudyFolder
from multibeta.stages.pack import pack
from multibeta.stages.report import report
from multibeta.stages.shared import contents as contents_of_study
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.unpack import unpack
from multibeta.study import Study

SMALL = {"variants": {"beta_vae": {}}, "strengths": [1], "seeds": 1}
CELL = "cells/digits/beta_vae/beta~1"
MODELS = f"{CELL}/models.safetensors"


COMMITS = contents_of_study._commits


@pytest.fixture(scope="module", autouse=True)
def code_of_a_commit():
    """Whatever is being changed in the checkout of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contents_of_study, "_commits", lambda *_: {"0" * 40})
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A tiny study, run."""
    place = Place(tmp_path_factory.mktemp("studied"))
    place.configure(**SMALL)
    place.study()
    return place


@pytest.fixture(scope="module")
def study(place):
    return StudyFolder(place.path / "results" / "tiny")


@pytest.fixture
def own(study, tmp_path):
    """The study in a folder that a test may change."""
    shutil.copytree(study.path.parent, tmp_path / "results")
    return StudyFolder(tmp_path / "results/tiny")


@pytest.fixture(scope="module")
def packed(study, tmp_path_factory):
    archive = tmp_path_factory.mktemp("packed") / "tiny.zip"
    assert pack(study, archive) == []
    return archive


def test_the_same_study_gives_the_same_bytes(study, packed, tmp_path):
    pack(study, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    shutil.copytree(study.path.parent, tmp_path / "results", copy_function=shutil.copyfile)
    for root, name in ((study.path, "one.zip"), (tmp_path / "results/tiny", "other.zip")):
        assert main(["pack", str(root), "-o", str(tmp_path / name), "--date", "2026-01-31"]) == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes() != packed.read_bytes()


def test_an_archive_unpacks_to_what_was_packed(study, packed, tmp_path):
    manifest = unpack(packed, tmp_path / "out")
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {*manifest["files"], "manifest.json"}
    for name in ("report.html", "metrics.csv", "study.json", "provenance.json", "tables/methods.tex"):
        assert (tmp_path / "out/results/tiny" / name).read_bytes() == (study.path / name).read_bytes()
    assert not list((tmp_path / "out").rglob("models.safetensors"))


def test_the_metadata_is_an_ro_crate_that_describes_every_file(packed, tmp_path):
    manifest = unpack(packed, tmp_path / "out")
    crate = json.loads((tmp_path / "out/ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    files = {entity["name"]: entity["sha256"] for entity in crate["@graph"] if entity["@type"] == "File"}
    listed = {name: facts["sha256"] for name, facts in manifest["files"].items() if name != "ro-crate-metadata.json"}
    assert files == listed
    assert {part["@id"] for part in entities["./"]["hasPart"]} == {
        key for key, entity in entities.items() if entity["@type"] == "File"
    }
    for entity in crate["@graph"]:
        for value in entity.values():
            if isinstance(value, dict) and not value["@id"].startswith("http"):
                assert value["@id"] in entities


def test_the_metadata_names_the_licence_that_was_given(study, tmp_path, capsys):
    for name, given in (("with.zip", ["--licence", "cc-by-4.0"]), ("without.zip", [])):
        assert main(["pack", str(study.path), "-o", str(tmp_path / name), *given]) == 0
        unpack(tmp_path / name, tmp_path / name.removesuffix(".zip"))
    crates = [json.loads((tmp_path / name / "ro-crate-metadata.json").read_text()) for name in ("with", "without")]
    found, none = [{entity["@id"]: entity for entity in crate["@graph"]} for crate in crates]
    assert found["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert found["https://spdx.org/licenses/CC-BY-4.0"]["name"] == "CC-BY-4.0"
    assert "license" not in none["./"]


@pytest.mark.parametrize("licence", ["mine", "", "MIT AND Apache-2.0", "(", "CC-BY"])
def test_what_is_no_licence_is_refused(licence, study, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["pack", str(study.path), "-o", str(tmp_path / "a.zip"), f"--licence={licence}"])
    assert f"{licence!r}: must be one licence by its SPDX identifier" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_rocrate_reads_it(packed, tmp_path):
    rocrate = pytest.importorskip("rocrate.rocrate")
    manifest = unpack(packed, tmp_path / "out")
    crate = rocrate.ROCrate(tmp_path / "out")
    assert crate.name == "tiny"
    assert crate.datePublished is not None
    files = [entity for entity in crate.data_entities if entity.type == "File"]
    assert len(files) == len(manifest["files"]) - 1


def test_a_study_is_run_again_from_its_archive_to_the_same_models(place, study, packed, tmp_path, capsys):
    assert main(["unpack", str(packed), str(tmp_path / "out")]) == 0
    *_, head, run, compare = capsys.readouterr().out.splitlines()
    commit = read_json(study.provenance)["git_commit"]
    assert head.startswith(f"To run the study again, in the repository{f' at commit {commit}' if commit else ''}, ")
    command = run.split()
    assert command[:3] == ["snakemake", "--cores", "all"]
    place.run("--cores", "1", *command[3:])
    assert main(compare.split()[1:]) == 0
    again = StudyFolder(tmp_path / "out/rerun/results/tiny")
    for name in (MODELS, "metrics.csv", "summary.csv"):
        assert (again.path / name).read_bytes() == (study.path / name).read_bytes()


def test_with_weights_the_report_is_rewritten_without_training(study, tmp_path, capsys):
    pack(study, tmp_path / "full.zip", weights=True)
    unpack(tmp_path / "full.zip", tmp_path / "out")
    folder = tmp_path / "out/results/tiny"
    assert (folder / MODELS).read_bytes() == (study.path / MODELS).read_bytes()
    (folder / "summary.csv").unlink()
    assert main(["report", str(folder)]) == 0
    assert (folder / "summary.csv").read_bytes() == study.summary.read_bytes()
    assert main(["status", str(folder)]) == 0
    assert "1 of 1 runs ended (1 done)" in capsys.readouterr().out


def test_what_a_rerun_needs_goes_in_or_is_named(tmp_path, monkeypatch):
    np = pytest.importorskip("numpy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_outside", {})
    np.savez("mine.npz", images=np.zeros((50, 64, 64), np.uint8) + np.arange(50, dtype=np.uint8)[:, None, None])
    plugin = (
        "from multibeta.variants.beta_vae import BetaVAE\n\n\nclass Mine(BetaVAE):\n"
        '    """Mine."""\n    name = "mine"\n    title = "mine"\n'
    )
    (tmp_path / "mine.py").write_text(plugin, encoding="utf-8")
    config = {**TINY, **SMALL, "variants": {"mine": {}}, "plugins": [str(tmp_path / "mine.py")]}
    config["datasets"] = {"own": {"dataset": "arrays", "options": {"path": str(tmp_path / "mine.npz")}}}
    found = Study.parse(config)
    write_specs(found, tmp_path / "results")
    folder = found.folder(tmp_path / "results")
    report(folder.path)
    own, data, cell = pack(folder, tmp_path / "x.zip")
    assert own.startswith(f"dataset own: images of your own at {tmp_path / 'mine.npz'}, content sha256:")
    assert cell == "cell own/mine/beta~1: not trained and measured yet"
    assert data == "dataset own: card.json and features.safetensors, not there when it was packed"
    assert unpack(tmp_path / "x.zip", tmp_path / "out")["missing"] == [own, data, cell]
    monkeypatch.chdir(tmp_path / "out/rerun")
    registry._outside.clear()
    again = Study.read("config.yaml")
    assert again.options.plugins == ["plugins/mine.py"]
    assert again.cells[0].run_fingerprint(0) == found.cells[0].run_fingerprint(0)
    (tmp_path / "mine.py").write_text(plugin + "\n# changed\n", encoding="utf-8")
    registry._outside.clear()
    with pytest.raises(ValueError, match=r"own/mine/beta~1: its plug-ins or the code have changed"):
        pack(folder, tmp_path / "y.zip")
    assert not (tmp_path / "y.zip").exists()


@pytest.mark.parametrize(("missing", "said"), [("study.json", "no study there"), ("report.html", "no report of it")])
def test_a_folder_without_a_study_or_a_report_is_not_packed(tmp_path, missing, said):
    for name in {"study.json", "report.html"} - {missing}:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=said):
        pack(StudyFolder(tmp_path), tmp_path / "x.zip")


@pytest.mark.parametrize("linked", ["cells", "cells/digits", CELL, f"{CELL}/models.safetensors"])
def test_cells_and_files_that_are_links_are_packed(own, study, tmp_path, linked):
    (own.path / linked).rename(tmp_path / "elsewhere")
    (own.path / linked).symlink_to(tmp_path / "elsewhere")
    for folder in (own, study):
        assert pack(folder, tmp_path / f"{folder == own}.zip", weights=True, date="2026-01-31") == []
    assert (tmp_path / "True.zip").read_bytes() == (tmp_path / "False.zip").read_bytes()
    if linked in ("cells", CELL):
        with pytest.raises(ValueError, match="lies inside"):
            pack(own, tmp_path / "elsewhere/x.zip")


def test_what_else_is_a_link_is_named_and_not_followed(own, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret", encoding="utf-8")
    (own.path / "notes").symlink_to(tmp_path / "private")
    (own.path / CELL / "gone").symlink_to(tmp_path / "nowhere")
    assert pack(own, tmp_path / "x.zip") == [
        f"{CELL}/gone: no file, and no link to one",
        "notes: a link to a folder, which is not followed",
    ]
    assert not any("key" in name for name in unpack(tmp_path / "x.zip", tmp_path / "out")["files"])


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("tiny/cells", "cell digits/beta_vae/beta~1: not trained and measured yet"),
        (f"tiny/{CELL}/models.safetensors", "cell digits/beta_vae/beta~1: models.safetensors"),
        (f"tiny/{CELL}/history.csv", "cell digits/beta_vae/beta~1: history.csv"),
        (".data", "dataset digits: card.json and spec.json and features.safetensors"),
    ],
)
def test_what_was_lost_is_named(own, tmp_path, lost, said):
    path = own.root / lost
    path.rename(tmp_path / "elsewhere")
    if path.name == "cells":
        report(own.path)
    if path.name == "models.safetensors":
        assert pack(own, tmp_path / "y.zip") == []
    [line] = pack(own, tmp_path / "x.zip", weights=True)
    assert line.startswith(said)
    assert unpack(tmp_path / "x.zip", tmp_path / "out")["missing"] == [line]


@pytest.mark.parametrize(("commit", "named"), [("1" * 40, 0), ("", 0), (f"{'1' * 40} + changes 0123456789ab", 1)])
def test_code_that_is_in_no_commit_is_named(own, tmp_path, monkeypatch, commit, named):
    monkeypatch.setattr(contents_of_study, "_commits", COMMITS)
    for path in (own.provenance, *own.path.glob("cells/*/*/*/cell.json")):
        facts = read_json(path)
        for each in (facts, *facts.get("runs", {}).values()):
            each["git_commit"] = commit
        write_json(path, facts)
    assert pack(own, tmp_path / "x.zip") == [f"code: {commit}, which no repository has"] * named


def changed(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_cells_of_another_spec_or_damaged_are_named(own, tmp_path):
    facts = own.path / CELL / "cell.json"
    changed(facts, lambda content: content["runs"]["0"].update(fingerprint="0"))
    with pytest.raises(ValueError, match=r"runs.csv: not the runs .*\(the first that differs is digits/beta_vae/1/0\)"):
        pack(own, tmp_path / "x.zip")
    report(own.path)
    [line] = pack(own, tmp_path / "x.zip")
    assert line.startswith("cell digits/beta_vae/beta~1, seed 0: not trained as study.json asks")
    facts.write_text("{", encoding="utf-8")
    [line] = pack(own, tmp_path / "x.zip")
    assert line == "cell digits/beta_vae/beta~1: what became of its runs, for its cell.json is damaged"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"seeds": 2}, "runs.csv: not the runs that"),
        ({"training": {**TINY["training"], "budget": "60 steps"}}, "runs.csv: not the runs that"),
        ({"report": {"title": "New"}}, "provenance.json: of another config"),
        ({"running": {"device": "cpu"}}, None),
    ],
)
def test_a_report_older_than_the_study_is_refused(own, tmp_path, config, said):
    write_specs(Study.parse({**TINY, **SMALL, **config}), own.root)
    if said is None:
        assert pack(own, tmp_path / "x.zip") == []
        return
    with pytest.raises(ValueError, match=f"{said}.*; run multibeta report .* first"):
        pack(own, tmp_path / "x.zip")
    report(own.path)
    pack(own, tmp_path / "x.zip")


def test_cells_taken_out_of_the_study_stay_out(own, packed, tmp_path):
    cell = own.path / CELL
    shutil.copytree(cell, cell.with_name("beta~4"))
    pack(own, tmp_path / "x.zip")
    assert unpack(tmp_path / "x.zip", tmp_path / "x")["files"] == unpack(packed, tmp_path / "y")["files"]


@pytest.mark.parametrize(
    "target", ["study.json", "new.zip", "cells/digits/beta_vae/beta~1/spec.json", "../.data/new.zip"]
)
def test_no_archive_is_written_among_the_results(own, tmp_path, target, capsys):
    before = contents(tmp_path)
    assert main(["pack", str(own.path), "-o", str(own.path / target)]) == 1
    error = capsys.readouterr().err
    assert "lies inside" in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before


def test_no_archive_is_written_into_the_study_one_stands_in(study, monkeypatch, capsys):
    monkeypatch.chdir(study.path)
    assert main(["pack", "."]) == 1
    assert "pack: tiny.zip: lies inside the study; name a file outside it with -o" in capsys.readouterr().err


def test_an_archive_takes_the_place_of_archives_alone(study, tmp_path, capsys):
    (tmp_path / "mine.py").write_text("mine", encoding="utf-8")
    assert main(["pack", str(study.path), "-o", str(tmp_path / "mine.py")]) == 1
    assert "mine.py: is there already, and is no archive" in capsys.readouterr().err
    assert (tmp_path / "mine.py").read_text(encoding="utf-8") == "mine"
    for _ in range(2):
        pack(study, tmp_path / "mine.zip")


# Archives that lie.


def rewritten(packed, path, change):
    """The archive with a changed list of (ZipInfo, content)."""
    with zipfile.ZipFile(packed) as source:
        entries = [(entry, source.read(entry)) for entry in source.infolist()]
    with zipfile.ZipFile(path, "w") as target:
        for entry, content in change(entries):
            target.writestr(entry, content)
    return path


def plain(name, mode=stat.S_IFREG):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (mode | 0o644) << 16
    return entry


def manifest_with(**changes):
    def change(entries):
        manifest = json.loads(entries[0][1])
        return [(entries[0][0], json.dumps({**manifest, **changes}).encode()), *entries[1:]]

    return change


def bomb(entries):
    entry = plain("bomb")
    entry.compress_type = zipfile.ZIP_DEFLATED
    return [*entries, (entry, bytes(300 << 20))]


def listed(name, **facts):
    """An entry of that name, listed in the manifest as is said."""

    def change(entries):
        manifest = json.loads(entries[0][1])
        manifest["files"][name] = facts
        return [(entries[0][0], json.dumps(manifest).encode()), *entries[1:], (plain(name), b"x")]

    return change


HASH = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
LIES = {
    "outside": (lambda entries: [*entries, (plain("../x"), b"")], "no path below"),
    "absolute": (lambda entries: [*entries, (plain("/tmp/x"), b"")], "no path below"),
    "backslash": (lambda entries: [*entries, (plain("a\\..\\x"), b"")], "no path below"),
    "drive": (lambda entries: [*entries, (plain("C:x"), b"")], "no path below"),
    "folder": (lambda entries: [*entries, (plain("x/"), b"")], "no path below"),
    "link": (lambda entries: [*entries, (plain("x", stat.S_IFLNK), b"/etc/passwd")], "no plain file"),
    "pipe": (lambda entries: [*entries, (plain("x", stat.S_IFIFO), b"")], "no plain file"),
    "twice": (lambda entries: [*entries, (plain("Rerun/config.yaml"), b"")], "twice"),
    "extra": (lambda entries: [*entries, (plain("x"), b"")], "not in its manifest"),
    "lost": (lambda entries: entries[:-1], "is missing"),
    "no manifest": (lambda entries: entries[1:], "manifest.json is missing"),
    "altered": (
        lambda entries: [*entries[:-1], (entries[-1][0], entries[-1][1][::-1])],
        "not the file that was packed",
    ),
    "longer": (lambda entries: [*entries[:-1], (entries[-1][0], entries[-1][1] + b"x")], "has more than"),
    "shorter": (lambda entries: [*entries[:-1], (entries[-1][0], entries[-1][1][:-1])], "has fewer than"),
    "bomb": (bomb, "more than 100 times"),
    "both": (listed("rerun/config.yaml/x", size=1, sha256=HASH), "both a file and a folder"),
    "size": (listed("x", size="1", sha256=HASH), "has no size"),
    "hash": (listed("x", size=1, sha256="0"), "has no SHA-256"),
    "format": (manifest_with(format="other"), "not of the format"),
    "name": (manifest_with(study="; rm -rf"), "no name of a study"),
    "lines": (manifest_with(missing=["\x1b[2J"]), "no list of lines"),
    "files": (manifest_with(files=[]), "is damaged"),
    "text": (lambda entries: [(entries[0][0], b"{"), *entries[1:]], "is damaged"),
    "deep": (lambda entries: [(entries[0][0], b"[" * 100_000), *entries[1:]], "is damaged"),
}


def refused(archive, folder, said, capsys):
    before = sorted(folder.iterdir())
    assert main(["unpack", str(archive), str(folder / "out")]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_is_refused_in_one_line_and_leaves_nothing(packed, tmp_path, lie, capsys):
    change, said = LIES[lie]
    refused(rewritten(packed, tmp_path / "lie.zip", change), tmp_path, said, capsys)


def test_no_byte_of_an_archive_can_be_cut_off_or_changed_unseen(packed, tmp_path, capsys):
    whole = packed.read_bytes()
    archive = tmp_path / "lie.zip"
    for share in (0, 0.01, 0.5, 0.99):
        archive.write_bytes(whole[: int(share * len(whole))])
        refused(archive, tmp_path, "lie.zip: damaged, or no archive of a study", capsys)
    kept = unpack(packed, tmp_path / "kept")
    for number, position in enumerate(range(100, len(whole), len(whole) // 25)):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
        out = tmp_path / str(number)
        with contextlib.suppress(ValueError):  # unless the byte tells nothing of a file, such as its time
            assert unpack(archive, out) == kept
            assert contents(out) == contents(tmp_path / "kept")
            continue
        assert not out.exists()


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_is_there_is_left_alone(packed, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    refused(packed, tmp_path, "is there already", capsys)
    assert (tmp_path / "out/mine").read_text() == "mine"


@pytest.mark.parametrize("given", [".", "empty", "l" * 250, "new/er/out"])
def test_an_archive_is_unpacked_wherever_there_is_no_file_yet(packed, tmp_path, monkeypatch, given):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if given == "." else tmp_path)
    assert main(["unpack", str(packed), given]) == 0
    assert sorted(os.listdir(given)) == ["manifest.json", "rerun", "results", "ro-crate-metadata.json"]


@pytest.mark.parametrize("given", [".", "new/er/out"])
def test_a_damaged_archive_leaves_no_folder_behind(packed, tmp_path, monkeypatch, capsys, given):
    archive = rewritten(packed, tmp_path / "lie.zip", LIES["altered"][0])
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["unpack", str(archive), given]) == 1
    assert "not the file that was packed" in capsys.readouterr().err
    assert not os.listdir(".")


def test_what_has_to_be_prepared_before_an_unpacked_model_is_drawn_is_said(study, tmp_path, capsys):
    pack(study, tmp_path / "full.zip", weights=True)
    unpack(tmp_path / "full.zip", tmp_path / "out")
    cell = tmp_path / "out/results/tiny" / CELL
    assert main(["draw", str(cell)]) == 1
    error = capsys.readouterr().err
    assert "not prepared (images.npy is missing); run multibeta prepare " in error
    assert error.count("\n") == 1
    assert main(["prepare", error.split()[-1]]) == 0
    assert main(["draw", str(cell)]) == 0


def test_no_archive_is_one_line(tmp_path, capsys):
    refused(tmp_path / "none.zip", tmp_path, "No such file", capsys)


def test_the_config_of_an_archive_names_datasets_as_they_were_found(packed, tmp_path):
    unpack(packed, tmp_path / "out")
    config = yaml.safe_load((tmp_path / "out/rerun/config.yaml").read_text(encoding="utf-8"))
    assert config["datasets"]["digits"]["dataset"] == "digits"
