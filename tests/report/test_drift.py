"""How far a number may move, what of the surroundings explains that it does, and what it comes to."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from multibeta.report.drift import Drift, Verdict, Verified, by_bits, drifts, pool, reasons, yardsticks

MIG = ("dlib19", "mean", "mig", "")
NOW = {
    "versions": {"python": "3.12.1", "torch": "2.11.0", "snakemake": "9.13"},
    "hardware": {"processor": "A", "cores": 2, "gpus": "none", "kernels": "AVX2", "system": "Linux x86_64"},
    "device": "cpu",
    "threads": 1,
}


def rows(values, factor="", metric="mig", status="done"):
    """Rows of metrics.csv, a seed for each value."""
    table = {"protocol": "dlib19", "representation": "mean", "metric": metric, "factor": factor, "status": status}
    return pd.DataFrame({"seed": range(len(values)), "value": values}).assign(**table)


def repeats(values):
    return rows(values).rename(columns={"seed": "metric_seed"}).drop(columns=["factor", "status"])


NONE = repeats([])


def verdict(then, now, half, why=("threads: 1 → 2",), factor=""):
    (each,) = drifts(rows([then], factor), rows([now], factor), {MIG: half}, why)
    return each.verdict


def test_a_yardstick_is_half_the_interval_that_the_study_gives():
    values = [0.1, 0.2, 0.4]
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
    assert yardsticks(rows(values), pool([(rows(values), NONE)])) == {MIG: pytest.approx(half)}


def test_where_the_seeds_of_a_cell_are_close_by_luck_the_deviation_of_all_cells_counts():
    close, far = [0.2, 0.2001, 0.2], [0.1, 0.3, 0.5]
    variance = (2 * np.var(close, ddof=1) + 2 * np.var(far, ddof=1)) / 4
    pooled = pool([(rows(close), NONE), (rows(far), NONE)])
    assert yardsticks(rows(close), pooled)[MIG] == pytest.approx(stats.t.ppf(0.975, 4) * math.sqrt(variance / 3))
    assert yardsticks(rows(far), pooled)[MIG] > yardsticks(rows(close), pooled)[MIG]


def test_a_draw_of_the_metric_is_a_yardstick_where_there_is_one_seed():
    pooled = pool([(rows([0.2]), repeats([0.2, 0.3])), (rows([0.5]), repeats([0.5, 0.4]))])
    differences = stats.t.ppf(0.975, 2) * math.sqrt(2) * np.std([0.2, 0.3], ddof=1)
    assert yardsticks(rows([0.2]), pooled) == {MIG: pytest.approx(differences)}
    assert yardsticks(rows([0.2]), pool([(rows([0.2]), NONE)])) == {}


@pytest.mark.parametrize(("values", "half"), [([0.3, 0.3], math.inf), ([2.0, 2.0], 0.0), ([0.3, 0.3, 0.3], 0.0)])
def test_one_number_of_two_runs_has_no_spread(values, half):
    """Such as their UDR; whole numbers, such as active units, agree without being one."""
    table = rows(values)
    assert yardsticks(table, pool([(table, NONE)])) == {MIG: half}


def test_what_was_not_computed_and_parts_give_no_yardstick():
    table = pd.concat([rows([0.1, 0.2], factor="shape"), rows([0.1, 0.2], status="not computed: none")])
    assert yardsticks(table, pool([(table, NONE)])) == {}


def test_a_number_is_identical_within_its_yardstick_or_beyond():
    assert verdict(0.2, 0.2, 0.1) == Verdict.IDENTICAL
    assert verdict(0.2, 0.25, 0.1) == Verdict.ROUNDING
    assert verdict(0.2, 0.25, 0.1, why=()) == Verdict.UNEXPLAINED
    assert verdict(0.2, 0.31, 0.1) == Verdict.MOVED
    # Without a yardstick it is held to a hundred-thousandth of itself.
    assert verdict(0.2, 0.200001, 0.0) == Verdict.ROUNDING
    assert verdict(0.2, 0.20001, 0.0) == Verdict.MOVED


def test_a_part_is_held_to_its_bits_and_what_is_no_longer_computed_has_moved():
    assert verdict(0.2, 0.9, 0.1, factor="z3") == Verdict.ROUNDING
    assert verdict(0.2, 0.9, 0.1, why=(), factor="shape") == Verdict.UNEXPLAINED
    (gone,) = drifts(rows([0.2]), rows([]), {MIG: 1.0}, ["threads: 1 → 2"])
    assert gone.verdict == Verdict.MOVED
    assert math.isnan(gone.now)


def test_only_what_rounding_depends_on_is_a_reason():
    assert reasons(NOW, NOW) == []
    otherwise = {**NOW, "versions": {"python": "3.13.0", "torch": "2.11.0", "snakemake": "9.14"}}
    assert reasons(otherwise, {**NOW, "hardware": {**NOW["hardware"], "cores": 64}}) == []


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ({"threads": 4}, ["threads: 4 → 1"]),
        ({"versions": {"torch": "2.10.0"}}, ["torch: 2.10.0 → 2.11.0"]),
        ({"hardware": {"processor": "B", "system": "Linux x86_64"}}, ["processor: B → A"]),
        ({"hardware": {"processor": "A", "kernels": "AVX512", "system": "Linux x86_64"}}, ["kernels: AVX512 → AVX2"]),
        ({"device": "NVIDIA H200"}, ["device: NVIDIA H200 → cpu"]),
    ],
)
def test_a_reason_says_from_and_to(then, told):
    assert reasons({**NOW, **then}, NOW) == told


def test_a_gpu_need_not_sum_in_one_order():
    on_gpu = {**NOW, "device": "NVIDIA H200"}
    assert reasons(on_gpu, on_gpu) == ["device: NVIDIA H200, which need not sum in the same order twice"]


def verified(**changes):
    run = {"place": ("digits", "beta_vae", "4"), "seed": 0, "ended": ("done", "done"), "reasons": []}
    return Verified(**{**run, "weights": 0.0, "losses": 0.0, "trained": [], "stored": None, **changes})


def test_a_run_is_as_its_worst():
    moved = Drift(MIG, 0.1, 0.9, 0.1, Verdict.MOVED)
    assert verified().verdict == Verdict.IDENTICAL
    assert verified(weights=1e-7).verdict == by_bits(1e-7, []) == Verdict.UNEXPLAINED
    assert verified(losses=1e-7, reasons=["threads: 1 → 2"]).verdict == Verdict.ROUNDING
    assert verified(trained=[moved], weights=1e-7).verdict == Verdict.MOVED
    assert verified(stored=[moved]).verdict == Verdict.MOVED
    assert verified(ended=("done", "diverged")).verdict == Verdict.MOVED
    assert verified(stored=[moved], altered={"models.safetensors": "why"}).verdict == Verdict.ALTERED
