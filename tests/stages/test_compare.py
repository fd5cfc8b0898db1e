"""Two small studies on disk become a page and a table: one more seed, one changed option, one training done again."""

import json
import shutil

import pytest

from multibeta.cli import main
from multibeta.files import read_table, write_json
from multibeta.report.compared import COMPARED_COLUMNS
from multibeta.results import StudyFolder
from multibeta.stages.compare import compare
from multibeta.stages.measure import measure
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.train import train
from multibeta.study import Study

CONFIG = {
    "name": "first",
    "datasets": ["digits"],
    "variants": {"beta_vae": {}, "cvae": {}},
    "strengths": [2],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 2, "budget": "20 steps"},
    "evaluation": {"metrics": ["kl", "reconstruction", "mig"], "protocols": ["dlib19"], "figures": False},
    "running": {"device": "cpu"},
}
#: One seed more for all; the β-VAE is as in the first study, the CVAE learns faster.
SECOND = {
    **CONFIG,
    "name": "second",
    "variants": {"beta_vae": {}, "cvae": {"training": {"learning_rate": 0.01}}},
    "seeds": 3,
}


def make(config, root):
    """A study, trained and measured, but for its report; it shares no run with another root's."""
    study = Study.parse(config)
    write_specs(study, root)
    for cell in study.cells:
        prepare_of_cell(cell.folder(root))
        train(cell.folder(root))
        measure(cell.folder(root), ("encode", "evaluate"))
    return root / config["name"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    roots = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    yield [make(config, root) for config, root in zip((CONFIG, SECOND), roots, strict=True)]
    torch.set_num_threads(threads)


@pytest.fixture
def studies(made, tmp_path, monkeypatch):
    """Copies of the two to spoil, in the current folder, prepared data beside them."""
    monkeypatch.chdir(tmp_path)
    copies = []
    for folder in made:
        shutil.copytree(folder, tmp_path / "results" / folder.name)
        shutil.copytree(folder.parent / ".data", tmp_path / "results" / ".data", dirs_exist_ok=True)
        copies.append(StudyFolder(tmp_path / "results" / folder.name))
    return copies


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spoil(path, change):
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    write_json(path, value)


def test_the_page_says_what_two_trainings_share_and_where_they_differ(studies, tmp_path, capsys):
    before = tree(tmp_path)
    assert main(["compare", "results/first", "results/second"]) == 0
    assert capsys.readouterr().out == "compare-first-second/compare.html\n"
    out = tmp_path / "compare-first-second"
    assert {path.name for path in out.iterdir()} == {"compare.md", "compare.html", "compare.csv"}
    after = tree(tmp_path)
    assert {path: after[path] for path in before} == before
    assert all(path in before or path.parent == out for path in after)

    text = (out / "compare.md").read_text(encoding="utf-8")
    assert "in 2 common cells, between which 2 options differ." in text
    assert "| seeds | which runs | `[0, 1]` | `[0, 1, 2]` | all 2 |" in text
    assert "| training.learning\\_rate | training | `0.0005` | `0.01` | digits · CVAE · β = 2 |" in text
    # Trained twice, in two folders: the same numbers to the last digit shown.
    assert "2 runs are the same in both;" in text
    assert "disagree" not in text
    assert "| β-VAE | β = 2 | the same | 0 | 0 | 0 |" in text
    assert "<title>first and second, compared</title>" in (out / "compare.html").read_text(encoding="utf-8")

    table = read_table(out / "compare.csv")
    assert table.columns.tolist() == list(COMPARED_COLUMNS)
    assert set(table.metric) == {"kl", "reconstruction", "mig"}
    assert set(table.pairs) == {2}
    assert table[table.variant == "cvae"].same_runs.tolist() == [0, 0, 0]
    assert (table[table.variant == "cvae"]["mean"] != 0).all()


def test_equal_studies_give_equal_bytes(studies, tmp_path):
    for name in ("x", "y"):
        compare(studies[0].path, studies[1].path, tmp_path / name)
    assert [path.read_bytes() for path in sorted((tmp_path / "x").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "y").iterdir())
    ]


def test_an_altered_number_of_the_same_run_is_found(studies):
    path = studies[1].cell("digits", "beta_vae", "2").metrics
    table = read_table(path)
    chosen = (table.metric == "mig") & (table.seed == 1) & (table.factor == "") & (table.representation == "mean")
    table.loc[chosen, "value"] += 0.01
    table.to_csv(path, index=False)
    text = compare(studies[0].path, studies[1].path).with_suffix(".md").read_text(encoding="utf-8")
    assert "**1 number of the same runs disagree" in text
    assert "| MIG | dlib19 | mean | digits · β-VAE · β = 2, seed 1 |" in text


def test_the_commit_is_that_of_the_reports(studies):
    write_json(studies[0].provenance, {"git_commit": "0123456"})
    text = compare(studies[0].path, studies[1].path).with_suffix(".md").read_text(encoding="utf-8")
    assert "| commit of the report | 0123456 | not known |" in text


def test_unfinished_studies_are_compared_as_far_as_they_exist(studies):
    shutil.rmtree(studies[1].cell("digits", "cvae", "2").path)
    studies[1].cell("digits", "beta_vae", "2").metrics.unlink()
    text = compare(studies[0].path, studies[1].path).with_suffix(".md").read_text(encoding="utf-8")
    assert "| runs | 4 done | 3 done, 3 missing |" in text
    assert "| measured | 4 | 0 |" in text
    assert "2 runs are the same in both." in text
    assert "No measure is there for the same cell and seed in both." in text


def test_namesakes_are_told_apart_by_their_paths(studies, tmp_path):
    shutil.copytree(studies[1].path.parent, tmp_path / "other")
    (tmp_path / "other" / "second").rename(tmp_path / "other" / "again")
    (tmp_path / "other" / "first").rename(tmp_path / "other" / "second")
    text = compare(studies[1].path, tmp_path / "other" / "second").with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith(f"# {tmp_path}/results/second and {tmp_path}/other/second, compared\n".replace("_", "\\_"))


def no_study(first, _second):
    first.study.unlink()


def another_program(first, _second):
    write_json(first.study, {"name": "first", "runs": []})


def half_written(first, _second):
    first.study.write_text('{"name": ', encoding="utf-8")


def damaged_table(first, _second):
    first.cell("digits", "cvae", "2").metrics.write_text("nothing\nof,ours\n", encoding="utf-8")


def lost_plug_in(first, _second):
    spoil(first.study, lambda study: study["cells"][0].update(plugins=["gone.py"]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_study, "compare: results/first: no study there (study.json is missing)"),
        (
            another_program,
            "compare: results/first: cannot be read as a study (ValueError: results/first/study.json: damaged",
        ),
        (
            half_written,
            "compare: results/first: cannot be read as a study (ValueError: results/first/study.json: damaged",
        ),
        (damaged_table, "compare: results/first: cannot be read as a study ("),
        (lost_plug_in, "compare: results/first: results/first/study.json: plug-in file 'gone.py' does not exist"),
    ],
)
def test_what_is_no_study_is_one_line(studies, tmp_path, capsys, damage, message):
    damage(*studies)
    assert main(["compare", "results/first", "results/second"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "compare-first-second").exists()


@pytest.mark.parametrize("out", ["results/first", "results/second/compared"])
def test_nothing_is_written_into_a_study(studies, capsys, out):
    assert main(["compare", "results/first", "results/second", "--out", out]) == 1
    assert capsys.readouterr().err.startswith(f"compare: {out}: lies inside the study")


def test_a_study_is_not_compared_with_itself(studies, capsys):
    assert main(["compare", "results/first", "results/second/../first"]) == 1
    assert "is the same study as results/first; give two" in capsys.readouterr().err


def test_the_default_folder_is_not_inside_a_study_either(studies, monkeypatch, capsys):
    monkeypatch.chdir(studies[0].path)
    assert main(["compare", ".", "../second"]) == 1
    assert "compare-first-second: lies inside the study .; give another folder with --out" in capsys.readouterr().err
