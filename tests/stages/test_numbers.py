"""The lock of cited numbers on a trained study: changed weights are found, an unchanged rerun is not."""

import shutil

import pytest

from multibeta.cli import main
from multibeta.files import read_json, write_json
from multibeta.results import StudyFolder
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.report import report
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

pytest.importorskip("torch")

CONFIG = {
    "name": "x",
    "datasets": ["digits"],
    "variants": ["beta_vae"],
    "strengths": [1, 4],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 2, "budget": "20 steps"},
    "evaluation": {"metrics": ["reconstruction", "kl", "mig", "fid"], "codes": 300, "held_out": 60, "figures": False},
    "running": {"device": "cpu"},
}
TEXT = r"""
At $\beta = 4$ it is \mbReconstructionDigitsBetaVaeFour{} \mbReconstructionDigitsBetaVaeFourCI{} nats, KL
\mbKlDigitsBetaVaeOne, MIG differs by \mbDiffMigDigitsBetaVaeFourVsOne, and FID is \mbFidDigitsBetaVaeOne.
"""
CITED = [
    "ReconstructionDigitsBetaVaeFour",
    "KlDigitsBetaVaeOne",
    "DiffMigDigitsBetaVaeFourVsOne",
    "FidDigitsBetaVaeOne",
]


def make(study, root):
    write_specs(study, root)
    for cell in study.cells:
        folder = cell.folder(root)
        prepare_of_cell(folder)
        assert main(["train", str(folder.path)]) == 0
        assert main(["measure", str(folder.path)]) == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    make(Study.parse(CONFIG), root)
    return root


@pytest.fixture
def study(trained, tmp_path):
    """A copy of the study, and a text that cites it."""
    shutil.copytree(trained, tmp_path / "results")
    (tmp_path / "paper.tex").write_text(TEXT, encoding="utf-8")
    return StudyFolder(tmp_path / "results" / "x")


@pytest.fixture
def text(study):
    return study.root.parent / "paper.tex"


def run(*arguments, status=0):
    assert main(["numbers", *map(str, arguments)]) == status


def change_weights(folder):
    """Another decoder, as one changed file of weights."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder.models)
    changed = {name: 2 * tensor if "decoder" in name else tensor for name, tensor in tensors.items()}
    assert any((changed[name] != tensor).any() for name, tensor in tensors.items())
    save_file(changed, folder.models)


def test_what_a_text_cites_is_locked(study, text, capsys):
    run(study.path, "--lock", text)
    assert list(read_json(study.lock)["numbers"]) == CITED
    assert capsys.readouterr().out == f"{study.lock}: 4 numbers locked\n"


def test_changed_weights_are_found_by_name_from_to(study, text, capsys):
    run(study.path, "--lock", text)
    cell = study.cell("digits", "beta_vae", "4")
    change_weights(cell)
    assert main(["measure", str(cell.path)]) == 0
    capsys.readouterr()
    run(study.path, "--check", status=1)
    (line,) = capsys.readouterr().out.splitlines()
    before = read_json(study.lock)["numbers"]["ReconstructionDigitsBetaVaeFour"]["value"]
    assert line.startswith(rf"\mbReconstructionDigitsBetaVaeFour moved from {before:.1f} (95 % interval ")
    assert "Cited numbers have moved: 1 of 4" in text_of_report(study)


def test_an_unchanged_rerun_is_not_found(study, text, capsys):
    run(study.path, "--lock", text)
    for gone in (study.path / "cells", study.root / ".state", study.root / ".lineage"):
        shutil.rmtree(gone)
    make(Study.parse(CONFIG), study.root)
    capsys.readouterr()
    run(study.path, "--check")
    assert capsys.readouterr().out == "All 4 locked numbers are as they were cited.\n"
    assert "All 4 numbers locked in `numbers.lock.json` are as they were cited." in text_of_report(study)


def test_a_cell_taken_out_is_named(study, text, capsys):
    run(study.path, "--lock", text)
    write_specs(Study.parse({**CONFIG, "strengths": [1]}), study.root)
    run(study.path, "--check", status=1)
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert [line.partition(" no longer exists")[0] for line in lines] == [
        r"\mbReconstructionDigitsBetaVaeFour",
        r"\mbDiffMigDigitsBetaVaeFourVsOne",
    ]


def test_all_numbers_are_locked_without_a_text_and_elsewhere_on_demand(study, tmp_path):
    run(study.path, "--lock", "--file", tmp_path / "paper" / "cited.json")
    assert not study.lock.exists()
    run(study.path, "--check", "--file", tmp_path / "paper" / "cited.json")
    assert set(CITED) < set(read_json(tmp_path / "paper" / "cited.json")["numbers"])


def test_a_paper_may_have_the_macros_it_needs_alone(study, text, tmp_path, typeset):
    run(study.path, "--lock", text, "--macros", tmp_path / "cited.tex")
    page = typeset(text.read_text(encoding="utf-8"), (tmp_path / "cited.tex").read_text(encoding="utf-8"))
    assert "FID is not computed." in page
    run(study.path, "--lock", text, tmp_path / "cited.tex")
    assert list(read_json(study.lock)["numbers"]) == CITED


def test_macros_that_are_none_of_the_study_are_named(study, text, capsys):
    text.write_text(r"\mbKlDigitsBetaVaeOne \mbKlDigitBetaVaeFour \mbEntirelyElse", encoding="utf-8")
    run(study.path, "--lock", text)
    assert list(read_json(study.lock)["numbers"]) == ["KlDigitsBetaVaeOne"]
    first, second = capsys.readouterr().err.splitlines()
    assert r"\mbKlDigitBetaVaeFour (did you mean \mbKlDigitsBetaVaeFour?) is no number of" in first
    assert r"\mbEntirelyElse is no number of" in second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check"], "no lock there"),
        (["--lock", "absent.tex"], "absent.tex"),
        (["--lock", "empty.tex"], "no number of"),
        (["--check", "--file", "other.json"], "is no lock of numbers (numbers: Field required)"),
        (["--check", "--file", "damaged.json"], "damaged.json: damaged"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(study, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.tex").write_text(r"No \mbox of numbers.", encoding="utf-8")
    (tmp_path / "damaged.json").write_text("{", encoding="utf-8")
    write_json(tmp_path / "other.json", {})
    run(study.path, *arguments, status=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_damaged_lock_does_not_stop_the_report(study):
    study.lock.write_text("{", encoding="utf-8")
    assert "The lock of cited numbers cannot be read" in text_of_report(study)


def test_a_study_that_is_not_measured_has_nothing_to_lock(tmp_path, capsys):
    write_specs(Study.parse(CONFIG), tmp_path)
    run(tmp_path / "x", "--lock", status=1)
    assert "nothing is measured yet" in capsys.readouterr().err


def text_of_report(study):
    report(study.path)
    return study.report_markdown.read_text(encoding="utf-8")
