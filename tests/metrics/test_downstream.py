"""Downstream accuracy from few and many labels."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed, Result
from multibeta.metrics.disentanglement._predictors import Rows
from multibeta.metrics.disentanglement.downstream import Downstream, accuracies


def measure(codes, factors, seed=0):
    return Downstream().measure(codes=codes, factors=factors, factor_names=("shape", "x"), seed=seed)


@pytest.fixture
def factors():
    return np.random.default_rng(0).integers((3, 5), size=(3000, 2))


def one_hot(factors):
    return np.concatenate([np.eye(3)[factors[:, 0]], np.eye(5)[factors[:, 1]]], axis=1)


def test_more_labels_tell_more_and_all_tell_everything(factors):
    codes = one_hot(factors) + 0.15 * np.random.default_rng(1).normal(size=(3000, 8))
    found = measure(codes, factors)
    assert list(found) == ["downstream_10", "downstream_100", "downstream_1000", "downstream_10000"]
    few, some, many = (found[f"downstream_{labels}"] for labels in (10, 100, 1000))
    assert few.value < some.value <= many.value
    assert many.value > 0.99
    assert list(many.parts) == ["shape", "x"]
    assert many.value == pytest.approx(np.mean(list(many.parts.values())))
    assert many.n == 1000


def test_sizes_that_are_not_there_are_said_and_others_given(factors):
    found = measure(one_hot(factors), factors)
    assert isinstance(found["downstream_10000"], NotComputed)
    assert str(found["downstream_10000"]) == "needs 10000 rows to learn from, found 2000"
    small = measure(one_hot(factors)[:140], factors[:140])
    assert [isinstance(result, Result) for result in small.values()] == [True, False, False, False]


def test_noise_and_constant_codes_tell_by_chance(factors):
    for codes in (np.random.default_rng(1).normal(size=(3000, 4)), np.full((3000, 4), 3.3)):
        result = measure(codes, factors)["downstream_1000"]
        assert result.parts == pytest.approx({"shape": 1 / 3, "x": 1 / 5}, abs=0.05)


def test_scale_does_not_matter_and_dead_latents_do_not_either(factors):
    codes = factors + 0.2 * np.random.default_rng(1).normal(size=(3000, 2))
    value = measure(codes, factors)["downstream_1000"].value
    assert measure(codes * [1e3, 1e-3], factors)["downstream_1000"].value == pytest.approx(value, abs=2e-3)
    with_dead = np.concatenate([codes, np.zeros((3000, 2))], axis=1)
    assert measure(with_dead, factors)["downstream_1000"].value == pytest.approx(value, abs=2e-3)


def test_a_factor_with_one_value_among_the_labels_is_told_that():
    learning = Rows(np.random.default_rng(0).normal(size=(10, 2)), np.full((10, 1), 4))
    testing = Rows(np.random.default_rng(1).normal(size=(4, 2)), np.array([[4], [4], [1], [2]]))
    assert accuracies(learning, testing).tolist() == [0.5]


def test_values_that_no_label_has_are_never_told_but_count():
    factors = np.array([[0], [1]] * 50 + [[2]] * 100)
    codes = np.eye(3)[factors[:, 0]]
    assert accuracies(Rows(codes[:100], factors[:100]), Rows(codes, factors)).tolist() == [0.5]


def test_perfect_codes_of_many_ordered_values_are_not_parted_by_lines():
    factors = np.random.default_rng(0).integers((3, 40), size=(3000, 2))
    found = measure(np.concatenate([factors, np.random.default_rng(1).normal(size=(3000, 3))], axis=1), factors)
    assert found["downstream_1000"].parts["x"] < 0.9


def test_labels_and_test_rows_are_disjoint_and_few_labels_are_among_the_many(factors, monkeypatch):
    row = np.arange(3000.0)[:, None]
    asked = []
    place = "multibeta.metrics.disentanglement.downstream"
    monkeypatch.setattr(f"{place}.standardised", lambda codes, like: codes)
    monkeypatch.setattr(f"{place}.accuracies", lambda *parts: asked.append(parts) or np.zeros(2))
    measure(row, factors)
    learnt = [set(learning.codes[:, 0]) for learning, _ in asked]
    assert [len(rows) for rows in learnt] == [10, 100, 1000]
    assert learnt[0] < learnt[1] < learnt[2]
    assert not learnt[2] & set(asked[0][1].codes[:, 0])


def test_too_few_codes_and_constant_factors_are_refused(factors):
    with pytest.raises(NotComputed, match="60 codes are too few, at least 100 needed"):
        measure(one_hot(factors)[:60], factors[:60])
    with pytest.raises(NotComputed, match="factor 'x' has a single value"):
        measure(one_hot(factors), factors * [1, 0])
