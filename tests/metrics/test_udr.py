"""UDR: seeds that find the same latents up to order and sign, and seeds that do not."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement.udr import UDR, lasso_weights, rank_correlation, relative_strength

#: A posterior variance small enough that a mean which varies is informative.
SURE = -3.0
each = pytest.mark.parametrize("protocol", ["udr_spearman", "udr_lasso"])


@pytest.fixture
def codes():
    """The full grid of four factors: four latents without any correlation."""
    grid = np.stack(np.unravel_index(np.arange(6**4), (6,) * 4), axis=1).astype(float)
    return (grid - grid.mean(0)) / grid.std(0)


def measure(mean, siblings, protocol="udr_spearman", logvar=None, sibling_logvars=None):
    return UDR().measure(
        posterior_mean=mean,
        posterior_logvar=np.full(mean.shape, SURE) if logvar is None else logvar,
        sibling_means=siblings,
        sibling_logvars=[np.full(s.shape, SURE) for s in siblings] if sibling_logvars is None else sibling_logvars,
        **UDR.protocols[protocol],
    )


def rotation(size, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def dead(n, latents):
    """Latents without information: mean 0 but for a little noise, and the prior's variance."""
    return 0.01 * np.random.default_rng(9).normal(size=(n, latents))


def test_the_score_of_a_matrix():
    assert relative_strength(np.eye(3)) == 1
    assert relative_strength(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])) == pytest.approx(2 / 3)
    assert relative_strength(np.ones((3, 3))) == pytest.approx(1 / 3)
    assert relative_strength(np.zeros((3, 3))) == 0


def test_the_score_of_runs_with_different_numbers_of_latents():
    """(1 + 1 from the columns of the two, + 1 + 1 + 0 from the rows of the three) / 5, weighed by latent."""
    assert relative_strength(np.array([[1.0, 0], [0, 1], [0, 0]])) == pytest.approx(4 / 5)


def test_spearman_is_that_of_scipy(codes):
    from scipy.stats import spearmanr

    other = codes @ rotation(4)
    expected = np.abs(spearmanr(codes, other).statistic[:4, 4:])
    assert rank_correlation(codes, other) == pytest.approx(expected)


def test_lasso_of_uncorrelated_latents_is_their_correlation_less_the_penalty(codes):
    own = codes @ rotation(4)
    expected = np.maximum(np.abs(own.T @ codes / len(codes)) - 0.1, 0)
    assert lasso_weights(own, codes) == pytest.approx(expected, abs=1e-4)


def test_order_sign_and_scale_do_not_matter(codes):
    sibling = codes[:, [2, 0, 3, 1]] * [1, -2, 3, -0.5]
    assert measure(codes, [sibling]).value == pytest.approx(1)
    assert measure(codes, [np.exp(sibling)]).value == pytest.approx(1)
    assert measure(codes, [sibling], "udr_lasso").value == pytest.approx(0.9, abs=1e-4)


@each
def test_rotated_siblings_score_clearly_lower(codes, protocol):
    siblings = [codes @ rotation(4, seed) for seed in range(4)]
    result = measure(codes, siblings, protocol)
    assert result.value < 0.6
    assert result.value == np.median(result.arrays["pairwise"])
    assert result.arrays["pairwise"].shape == (4,)
    assert result.n == len(codes)


@each
def test_noise_scores_near_zero(protocol):
    draw = np.random.default_rng(0)
    assert measure(draw.normal(size=(2000, 4)), [draw.normal(size=(2000, 4))], protocol).value < 0.05


@each
def test_latents_of_the_priors_posterior_do_not_count(codes, protocol):
    def padded(mean, seed):
        order = np.random.default_rng(seed).permutation(7)
        logvar = np.concatenate([np.full(mean.shape, SURE), np.zeros((len(mean), 3))], axis=1)
        return np.concatenate([mean, dead(len(mean), 3)], axis=1)[:, order], logvar[:, order]

    (own, logvar), (other, other_logvar) = padded(codes, 0), padded(codes, 1)
    with_dead = measure(own, [other], protocol, logvar, [other_logvar]).value
    assert with_dead == pytest.approx(measure(codes, [codes], protocol).value)


def test_duplicated_latents_halve_the_rows_and_columns(codes):
    twice = np.concatenate([codes, codes], axis=1)
    assert measure(twice, [twice]).value == pytest.approx(1 / 2)


def test_independent_latents_of_a_sample_score_a_little_below_one():
    """Correlations of chance, about 1/√N each, are in the sums."""
    codes = np.random.default_rng(0).normal(size=(10_000, 10))
    assert 0.9 < measure(codes, [codes]).value < 0.96


def test_a_collapsed_sibling_is_like_nothing(codes):
    empty, prior = dead(len(codes), 4), np.zeros(codes.shape)
    result = measure(codes, [codes, empty, empty], sibling_logvars=[np.full(codes.shape, SURE), prior, prior])
    assert result.arrays["pairwise"] == pytest.approx([1, 0, 0])
    assert result.value == 0


def test_a_constant_mean_is_like_nothing(codes):
    """A posterior away from the prior but the same for every image has KL, and says nothing."""
    shifted = codes.copy()
    shifted[:, 3] = 3.3
    for protocol in UDR.protocols:
        assert measure(shifted, [shifted], protocol).value == pytest.approx(
            0.75 * measure(codes, [codes], protocol).value
        )


def test_a_collapsed_run_is_refused(codes):
    with pytest.raises(NotComputed, match="no latent is informative: each has a KL of"):
        measure(dead(len(codes), 4), [codes], logvar=np.zeros(codes.shape))


def test_a_single_seed_few_codes_and_nan_are_refused(codes):
    with pytest.raises(NotComputed, match="needs two finished seeds of the cell or more, found 1"):
        measure(codes, [])
    with pytest.raises(NotComputed, match="50 codes are too few"):
        measure(codes[:50], [codes[:50]])
    with pytest.raises(NotComputed, match="NaN"):
        measure(codes, [codes * np.nan])
