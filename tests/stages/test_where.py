"""Every number of a report leads back to the runs behind it, their weights, and the commands that made them."""

import hashlib
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from small_study import small_study

from multibeta.cli import main
from multibeta.files import read_json, write_json
from multibeta.report.behind import TABLES
from multibeta.results import StudyFolder
from multibeta.stages.where import where

pytest.importorskip("torch")
PLACES = [("digits", "beta_vae", "1"), ("digits", "beta_vae", "4")]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = small_study(tmp_path_factory.mktemp("made"))
    assert main(["report", str(folder.path)]) == 0
    return folder


def fingerprints(study, beta):
    return [run["fingerprint"] for run in read_json(study.cell("digits", "beta_vae", beta).cell)["runs"].values()]


def found(lines):
    """The fingerprints that are listed, cell by cell."""
    return [match[1] for line in lines if (match := re.search(r"fingerprint (\w{16})", line))]


def value(path, row, column):
    return pd.read_csv(path, dtype=str, keep_default_na=False)[column][row - 1]


def test_a_mean_leads_to_every_seed_of_its_cell_with_value_commit_weights_and_command(study):
    lines = where(study.summary, "dataset=digits,variant=beta_vae,beta=4,metric=mse", "mean")
    files = study.cell(*PLACES[1])
    scores = pd.read_csv(files.metrics, dtype={"value": str}).query("metric == 'mse' and factor.isna()").value
    commits = [run["git_commit"] for run in read_json(files.cell)["runs"].values()]
    runs = zip(scores, fingerprints(study, "4"), commits, strict=True)
    digest = hashlib.sha256(files.models.read_bytes()).hexdigest()
    provenance = read_json(study.provenance)
    assert lines[0].endswith(": mse (held_out, reconstruction) of digits beta_vae at 4, over its seeds")
    assert lines[1:] == [
        "behind it: 2 runs of 1 cell",
        "digits beta_vae at 4",
        *(
            f"  seed {seed}: done, {score}; fingerprint {fingerprint}, commit {commit or 'not known'}"
            for seed, (score, fingerprint, commit) in enumerate(runs)
        ),
        f"  weights  {files.models}, sha256 {digest}",
        f"  made by  multibeta train '{files.path}' && multibeta measure '{files.path}'",
        f"report: multibeta report {study.path}, commit {provenance['git_commit'] or 'not known'}",
        f"all of it: {provenance['command']}",
    ]


def test_what_the_page_asks_any_study_can_answer(study):
    page = (Path(__file__).parents[2] / "docs/how-to/verify.md").read_text(encoding="utf-8")
    asked = re.findall(r"^    multibeta where results/mine/(.*)$", page, re.M)
    assert len(asked) == 4
    for line in asked:
        table, *rest = line.split()
        assert "behind it: " in where(study.path / table, *rest)[1]


def test_a_score_leads_to_its_run_and_one_that_looks_at_siblings_to_all_of_the_cell(study):
    keys = "dataset=digits,beta=1,seed=1"
    assert found(where(study.metrics, f"{keys},metric=kl", "value")) == fingerprints(study, "1")[1:]
    of_siblings = where(study.metrics, f"{keys},metric=udr,protocol=udr_lasso", "value")
    assert found(of_siblings) == fingerprints(study, "1")
    assert "beside the other seeds of its cell" in of_siblings[0]
    assert found(where(study.runs, f"{keys}", "seconds")) == fingerprints(study, "1")[1:]


def test_a_difference_leads_to_both_cells(study):
    lines = where(study.comparisons, "beta=4,metric=mig", "mean")
    assert "digits beta_vae at 4 minus beta_vae at 1 within seeds (strength)" in lines[0]
    assert found(lines) == [*fingerprints(study, "4"), *fingerprints(study, "1")]
    assert "corrected over the 1 comparisons" in where(study.comparisons, "beta=4,metric=mig", "p_holm")[0]
    assert len(found(where(study.rate, "1", "slope"))) == 4


def test_every_cell_of_every_table_has_runs_behind_it(study):
    for name in TABLES:
        table = pd.read_csv(study.path / name, dtype=str, keep_default_na=False)
        assert len(table)
        for column in table:
            row = len(table)
            lines = where(study.path / name, str(row), column)
            assert lines[0].startswith(f"{table[column][row - 1] or '(empty)'}: ")
            assert found(lines)
            assert not any("the report is older" in line for line in lines)


def test_a_macro_and_a_number_of_a_latex_table_lead_where_their_rows_do(study):
    mean = where(study.summary, "beta=4,metric=kl", "mean")
    assert where(study.numbers, r"\mbKlDigitsBetaVaeFourPM")[1:] == mean[1:]
    assert where(study.tables / "digits_core.tex", "beta=4", "kl")[1:] == mean[1:]
    assert where(study.tables / "digits_core.tex", "2", "kl")[1:] == mean[1:]
    difference = where(study.comparisons, "beta=4,metric=kl", "mean")
    assert where(study.numbers, "mbDiffKlDigitsBetaVaeFourVsOne")[1:] == difference[1:]
    assert where(study.tables / "digits_differences_strengths.tex", "1", "kl")[1:] == difference[1:]


def test_a_report_older_than_its_cells_is_said(study, tmp_path):
    shutil.copytree(study.root, tmp_path / "results")
    copy = StudyFolder(tmp_path / "results" / study.path.name)
    metrics = copy.cell(*PLACES[1]).metrics
    table = pd.read_csv(metrics, dtype=str, keep_default_na=False)
    row = (table.metric == "mse") & (table.seed == "1") & (table.factor == "")
    table.loc[row, "value"] = "0.5"
    table.to_csv(metrics, index=False)
    lines = where(copy.metrics, "beta=4,seed=1,metric=mse", "value")
    assert lines[1] == "the cell now says 0.5: the report is older, or one of them was altered"
    assert "the report is older" in where(copy.summary, "beta=4,metric=mse", "mean")[1]
    assert "the report is older" not in where(copy.summary, "beta=1,metric=mse", "mean")[1]


def test_a_strength_may_be_spelled_otherwise_and_blanks_do_not_matter(study):
    wanted = where(study.summary, "beta=4,metric=kl", "mean")
    for row in ("beta=4.0,metric=kl", "beta = 4e0, metric=kl", " metric=kl , beta=04 "):
        assert where(study.summary, row, "mean") == wanted
    assert where(study.comparisons, "beta=4.0,against_beta=1e0,metric=mig", "p")[0].endswith("(strength)")


def test_a_table_may_be_named_from_within_its_folder(study, monkeypatch):
    wanted = where(study.tables / "digits_core.tex", "1", "kl")
    monkeypatch.chdir(study.tables)
    assert where(Path("digits_core.tex"), "1", "kl")[0] == wanted[0]
    assert found(where(Path("digits_core.tex"), "1", "kl")) == found(wanted)
    monkeypatch.chdir(study.path)
    assert found(where(Path("tables/digits_core.tex"), "1", "kl")) == found(wanted)
    assert found(where(Path("summary.csv"), "beta=1,metric=kl", "mean")) == found(wanted)


def test_a_number_that_a_latex_table_does_not_have_is_called_empty(study, tmp_path):
    shutil.copytree(study.root, tmp_path / "results")
    copy = StudyFolder(tmp_path / "results" / study.path.name)
    table = pd.read_csv(copy.summary, dtype=str, keep_default_na=False)
    table.loc[(table.metric == "mig") & (table.beta == "4") & (table.factor == ""), "mean"] = ""
    table.to_csv(copy.summary, index=False)
    assert where(copy.tables / "digits_core.tex", "beta=4", "mig")[0].startswith("(empty): mig (dlib19, mean) of")


def test_before_the_report_there_is_no_table(study, tmp_path, capsys):
    copy = tmp_path / "results/small"
    copy.mkdir(parents=True)
    shutil.copy(study.study, copy)
    for name in ("summary.csv", "tables/digits_core.tex"):
        assert main(["where", str(copy / name), "1", "mean"]) == 1
        told = f"no such table: no report is written yet, run multibeta report {copy}\n"
        assert capsys.readouterr().err == f"where: {copy / name}: {told}"


def test_a_cell_taken_out_of_the_study_is_named(study, tmp_path):
    shutil.copytree(study.root, tmp_path / "results")
    copy = StudyFolder(tmp_path / "results" / study.path.name)
    description = read_json(copy.study)
    write_json(copy.study, {**description, "cells": description["cells"][:1]})
    gone = "digits beta_vae at 4: no longer in the study; the report is older than study.json, run multibeta report "
    for table, row, column in (
        (copy.summary, "beta=4,metric=mse", "mean"),
        (copy.metrics, "beta=4,metric=mse,seed=0", "value"),
        (copy.comparisons, "beta=4,metric=mig", "mean"),
        (copy.rate, "1", "slope"),
    ):
        lines = where(table, row, column)
        assert lines[1] == f"{gone}{copy.path}"
        assert lines[2].startswith("behind it: ")
    assert where(copy.summary, "beta=1,metric=mse", "mean")[1] == "behind it: 2 runs of 1 cell"
    # A table of a whole dataset that was taken out.
    other = {**description["cells"][0], "dataset": {**description["cells"][0]["dataset"], "name": "other"}}
    write_json(copy.study, {**description, "cells": [other]})
    assert where(copy.tables / "digits_core.tex", "beta=4", "mig")[1] == f"{gone}{copy.path}"


@pytest.mark.parametrize(
    ("table", "row", "column", "told"),
    [
        ("summry.csv", "1", "mean", "no such table; did you mean 'summary.csv'?"),
        ("study.json", "1", "mean", "no table whose numbers have runs behind them"),
        ("summary.csv", "0", "mean", "no row 0; it has"),
        ("summary.csv", "9999", "mean", "no row 9999; it has"),
        ("summary.csv", "1", "maen", "no column 'maen'; did you mean 'mean'?"),
        ("summary.csv", "1", None, "say which column; choose from dataset, variant"),
        ("summary.csv", "first", "mean", "must be a number, or key=value"),
        ("summary.csv", "bta=4", "mean", "no column 'bta' to find a row by; did you mean 'beta'?"),
        ("summary.csv", "beta=5", "mean", "no row has beta=5"),
        ("summary.csv", "beta=4", "mean", "rows have beta=4; say more, such as protocol="),
        ("numbers.tex", "mbKlDigitsBetaVaeFive", None, r"no macro \mbKlDigitsBetaVaeFive; did you mean 'mbKl"),
        ("tables/digits_cor.tex", "1", "mig", "no such table; did you mean 'digits_core.tex'?"),
        ("tables/settings.tex", "1", "mig", "no table of numbers; give <dataset>_core.tex"),
        ("tables/digits_core.tex", "1", "mgi", "no column 'mgi'; did you mean 'mig'?"),
        ("tables/digits_core.tex", "3", "mig", "no row 3; it has 2"),
    ],
)
def test_what_there_is_not_is_said_in_one_line(study, table, row, column, told, capsys):
    path = study.path / table
    assert main(["where", str(path), row, *([column] if column else [])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"where: {path}: ")
    assert told in line


def test_a_table_outside_of_a_study_is_refused(tmp_path, capsys):
    assert main(["where", str(tmp_path / "summary.csv"), "1", "mean"]) == 1
    assert "no table of a study" in capsys.readouterr().err
