"""A study that grows or shrinks, really run: what exists is kept, what is left out is dropped from the report."""

import re

import pytest
from safetensors.numpy import load_file
from tiny_study import TINY

from multibeta.files import read_table
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

pytestmark = pytest.mark.slow
CELL = "results/tiny/cells/digits/beta_vae/beta~1"


def states(work):
    return {
        path.name: (path / "finished.safetensors").stat().st_mtime_ns for path in work.path.glob("results/.state/*")
    }


def test_a_study_grows_by_a_seed_and_shrinks_by_a_strength_and_a_variant(finished, tmp_path):
    work = finished.copy(tmp_path / "work")
    before, old = states(work), load_file(work.path / CELL / "models.safetensors")
    left_out = work.files("tiny/cells/digits/cvae/**/*") | work.files("tiny/cells/digits/beta_vae/beta~4/**/*")
    work.configure(variants=["beta_vae"], strengths=[1], seeds=3)
    assert work.study() == {"train": 1, "measure": 1, "report_study": 1}

    after, new = states(work), load_file(work.path / CELL / "models.safetensors")
    assert len(after) == len(before) + 1
    assert all(after[name] == time for name, time in before.items())
    assert all((new[name] == tensor).all() for name, tensor in old.items())
    assert any(name.startswith("seed2/") for name in new)

    kept = work.files("tiny/cells/digits/cvae/**/*") | work.files("tiny/cells/digits/beta_vae/beta~4/**/*")
    assert kept == left_out
    table = read_table(work.path / "results/tiny/metrics.csv")
    assert (set(table.variant), set(table.beta), set(table.seed)) == ({"beta_vae"}, {"1"}, {0, 1, 2})
    report = (work.path / "results/tiny/report.md").read_text(encoding="utf-8")
    assert "All 3 runs of the study are done and measured." in report
    assert "CVAE" not in report
    assert work.jobs() == {}


def test_figures_are_drawn_on_demand_and_nothing_is_done_again_for_them(finished, tmp_path):
    work = finished.copy(tmp_path / "work")
    before = states(work)
    evaluation = {**TINY["evaluation"], "figures": False}
    work.configure(variants=["beta_vae"], strengths=[1], evaluation=evaluation)
    counts = work.study()
    assert counts["measure"] == 1
    assert "train" not in counts
    assert states(work) == before
    folder, metrics = work.path / CELL / "figures", (work.path / CELL / "metrics.csv").read_bytes()
    assert [path.name for path in folder.iterdir()] == [".snakemake_timestamp"]
    work.run("draw", CELL, program="multibeta")
    assert (folder / "traversals_prior.webp").is_file()
    assert (work.path / CELL / "metrics.csv").read_bytes() == metrics
    assert work.jobs() == {}
    assert "figures/reconstructions.png" not in (work.path / "results/tiny/report.md").read_text(encoding="utf-8")
    work.run("report", "results/tiny", program="multibeta")
    assert "figures/reconstructions.png" in (work.path / "results/tiny/report.md").read_text(encoding="utf-8")


def test_measures_of_another_evaluation_count_for_none_until_they_are_made_anew(finished, tmp_path):
    work = finished.copy(tmp_path / "work")
    work.configure(evaluation={**TINY["evaluation"], "samples": 70})
    # A start writes what is asked for, and is killed at once.
    write_specs(Study.read(work.path / "config.yaml"), work.path / "results")

    def told(*arguments, status=0):
        return work.run(*arguments, program="multibeta", status=status)

    assert "0 of 8 runs ended (8 trained)" in told("status", "results/tiny")
    assert re.search(r"0 to train.*8 to measure|8 runs to measure", told("plan", "config.yaml"), flags=re.DOTALL)
    assert "no run of it is trained and measured yet" in told("verify", "results/tiny", status=1)
    told("report", "results/tiny")
    assert read_table(work.path / "results/tiny/runs.csv").kl.isna().all()
    assert "not measured as study.json asks" in told("pack", "results/tiny", "-o", str(tmp_path / "tiny.zip"))
    assert work.study() == {"measure": 4, "measure_references": 1, "report_study": 1}
    assert "8 of 8 runs ended" in told("status", "results/tiny")


def test_the_same_study_twice_gives_the_same_bytes(finished, place, tmp_path):
    other = place(tmp_path / "work")
    other.study()
    for pattern in ("tiny/**/models.safetensors", "tiny/**/metrics.csv", "tiny/**/codes.npz", "tiny/cells/**/*.png"):
        first, second = finished.files(pattern), other.files(pattern)
        assert first
        assert first == second, pattern
    for pattern in ("tiny/summary.csv", "tiny/figures/tradeoff.*", "tiny/cells/**/history.csv"):
        assert finished.files(pattern) == other.files(pattern), pattern
