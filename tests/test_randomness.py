"""Random numbers of images: SplitMix64, looked up by position."""

import numpy as np
import pytest

from multibeta.randomness import key, octets, words

#: The first outputs from the state 1234567, as published at https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]


def splitmix64(state, count):
    """The definition, in whole numbers."""
    outputs = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = state
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        outputs.append(mixed ^ (mixed >> 31))
    return outputs


def test_words_are_the_published_sequence_cut_into_rows():
    assert splitmix64(1234567, 5) == PUBLISHED
    expected = np.array(splitmix64(key(3, "toys"), 4 * 5), np.uint64).reshape(4, 5)
    assert np.array_equal(words(3, "toys", np.arange(4), 5), expected)


def test_a_position_has_its_words_whatever_is_asked_for_beside_it():
    whole = words(0, "toys", np.arange(100), 7)
    assert np.array_equal(words(0, "toys", np.array([99, 3, 3]), 7), whole[[99, 3, 3]])
    assert words(0, "toys", np.zeros(0, np.int64), 7).shape == (0, 7)
    assert len(np.unique(whole)) == whole.size


@pytest.mark.parametrize("count", [3, 8, 11])
def test_octets_are_the_words_from_their_low_end(count):
    found = octets(0, "toys", np.arange(5), count)
    expected = [
        b"".join(int(word).to_bytes(8, "little") for word in row)[:count]
        for row in words(0, "toys", np.arange(5), -(-count // 8))
    ]
    assert found.dtype == np.uint8
    assert [bytes(row) for row in found] == expected


def test_octets_are_uniform_and_unlike_those_of_neighbours_and_of_other_purposes():
    found = octets(0, "toys", np.arange(1000), 1000)
    counts = np.bincount(found.ravel(), minlength=256)
    expected = found.size / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)
    for other in (octets(0, "toys", np.arange(1, 1001), 1000), octets(0, "dolls", np.arange(1000), 1000)):
        # Equal bytes by chance: 1 of 256, within five standard deviations.
        assert abs((found == other).mean() - 1 / 256) < 5 * np.sqrt(1 / 256 / found.size)
