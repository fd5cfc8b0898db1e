"""FactorVAE and β-VAE scores: which latent stands still, and which factor is shared."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._interventions import SharedValues, learning_and_testing_values
from multibeta.metrics.disentanglement.beta_vae_score import BetaVAEScore, differences
from multibeta.metrics.disentanglement.factor_vae_score import FactorVAEScore

NAMES = ("a", "b", "c", "d")
RECIPES = [(metric, protocol) for metric in (FactorVAEScore, BetaVAEScore) for protocol in metric.protocols]
each = pytest.mark.parametrize(("metric", "protocol"), RECIPES)


@pytest.fixture
def factors():
    return np.random.default_rng(0).integers((3, 5, 8, 8), size=(4000, 4))


def measure(metric, codes, factors, protocol="dlib19", seed=0):
    settings = metric.protocols[protocol]
    return metric().measure(codes=codes, factors=factors, factor_names=NAMES[: factors.shape[1]], seed=seed, **settings)


@each
def test_perfect_codes_score_one(metric, protocol, factors):
    codes = np.concatenate([factors, np.random.default_rng(1).normal(size=(4000, 3))], axis=1)
    result = measure(metric, codes, factors, protocol)
    assert result.value == 1
    assert result.parts == dict.fromkeys(NAMES, 1.0)
    assert result.n == 4000


@each
def test_duplicated_codes_score_one_as_well(metric, protocol, factors):
    """A vote goes to one of the equal latents, always the same; a classifier may use both."""
    assert measure(metric, np.concatenate([factors, factors], axis=1), factors, protocol).value == 1


@each
def test_noise_scores_by_chance(metric, protocol, factors):
    noise = np.random.default_rng(1).normal(size=(4000, 10))
    assert measure(metric, noise, factors, protocol).value == pytest.approx(1 / 4, abs=0.06)


@each
@pytest.mark.parametrize(("rows", "sizes"), [(1000, (3, 40)), (200, (4, 4))])
def test_noise_scores_by_chance_also_on_few_rows_and_unequal_factors(metric, protocol, rows, sizes):
    """A code that is its own partner, or is both learnt from and tested on, gives away the factor of few rows a value.

    With both, this noise had a β-VAE score of 0.7, and 1 on 200 rows with the 40 values.
    """
    draw = np.random.default_rng(2)
    factors = draw.integers(sizes, size=(rows, 2))
    values = [measure(metric, draw.normal(size=(rows, 10)), factors, protocol).value for _ in range(5)]
    assert 0.35 < np.mean(values) < 0.56


def test_nothing_is_both_learnt_from_and_tested_on(factors):
    codes = np.arange(4000.0)[:, None]
    learning, testing = (set(part.codes.ravel()) for part in learning_and_testing_values(codes, factors, NAMES, 0))
    assert (len(learning), len(testing), len(learning & testing)) == (2666, 1334, 0)


@each
def test_rotated_codes_score_between(metric, protocol, factors):
    draw = np.random.default_rng(1)
    codes = np.concatenate([(factors - factors.mean(0)) / factors.std(0), draw.normal(size=(4000, 4))], axis=1)
    turned = codes @ np.linalg.qr(draw.normal(size=(8, 8)))[0]
    assert 0.35 < measure(metric, turned, factors, protocol).value < 0.95


def test_dead_latents_do_not_vote(factors):
    tiny = 1e-3 * np.random.default_rng(1).normal(size=(4000, 2))
    codes = np.concatenate([factors, tiny, np.full((4000, 1), 3.3)], axis=1)
    result = measure(FactorVAEScore, codes, factors)
    assert result.value == 1
    assert (result.arrays["learning_votes"][4:] == 0).all()
    assert result.arrays["learning_votes"].sum() == 10_000
    assert result.arrays["test_votes"].sum() == 5_000


def test_a_factor_without_a_latent_is_told_by_chance_at_most(factors):
    codes = factors.astype(float)
    codes[:, 3] = np.random.default_rng(1).normal(size=4000)
    parts = measure(FactorVAEScore, codes, factors).parts
    assert [parts[name] for name in "abc"] == [1, 1, 1]
    assert parts["d"] < 0.9


def test_collapsed_codes_cannot_vote_and_differ_in_nothing(factors):
    """Where disentanglement_lib gives 0, below chance; the linear classifier names one factor for all."""
    codes = np.full((4000, 4), 3.3)
    with pytest.raises(NotComputed, match="no latent has a standard deviation of"):
        measure(FactorVAEScore, codes, factors)
    result = measure(BetaVAEScore, codes, factors)
    assert result.value == pytest.approx(1 / 4, abs=0.03)
    assert sorted(result.parts.values()) == [0, 0, 0, 1]


def test_one_latent_for_two_factors_loses_one_of_them(factors):
    both = factors[:, :1] * 5 + factors[:, 1:2]
    codes = np.concatenate([both, factors[:, 2:]], axis=1)
    parts = measure(FactorVAEScore, codes, factors).parts
    assert min(parts["a"], parts["b"]) < 0.5
    assert (parts["c"], parts["d"]) == (1, 1)


def test_the_classifier_is_blind_to_a_factor_spread_over_two_latents(factors):
    spread = 2 * np.random.default_rng(1).normal(size=factors.shape)
    assert measure(BetaVAEScore, np.concatenate([factors + spread, factors - spread], 1), factors).value > 0.8


def test_the_draws_share_the_value_and_come_from_all_that_do():
    factors = np.array([[0, 5], [0, 6], [1, 5], [1, 5], [2, 6]])
    shared = SharedValues(np.zeros((5, 1)), factors, ("one", "two"))
    fixed = np.arange(2000) % 2
    generator = np.random.default_rng(0)
    rows = shared.draw(fixed, 1, generator)
    others = shared.like(rows[:, 0], fixed, 3, generator)
    rows = rows.repeat(3, axis=1)
    column = fixed[:, None]
    assert (factors[rows, column] == factors[others, column]).all()
    assert set(rows[fixed == 0].ravel()) == {0, 1, 2, 3}, "row 4 has its value of the first factor to itself"
    assert set(rows[fixed == 1].ravel()) == {0, 1, 2, 3, 4}
    assert {(a, b) for a, b in zip(rows[fixed == 0].ravel(), others[fixed == 0].ravel(), strict=True)} == {
        *((a, b) for a in (0, 1) for b in (0, 1)),
        *((a, b) for a in (2, 3) for b in (2, 3)),
    }


def test_a_partner_is_any_other_row_of_the_value_and_never_the_row_itself():
    factors = np.array([[0], [0], [1], [1], [1], [2]])
    shared = SharedValues(np.zeros((6, 1)), factors, ("one",))
    fixed, generator = np.zeros(2000, dtype=int), np.random.default_rng(0)
    rows = shared.draw(fixed, 1, generator)
    partners = shared.partners(rows, fixed, generator)
    expected = {(a, b) for group in ((0, 1), (2, 3, 4)) for a in group for b in group if a != b}
    assert set(zip(rows.ravel().tolist(), partners.ravel().tolist(), strict=True)) == expected


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(NotComputed, match="no two codes share a value of factor 'one'"):
        SharedValues(np.zeros((4, 1)), np.arange(4)[:, None], ("one",))
    with pytest.raises(NotComputed, match="factor 'one' has a single value among 4 rows"):
        SharedValues(np.zeros((4, 1)), np.zeros((4, 1), int), ("one",))


def test_mean_difference_of_normal_codes_is_known(factors):
    """Mean |z − z'| of independent normal codes is 2 / √π, of a latent that equals the shared factor 0."""
    codes = np.stack([factors[:, 0], np.random.default_rng(1).normal(size=4000)], axis=1)
    apart = differences(SharedValues(codes, factors, NAMES), np.zeros(500, int), np.random.default_rng(0))
    assert (apart[:, 0] == 0).all()
    assert apart[:, 1].mean() == pytest.approx(2 / np.sqrt(np.pi), rel=0.03)


@each
def test_the_seed_keys_the_draws(metric, protocol, factors):
    codes = factors + 1.5 * np.random.default_rng(1).normal(size=factors.shape)
    first = measure(metric, codes, factors, protocol)
    assert first.value == measure(metric, codes, factors, protocol).value
    assert first.value == pytest.approx(measure(metric, codes, factors, protocol, seed=1).value, abs=0.06)


@each
def test_factors_that_cannot_be_held_are_refused(metric, protocol, factors):
    codes = np.random.default_rng(1).normal(size=(4000, 2))
    with pytest.raises(NotComputed, match="factor 'b' has a single value"):
        measure(metric, codes, factors * [1, 0, 1, 1], protocol)
    with pytest.raises(NotComputed, match="needs 2 factors or more, found 1"):
        measure(metric, codes, factors[:, :1], protocol)
    with pytest.raises(NotComputed, match="90 codes are too few, at least 100 needed"):
        measure(metric, codes[:90], factors[:90], protocol)
    many = factors.copy()
    many[:, 2] = np.arange(4000) // 5
    with pytest.raises(NotComputed, match="4000 codes are too few for the 800 values of factor 'c'"):
        measure(metric, codes, many, protocol)
    with pytest.raises(NotComputed, match="NaN"):
        measure(metric, codes * np.nan, factors, protocol)
