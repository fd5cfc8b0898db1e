"""Matching latents: a permutation and flipped signs are undone exactly, and unrelated codes are said to be so."""

import numpy as np
import pytest

from multibeta.report.matching import correlations, match

CODES = np.random.default_rng(0).standard_normal((2000, 6))
ORDER, SIGNS = np.array([4, 0, 5, 1, 3, 2]), np.array([1, -1, -1, 1, -1, 1])


def shuffled(codes):
    """Latent ORDER[k] of the codes stands at place k, times SIGNS[k]."""
    return codes[:, ORDER] * SIGNS


def test_a_permutation_and_flipped_signs_are_undone_exactly():
    found = match(CODES, shuffled(CODES))
    assert ORDER[found.partner].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(shuffled(CODES)[:, found.partner] * found.sign, CODES)
    assert found.matched.all()
    assert np.abs(found.correlation) == pytest.approx(1)


def test_other_scales_and_means_change_nothing():
    other = match(CODES, shuffled(CODES) * np.array([1e-3, 5, 1, 1e3, 2, 7]) + 100)
    assert ORDER[other.partner].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.abs(other.correlation) == pytest.approx(1)


def test_noise_lowers_the_correlation_by_what_it_should():
    noise = np.random.default_rng(1).standard_normal(CODES.shape)
    found = match(CODES, shuffled(CODES) + noise)
    assert ORDER[found.partner].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.abs(found.correlation) == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_unrelated_codes_are_unmatched():
    found = match(CODES, np.random.default_rng(1).standard_normal((2000, 6)))
    assert not found.matched.any()
    assert np.abs(found.correlation).max() < 0.1


def test_the_sum_of_correlations_decides_not_the_first_come():
    # Both latents of the reference are most like the first of the other; the second can do without it.
    common, own = CODES[:, 0], CODES[:, 1]
    reference = np.stack([common, common + 0.7 * own], 1)
    found = match(reference, np.stack([common, own], 1))
    assert found.partner.tolist() == [0, 1]


def test_a_latent_that_none_is_left_for_has_no_partner():
    found = match(CODES, CODES[:, [2, 3]])
    assert found.partner.tolist() == [-1, -1, 0, 1, -1, -1]
    assert found.matched.tolist() == [False, False, True, True, False, False]
    assert found.correlation[[0, 1, 4, 5]].tolist() == [0] * 4


def test_an_inactive_latent_is_nobodys_partner_even_if_it_would_fit():
    usable = np.array([True, False, True, True, True, True])
    found = match(CODES, CODES, usable)
    assert 1 not in found.partner
    assert not found.matched[1]
    assert found.matched.sum() == 5
    assert (match(CODES, CODES, np.zeros(6, bool)).partner == -1).all()


def test_a_constant_latent_is_like_no_other():
    constant = np.full((2000, 1), 0.1)
    assert correlations(constant, CODES).tolist() == [[0.0] * 6]
    assert match(CODES, constant).partner.tolist() == [-1] * 6


def test_the_threshold_itself_still_matches():
    one, across = np.array([[1.0], [-1], [1], [-1]]), np.array([[1.0], [1], [-1], [-1]])
    other = 0.6 * one + 0.8 * across
    r = correlations(one, other).item()
    assert r == pytest.approx(0.6)
    assert match(one, other, threshold=r).matched.all()
    assert not match(one, other, threshold=r + 1e-9).matched.any()


@pytest.mark.parametrize("other", [np.zeros((1999, 6)), np.zeros(2000)])
def test_codes_of_other_images_are_refused(other):
    with pytest.raises(ValueError, match="not of the same images"):
        match(CODES, other)


def test_codes_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        match(CODES, np.full((2000, 6), np.nan))
