"""The rate axis: slopes of curves known by formula, fronts by hand, knees where they were put."""

import math
from collections import Counter

import numpy as np
import pytest
from made_findings import SEEDS, findings
from scipy.stats import friedmanchisquare, ttest_1samp

from multibeta.report.effective_beta import effective_betas, ratio
from multibeta.report.pareto import front, fronts
from multibeta.report.rate import on_front, pareto_table, rate, recommended_table, slopes_table
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


A, B, C = ("a", "1"), ("a", "2"), ("b", "1")


def about(level, salt, width=0.01):
    return {seed: level + noise(seed, salt, width) for seed in SEEDS}


def test_a_cell_that_costs_more_in_both_is_beaten_and_by_which():
    members, beaten = front(
        {A: about(1, 1), B: about(2, 2), C: about(3, 3)}, {A: about(5, 4), B: about(2, 5), C: about(3, 6)}
    )
    assert members == [A, B]
    assert beaten[C].by == B
    differences = [
        [one[seed] - other[seed] for seed in SEEDS]
        for one, other in ((about(2, 2), about(3, 3)), (about(2, 5), about(3, 6)))
    ]
    # The larger p of the two, times the number of other cells (Holm's first step).
    assert beaten[C].p == pytest.approx(2 * max(ttest_1samp(each, 0).pvalue for each in differences))


def test_what_seeds_cannot_tell_apart_stays_on_the_front():
    one, other = {A: about(1, 1, 1), B: about(1.1, 2, 1)}, {A: about(1, 3, 1), B: about(1.1, 4, 1)}
    assert front(one, other) == ([A, B], {})
    # Nor is one beaten that costs less in one measure.
    assert front({A: about(1, 1), B: about(2, 2)}, {A: about(2, 3), B: about(1, 4)})[1] == {}


def test_cells_without_seeds_in_common_are_not_compared():
    assert front({A: {0: 1.0, 1: 1.1}, B: {2: 2.0, 3: 2.1}}, {A: {0: 1.0, 1: 1.1}, B: {2: 2.0, 3: 2.1}})[1] == {}
    # Of all seeds that two cells share, whatever others each has.
    few = {A: {**about(1, 1), 9: 50.0}, B: about(2, 2)}, {A: about(1, 3), B: {**about(2, 4), 8: 0.0}}
    assert list(front(*few)[1]) == [B]


def test_a_thousand_cells_are_sorted_in_seconds():
    draws = np.random.default_rng(0)
    one, other = ({("a", str(i)): dict(enumerate(draws.random(3))) for i in range(1000)} for _ in range(2))
    members, beaten = front(one, other)
    assert len(members) + len(beaten) == 1000


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


def answers(curve, seeds, width, studies=80):
    """How often each answer is given for a curve over `GRID`, in studies with noise of their own."""
    draws = np.random.default_rng(0)
    given = Counter()
    for _ in range(studies):
        levels = draws.random(seeds)[:, None]
        table = np.array([curve(float(beta)) for beta in GRID]) + levels + draws.normal(0, width, (seeds, len(GRID)))
        beta, reason, _, _ = choose({beta: dict(enumerate(table[:, i])) for i, beta in enumerate(GRID)})
        given[(beta or "none", reason if beta else "")] += 1 / studies
    return given


@pytest.mark.parametrize("beta", GRID[1:-1])
@pytest.mark.parametrize("seeds", [5, 20])
def test_the_knee_of_a_curve_is_found(beta, seeds):
    found = answers(lambda each: 0.1 * min(math.log2(each), math.log2(float(beta))), seeds, 0.02)
    assert found[beta, ""] > 0.85


def test_the_peak_of_a_curve_is_found():
    assert answers(lambda beta: -0.2 * abs(math.log2(beta / 4)), 5, 0.02)["4", ""] > 0.95


def test_a_flat_curve_has_none():
    assert answers(lambda beta: 0.3, 5, 0.02)["none", ""] > 0.93
    assert choose(scores(lambda beta: 0.3))[1] == "none: the seeds do not tell the strengths apart"


@pytest.mark.parametrize(("slope", "end", "beta"), [(1, "above", "16"), (-1, "below", "0.5")])
def test_where_the_score_is_best_at_an_end_the_grid_does_not_reach_it(slope, end, beta):
    assert answers(lambda each: slope * 0.2 * math.log2(each), 5, 0.02)[beta, end] > 0.95


def test_how_sure_it_is_counts_every_answer_there_is():
    _, _, sure, _ = choose(scores(lambda beta: -0.2 * abs(math.log2(beta / 4))))
    _, reason, unsure, _ = choose(scores(lambda beta: 0.3, width=0.1))
    assert sum(sure.values()) == pytest.approx(1)
    assert sum(unsure.values()) == pytest.approx(1)
    assert sure["4"] > 0.9
    assert reason.startswith("none")
    assert unsure["none"] > 0.2


def test_friedmans_test_is_scipys_with_and_without_ties():
    table = np.random.default_rng(0).standard_normal((3, 5, 6))
    tied = np.round(table)
    for each in (table, tied):
        assert depends(each) == pytest.approx([friedmanchisquare(*study.T).pvalue for study in each])
    assert math.isnan(depends(np.ones((5, 6))))
    two = table[..., :2]
    assert depends(two) == pytest.approx([ttest_1samp(study[:, 1] - study[:, 0], 0).pvalue for study in two])


def test_too_little_to_choose_by():
    few = "fewer than two strengths with two seeds"
    assert choose({})[1] == few
    assert choose({"1": {0: 0.1, 1: 0.2}, "4": {0: 0.9}})[1] == few
    assert choose({"1": {0: 0.1, 1: 0.2}, "4": {2: 0.9, 3: 0.9}})[1] == "fewer than two seeds have every strength"
    assert choose({beta: dict.fromkeys(SEEDS, 0.5) for beta in GRID})[1].startswith("none")


def test_a_strength_whose_runs_are_lost_does_not_take_the_others_with_it():
    lost = scores(lambda beta: -0.2 * abs(math.log2(beta / 4)))
    lost["8"] = {3: 0.2}
    assert choose(lost)[:2] == ("4", "")


def test_two_strengths_are_told_apart_by_students_test():
    assert choose({"1": about(0.1, 1), "4": about(0.5, 2)})[:2] == ("4", "above")


def test_the_section_says_it_in_words():
    def knee(variant, beta, seed):
        mig = 0.2 * min(math.log2(beta), 2) + 0.1 * seed + noise(seed, beta)
        return {"mig": mig, "kl": 20 / beta + 0.1 * seed, "reconstruction": 10 * beta + 0.2 * seed + noise(seed, beta)}

    found = findings(knee, strengths=GRID)
    (row,) = recommended(found)
    assert in_words(row, "β") == "β = 4"
    text = rate(found)
    assert "| sprites | β-VAE | β = 4 (" in text
    assert "does not reach the turn" in in_words(row._replace(beta="16", reason="above"), "β")
    assert len(slopes_table(found)) == 5
    assert recommended_table(found).beta.tolist() == ["4"]
    of_mig = pareto_table(found).query("other == 'mig'")
    assert {"0.5", "1", "2", "4"} <= set(of_mig[of_mig.beaten_by_beta == ""].beta)
    assert of_mig.beta.is_unique
    assert "β = 8 to 16" in text


def test_a_study_of_one_strength_has_no_rate_axis():
    assert rate(findings(lambda *_: {"mig": 0.1, "kl": 1.0, "reconstruction": 2.0}, strengths=("1",))) == ""
