"""A variant and a metric of one's own in a study, and a seed that diverges among seeds that do not."""

import math

import pytest

from multibeta.files import read_table

pytestmark = pytest.mark.slow

# The noise of each step is keyed by the seed: of seeds 0, 1, 2 only that of seed 1 exceeds 4 within 40 steps.
FRAGILE = """
from multibeta.variants import Variant

class Fragile(Variant):
    title, source = "Fragile VAE", "this test"

    def loss(self, forward, strength):
        noise = (forward.z - forward.mean) / (0.5 * forward.logvar).exp()
        broken = float("inf") if noise.max() > 4 else 1.0
        return {"reconstruction": (1.0, forward.reconstruction * broken), "kl": (strength, forward.kl)}
"""
SPREAD = """
from multibeta.metrics import Metric, Result

class Spread(Metric):
    title, source, protocol, needs = "Spread", "this test", "toy", ("codes",)

    def measure(self, *, codes):
        return Result(float(codes.std()), n=len(codes))
"""


@pytest.fixture(scope="module")
def work(finished, tmp_path_factory):
    """The tiny study with one cell of the variant ``fragile``, run beside the finished one."""
    work = finished.copy(tmp_path_factory.mktemp("plug_ins") / "work")
    work.write("fragile.py", FRAGILE)
    work.write("spread.py", SPREAD)
    work.configure(name="mine", variants=["fragile"], strengths=[1], seeds=3, plugins=["fragile.py", "spread.py"])
    work.study()
    return work


def test_a_seed_that_diverges_is_shown(work):
    runs = read_table(work.path / "results/mine/runs.csv").set_index("seed")
    assert runs.status.to_dict() == {0: "done", 1: "diverged", 2: "done"}
    assert math.isnan(runs.kl[1])
    metrics = read_table(work.path / "results/mine/metrics.csv")
    failed = metrics[metrics.seed == 1]
    assert failed.value.isna().all()
    assert failed.status.str.match(
        r"not computed: training diverged: loss became (inf|nan) between steps \d+ and"
    ).all()
    report = (work.path / "results/mine/report.md").read_text(encoding="utf-8")
    assert "2 of 3 runs" in report
    assert "diverged" in report


def test_a_seed_that_diverges_is_never_averaged_in(work):
    metrics = read_table(work.path / "results/mine/metrics.csv")
    summary = read_table(work.path / "results/mine/summary.csv").set_index(["metric", "representation", "factor"])
    row = summary.loc["kl", "posterior", ""]
    values = metrics[(metrics.metric == "kl") & (metrics.factor == "") & (metrics.seed != 1)].value
    assert row["mean"] == pytest.approx(values.mean())
    assert (row.seeds, row.excluded) == (2, 1)
    assert row.reason.startswith("not computed: training diverged")


def test_a_metric_of_ones_own_stands_among_the_others(work):
    metrics = read_table(work.path / "results/mine/metrics.csv")
    spread = metrics[(metrics.metric == "spread") & (metrics.seed == 0)]
    assert spread.protocol.tolist() == ["toy", "toy"]
    assert spread.representation.tolist() == ["mean", "sampled"]
    assert "Spread" in (work.path / "results/mine/report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "code", "jobs"),
    [
        ("spread.py", SPREAD, {"measure": 1, "measure_references": 1, "report_study": 1}),
        ("fragile.py", FRAGILE, {"train": 1, "measure": 1, "report_study": 1}),
    ],
)
def test_editing_a_plug_in_redoes_what_uses_it(work, name, code, jobs):
    work.write(name, code + "# edited\n")
    assert work.jobs() == jobs
    work.write(name, code)
