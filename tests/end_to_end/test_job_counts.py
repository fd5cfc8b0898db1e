"""What a change of the study trains, measures and reports anew: no more than it must."""

import os
import shutil

import pytest
from tiny_study import ROOT, TINY

from multibeta.files import read_json, write_json
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

pytestmark = pytest.mark.slow


def test_a_second_run_does_nothing(again):
    assert again.jobs() == {}


CELL = "cells/digits/beta_vae/beta~1"
TRAINED, MEASURED = {"train": 1, "measure": 1, "report_study": 1}, {"measure": 1, "report_study": 1}


@pytest.mark.parametrize(
    ("lost", "jobs"),
    [
        *((f"{CELL}/{name}", TRAINED) for name in ("models.safetensors", "history.csv", "cell.json")),
        *((f"{CELL}/{name}", MEASURED) for name in ("codes.npz", "metrics.csv", "repeats.csv", "arrays.npz")),
        *((f"{CELL}/{name}", MEASURED) for name in ("costs.json", "figures")),
        *((name, {"report_study": 1}) for name in (f"{CELL}/spec.json", "study.json", "provenance.json", "runs.csv")),
        ("references/digits.json", {"measure_references": 1, "report_study": 1}),
    ],
)
def test_what_is_lost_is_made_again_though_the_report_is_there(again, tmp_path, lost, jobs):
    path = again.path / "results/tiny" / lost
    path.rename(tmp_path / path.name)
    try:
        assert again.jobs() == jobs
    finally:
        (tmp_path / path.name).rename(path)


@pytest.mark.parametrize(("name", "jobs"), [("cell.json", TRAINED), ("costs.json", MEASURED)])
def test_what_is_damaged_is_made_again(again, name, jobs):
    path = again.path / "results/tiny" / CELL / name
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content[:40])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    try:
        assert again.jobs() == jobs
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_run_out_of_time_goes_on_when_it_has_more(again, tmp_path):
    work = again.copy(tmp_path / "work")
    path = work.path / "results/tiny" / CELL / "cell.json"
    facts, times = read_json(path), path.stat()
    facts["runs"]["0"] |= {"status": "timeout", "seconds": 61.0}
    write_json(path, facts)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    work.configure(running={"max_minutes": 1})
    assert work.jobs() == {}
    work.configure(running={"max_minutes": 2})
    assert work.jobs() == TRAINED


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        ({}, {}),
        ({"seeds": 3}, {"train": 4, "measure": 4, "report_study": 1}),
        ({"evaluation": {**TINY["evaluation"], "samples": 50}}, {"measure": 4, "report_study": 1}),
        ({"report": {"title": "Another"}}, {"report_study": 1}),
    ],
)
def test_a_change_is_seen_where_snakemake_has_no_record_of_what_was_made(again, tmp_path, changes, jobs):
    work = again.copy(tmp_path / "work")
    shutil.rmtree(work.path / ".snakemake")
    work.configure(**changes)
    assert work.jobs() == jobs


def test_a_report_is_written_again_when_another_start_has_left_its_study(again, tmp_path):
    work = again.copy(tmp_path / "work")
    write_specs(Study.parse({**TINY, "strengths": [1, 4, 8]}, "config.yaml"), work.path / "results")
    assert work.jobs() == {"report_study": 1}
    work.study()
    assert work.jobs() == {}


def test_a_named_target_alone_is_made(again, tmp_path):
    path = again.path / "results/tiny" / CELL / "cell.json"
    path.rename(tmp_path / "cell.json")
    try:
        assert again.study("--dry-run", "results/tiny/cells/digits/beta_vae/beta~4/models.safetensors") == {}
    finally:
        (tmp_path / "cell.json").rename(path)


def test_a_new_strength_trains_its_cells_only(again):
    again.configure(strengths=[1, 4, 8])
    assert again.jobs() == {"train": 2, "measure": 2, "report_study": 1}


def test_a_new_seed_asks_every_cell(again):
    again.configure(seeds=3)
    assert again.jobs() == {"train": 4, "measure": 4, "report_study": 1}


def test_a_new_variant_trains_its_cells_only(again):
    again.configure(variants={**TINY["variants"], "quick": {"variant": "beta_vae", "training": {"batch_size": 32}}})
    assert again.jobs() == {"train": 2, "measure": 2, "report_study": 1}


def test_another_number_of_latents_has_references_of_its_own(again):
    again.configure(variants={**TINY["variants"], "narrow": {"variant": "beta_vae", "training": {"latents": 2}}})
    assert again.jobs() == {"train": 2, "measure": 2, "measure_references": 1, "report_study": 1}


def test_a_strength_taken_out_is_dropped_from_the_report_only(again):
    again.configure(strengths=[4])
    assert again.jobs() == {"report_study": 1}


def test_an_option_of_the_report_makes_the_report_anew(again):
    again.configure(report={"title": "Another"})
    assert again.jobs() == {"report_study": 1}


def test_an_option_of_the_evaluation_measures_and_trains_nothing(again):
    again.configure(evaluation={**TINY["evaluation"], "samples": 70})
    assert again.jobs() == {"measure": 4, "measure_references": 1, "report_study": 1}


def test_an_option_of_the_training_trains_all(again):
    again.configure(training={**TINY["training"], "batch_size": 32})
    assert again.jobs() == {"train": 4, "measure": 4, "report_study": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {**TINY["training"], "batch_size": 64, "likelihood": "bernoulli"}},
        {"running": {"device": "cpu", "tensorboard": True}},
        {"mirror": "elsewhere"},
        {"strengths": [1.0, "4e0"]},
    ],
    ids=["a default written out", "how it runs", "the mirror", "another spelling of a strength"],
)
def test_nothing_is_trained_or_measured_for(again, changes):
    again.configure(**changes)
    assert set(again.jobs()) <= {"report_study"}


def test_editing_the_code_reruns_nothing(again):
    sources = [
        path for part in ("report", "metrics", "training") for path in (ROOT / "src/multibeta" / part).rglob("*.py")
    ]
    before = {path: path.stat() for path in sources}
    try:
        for path in sources:
            os.utime(path)
        assert again.jobs() == {}
    finally:
        for path, stat in before.items():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_dry_run_writes_nothing(place, tmp_path):
    fresh = place(tmp_path / "work")
    once = ("prepare", "learn_features", "measure_references", "report_study")
    assert fresh.jobs() == {**dict.fromkeys(once, 1), "train": 4, "measure": 4}
    assert not (fresh.path / "results").exists()


def test_every_result_of_the_design_is_there(again):
    study = again.path / "results" / "tiny"
    names = [
        "report.md",
        "report.html",
        "metrics.csv",
        "runs.csv",
        "summary.csv",
        "provenance.json",
        "numbers.tex",
        "tables/settings.tex",
        "tables/digits_core.tex",
        "figures/tradeoff.svg",
        "figures/disentanglement.pdf",
        "figures/correlations_digits.png",
        "references/digits.json",
    ]
    assert all((study / name).stat().st_size for name in names)
    cell = study / "cells" / "digits" / "cvae" / "beta~4"
    names = [
        "cell.json",
        "models.safetensors",
        "history.csv",
        "codes.npz",
        "metrics.csv",
        "repeats.csv",
        "arrays.npz",
        "figures/conditional_samples.png",
        "figures/importance.png",
        "figures/control.png",
        "figures/edits.png",
        "figures/edit_matrix.png",
    ]
    assert all((cell / name).stat().st_size for name in names)
    leftovers = [path for path in study.rglob(".*") if path.is_file() and path.name != ".snakemake_timestamp"]
    assert leftovers == []


def test_snakemakes_own_report_holds_the_figures(again, tmp_path):
    again.run("--report", str(tmp_path / "report.zip"))
    assert (tmp_path / "report.zip").stat().st_size > 100_000
