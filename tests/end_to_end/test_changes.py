"""A study that grows or shrinks, really run: what exists is kept, what is left out is dropped from the report."""

import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow
CELL = "results/tiny/cells/digits/beta_vae/beta~1"


def states(work):
    return {
        path.name: (path / "finished.safetensors").stat().st_mtime_ns for path in work.path.glob("results/.state/*")
    }


def test_a_study_grows_by_a_seed_and_shrinks_by_a_strength(place, tmp_path):
    work = place(tmp_path / "work")
    work.configure(variants=["beta_vae"])
    work.study()
    before, old = states(work), load_file(work.path / CELL / "models.safetensors")
    assert len(before) == 4

    work.configure(variants=["beta_vae"], strengths=[1], seeds=3)
    work.study()
    after, new = states(work), load_file(work.path / CELL / "models.safetensors")
    assert len(after) == 5
    assert all(after[name] == time for name, time in before.items())
    assert all((new[name] == tensor).all() for name, tensor in old.items())
    assert any(name.startswith("seed2/") for name in new)
    assert (work.path / "results/tiny/cells/digits/beta_vae/beta~4/models.safetensors").is_file()
    rows = (work.path / "results/tiny/metrics.csv").read_text().splitlines()[1:]
    assert {row.split(",")[2] for row in rows} == {"1"}
    assert {row.split(",")[3] for row in rows} == {"0", "1", "2"}


def test_the_same_study_twice_gives_the_same_bytes(finished, place, tmp_path):
    other = place(tmp_path / "work")
    other.study()
    for pattern in ("tiny/**/models.safetensors", "tiny/**/metrics.csv", "tiny/**/codes.npz", "tiny/cells/**/*.png"):
        first, second = finished.files(pattern), other.files(pattern)
        assert first
        assert first == second, pattern


def test_a_seed_that_diverges_is_shown_and_never_averaged(place, tmp_path):
    work = place(tmp_path / "work")
    explodes = {"likelihood": "gaussian", "noise_std": 1e-9, "learning_rate": 1.0}
    variants = {"beta_vae": {}, "wild": {"variant": "beta_vae", "training": explodes}}
    work.configure(variants=variants, strengths=[1], seeds=1)
    work.study()
    runs = (work.path / "results/tiny/runs.csv").read_text()
    assert "digits,wild,1,0,diverged" in runs
    metrics = (work.path / "results/tiny/metrics.csv").read_text()
    assert ",wild,1,0,held_out,posterior,kl,,,0,not computed: training diverged:" in metrics
    assert ",nan," not in metrics.lower()
    assert "diverged" in (work.path / "results/tiny/report.md").read_text()
