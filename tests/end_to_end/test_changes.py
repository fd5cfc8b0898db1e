"""A study that grows or shrinks, really run: what exists is kept, what is left out is dropped from the report."""

import pytest
from safetensors.numpy import load_file
from tiny_study import TINY

from multibeta.results import read_table

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


def test_the_same_study_twice_gives_the_same_bytes(finished, place, tmp_path):
    other = place(tmp_path / "work")
    other.study()
    for pattern in ("tiny/**/models.safetensors", "tiny/**/metrics.csv", "tiny/**/codes.npz", "tiny/cells/**/*.png"):
        first, second = finished.files(pattern), other.files(pattern)
        assert first
        assert first == second, pattern
    for pattern in ("tiny/summary.csv", "tiny/figures/tradeoff.*", "tiny/cells/**/history.csv"):
        assert finished.files(pattern) == other.files(pattern), pattern
