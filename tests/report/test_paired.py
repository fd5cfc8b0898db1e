"""Paired differences are Student's, Holm's correction is Holm's, and the seeds needed are those of the exact power."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from multibeta.report.paired import at_rate, difference, holm, seeds_needed


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_difference_is_that_of_scipys_paired_test(n):
    draws = np.random.default_rng(n)
    one, other = draws.normal(0.3, 1, n), draws.normal(size=n)
    found, expected = difference(one - other), stats.ttest_rel(one, other)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)
    low, high = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert (found.mean, found.pairs) == (pytest.approx((one - other).mean()), n)
    assert found.tells == (expected.pvalue < 0.05)


@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_holds_the_truth_in_95_of_100_studies(n):
    """Seeds differ far more than strengths do, which pairing takes out."""
    draws = np.random.default_rng(0)
    seeds = draws.normal(0, 5, (4000, n))
    one, other = (seeds + draws.normal(mean, 0.5, (4000, n)) for mean in (0.2, 0.0))
    found = [difference(row) for row in one - other]
    assert 0.93 < np.mean([each.low <= 0.2 <= each.high for each in found]) < 0.97


def test_one_pair_has_a_difference_and_no_interval():
    found = difference([0.25])
    assert (found.mean, found.pairs) == (0.25, 1)
    assert all(math.isnan(value) for value in (found.low, found.high, found.std, found.p))
    assert not found.tells
    assert difference([]).pairs == 0
    assert math.isnan(difference([]).mean)


@pytest.mark.parametrize("values", [[0.0] * 3, [0.5, 0.5], [0.1 + 0.2, 0.3, 0.3]], ids=["zero", "equal", "by rounding"])
def test_equal_differences_are_no_sample_to_test(values):
    found = difference(values)
    assert found.mean == pytest.approx(values[0])
    assert all(math.isnan(value) for value in (found.low, found.high, found.p))
    assert not found.tells


def test_holms_correction_is_that_of_statsmodels():
    draws = np.random.default_rng(0)
    for m in (1, 2, 7, 40):
        p = draws.random(m) ** 3
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_a_comparison_without_p_does_not_count():
    assert holm([0.01, math.nan, 0.02]) == pytest.approx([0.02, math.nan, 0.02], nan_ok=True)
    assert holm([]).size == 0


def test_holm_keeps_false_findings_below_the_level():
    """In 2,000 studies of six comparisons without any difference, at most about 5 % find one."""
    draws = np.random.default_rng(1).normal(size=(2000, 6, 5))
    false = [(holm([difference(row).p for row in study]) <= 0.05).any() for study in draws]
    assert np.mean(false) < 0.065


@pytest.mark.parametrize(("wanted", "std"), [(0.1, 0.05), (0.1, 0.1), (0.1, 0.4), (-0.02, 0.1), (1.0, 0.9)])
def test_the_seeds_needed_are_those_of_statsmodels(wanted, std):
    expected = TTestPower().solve_power(effect_size=abs(wanted) / std, alpha=0.05, power=0.8)
    assert seeds_needed(wanted, std) == math.ceil(expected)


def test_seeds_needed_at_the_ends():
    assert seeds_needed(0.1, 0.0) == 2
    assert seeds_needed(10, 0.001) == 2
    assert seeds_needed(0.0001, 1.0) is None
    assert seeds_needed(0.1, math.nan) is None


def test_a_curve_is_read_by_straight_lines_and_not_prolonged():
    curve = [(8.0, 0.2), (2.0, 0.8), (4.0, 0.4)]
    assert at_rate(curve, 4.0) == 0.4
    assert at_rate(curve, 3.0) == pytest.approx(0.6)
    assert math.isnan(at_rate(curve, 1.9))
    assert math.isnan(at_rate(curve, 8.1))
