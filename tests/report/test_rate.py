"""The rate axis: slopes of curves known by formula, fronts by hand, knees where they were put."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made_findings import SEEDS, findings

from multibeta.report.effective_beta import effective_betas, ratio
from multibeta.report.findings import Measure
from multibeta.report.pareto import front, fronts
from multibeta.report.rate import on_front, rate, slopes_table
from multibeta.report.recommended import choose, depends, in_words, recommended

GRID = ("0.5", "1", "2", "4", "8", "16")


def noise(seed, beta, width=0.01):
    return width * np.random.default_rng([seed, int(10 * beta)]).standard_normal()


def scores(curve, width=0.01, seeds=SEEDS):
    """A score by strength and seed: the curve, a level of the seed's own, and noise."""
    return {
        beta: {seed: curve(float(beta)) + 0.1 * seed + noise(seed, float(beta), width) for seed in seeds}
        for beta in GRID
    }


# Effective β


def test_of_a_curve_known_by_formula_the_slope_lies_between_its_strengths():
    # D = exp(−R): −dD/dR = D, so the optimum of D + βR has D = β, R = −log β.
    def optimum(variant, beta, seed):
        level = 0.01 * seed
        return {"kl": level - math.log(beta), "reconstruction": beta + level}

    found = effective_betas(findings(optimum, strengths=("2", "1", "0.5")))
    assert [(each.beta, each.next_beta) for each in found] == [("0.5", "1"), ("1", "2")]
    assert [each.slope.mean for each in found] == pytest.approx([0.5 / math.log(2), 1 / math.log(2)])
    assert all(float(each.beta) < each.slope.mean < float(each.next_beta) for each in found)
    assert all(each.slope.low == pytest.approx(each.slope.high) for each in found)


def test_fiellers_interval_is_that_of_its_definition():
    above, below = np.array([1.0, 1.4, 0.8, 1.1, 1.3]), np.array([0.5, 0.6, 0.5, 0.4, 0.6])
    slope = ratio(above, below)
    assert slope.mean == pytest.approx(above.mean() / below.mean())
    # Its ends are the ratios ρ at which Student's test of above − ρ · below just reaches 5 %.
    for rho in (slope.low, slope.high):
        rest = above - rho * below
        assert abs(rest.mean()) / (rest.std(ddof=1) / math.sqrt(5)) == pytest.approx(2.7764451, abs=1e-6)


def test_a_rate_that_does_not_differ_has_no_slope():
    assert math.isnan(ratio([1, 2, 3], [0.1, -0.1, 0.05]).mean)
    assert math.isnan(ratio([1.0], [1.0]).mean)
    assert ratio([], []).pairs == 0


def test_fiellers_interval_holds_the_ratio_as_often_as_it_says():
    draws = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        below = draws.normal(1, 0.3, 5)
        slope = ratio(2 * below + draws.normal(0, 0.3, 5), below)
        held += not slope.low > 2 and not slope.high < 2
    assert 0.93 < held / 1000 <= 0.98


# Pareto fronts


def test_a_cell_that_costs_more_in_both_is_beaten_and_by_which():
    costs = {
        ("a", "1"): [{s: 1 + 0.01 * s for s in SEEDS}, {s: 5 + noise(s, 1) for s in SEEDS}],
        ("a", "2"): [{s: 2 + noise(s, 2) for s in SEEDS}, {s: 2 + noise(s, 3) for s in SEEDS}],
        ("b", "1"): [{s: 3 + noise(s, 4) for s in SEEDS}, {s: 3 + noise(s, 5) for s in SEEDS}],
    }
    members, beaten = front(costs)
    assert members == [("a", "1"), ("a", "2")]
    assert beaten[("b", "1")].by == ("a", "2")
    assert beaten[("b", "1")].p < 0.05


def test_what_seeds_cannot_tell_apart_stays_on_the_front():
    one = [{s: 1 + noise(s, 1, 1) for s in SEEDS}, {s: 1 + noise(s, 2, 1) for s in SEEDS}]
    other = [{s: 1.1 + noise(s, 3, 1) for s in SEEDS}, {s: 1.1 + noise(s, 4, 1) for s in SEEDS}]
    assert front({("a", "1"): one, ("a", "2"): other}) == ([("a", "1"), ("a", "2")], {})
    # Nor is one beaten that costs less in one measure.
    better = [{s: value - 1 for s, value in one[0].items()}, {s: value + 9 for s, value in one[1].items()}]
    assert front({("a", "1"): one, ("a", "2"): better})[1] == {}


def test_scores_count_upwards_and_costs_downwards():
    def values(variant, beta, seed):
        # 4 costs more than 1 and buys MIG; 8 costs most and buys nothing.
        mig = {1: 0.1, 4: 0.5, 8: 0.1}[beta] + noise(seed, beta, 0.001)
        return {"reconstruction": 10 * beta + noise(seed, beta), "mig": mig, "kl": 20 / beta + noise(seed, beta)}

    found = fronts(findings(values))
    assert [each.measures for each in found] == [("kl", "reconstruction"), ("reconstruction", "mig")]
    assert found[0].beaten == {}
    assert list(found[1].beaten) == [("beta_vae", "8")]
    assert on_front(found) == {("sprites", "beta_vae", "1"), ("sprites", "beta_vae", "4")}


# The recommended strength


@pytest.mark.parametrize("knee", GRID[1:-1])
def test_the_knee_of_a_curve_is_found(knee):
    beta, reason, shares, seeds = choose(scores(lambda beta: 0.2 * min(math.log2(beta), math.log2(float(knee)))))
    assert (beta, reason, seeds) == (knee, "", 5)
    assert shares[knee] > 0.6
    assert sum(shares.values()) == pytest.approx(1)


def test_the_peak_of_a_curve_is_found():
    assert choose(scores(lambda beta: -0.2 * abs(math.log2(beta / 4))))[:2] == ("4", "")


def test_a_flat_curve_has_none():
    beta, reason, shares, _ = choose(scores(lambda beta: 0.3))
    assert beta == ""
    assert reason == "none: the seeds do not tell the strengths apart"
    assert len(shares) > 1


def test_a_flat_curve_is_rarely_given_a_knee():
    draws = np.random.default_rng(0)
    tables = draws.standard_normal((400, 5, 6))
    given = [depends(table) <= 0.05 for table in tables]
    assert np.mean(given) < 0.07


@pytest.mark.parametrize(("slope", "end", "beta"), [(1, "above", "16"), (-1, "below", "0.5")])
def test_where_the_score_is_best_at_an_end_the_grid_does_not_reach_it(slope, end, beta):
    assert choose(scores(lambda beta: slope * 0.2 * math.log2(beta)))[:2] == (beta, end)


def test_too_little_to_choose_by():
    assert choose({})[1] == "one strength only"
    assert choose({"1": {0: 0.1, 1: 0.2}})[1] == "one strength only"
    assert choose({"1": {0: 0.1}, "4": {0: 0.9}})[1] == "fewer than two seeds have every strength"
    assert choose({"1": {0: 0.1, 1: 0.2}, "4": {0: 0.9, 2: 0.9}})[1] == "fewer than two seeds have every strength"
    same = {beta: dict.fromkeys(SEEDS, 0.5) for beta in GRID}
    assert choose(same)[1].startswith("none")


def test_two_strengths_are_told_apart_by_students_test():
    two = {"1": {s: 0.1 + noise(s, 1) for s in SEEDS}, "4": {s: 0.5 + noise(s, 4) for s in SEEDS}}
    assert choose(two)[:2] == ("4", "above")


def test_the_section_says_it_in_words():
    def knee(variant, beta, seed):
        mig = 0.2 * min(math.log2(beta), 2) + 0.1 * seed + noise(seed, beta)
        return {"mig": mig, "kl": 20 / beta + 0.1 * seed, "reconstruction": 10 * beta + 0.2 * seed + noise(seed, beta)}

    found = findings(knee, strengths=GRID)
    measures = {**found.measures, "mig": Measure("MIG", better="higher")}
    found = replace(found, measures=measures)
    (row,) = recommended(found)
    assert in_words(row, "β") == "β = 4"
    text = rate(found)
    assert "| sprites | β-VAE | β = 4 (" in text
    assert "which does not reach a turn" in in_words(row._replace(beta="16", reason="above"), "β")
    assert len(slopes_table(found)) == 5
    assert "β = 8 to 16" in text


def test_a_study_of_one_strength_has_no_rate_axis():
    assert rate(findings(lambda *_: {"mig": 0.1, "kl": 1.0, "reconstruction": 2.0}, strengths=("1",))) == ""
