"""The lock of cited numbers: what is cited, and what has moved beyond its interval."""

import math
from dataclasses import replace

import pytest

from multibeta.report.lock import Lock, cited, locked, moved
from multibeta.report.numbers import Number

MIG = Number("MigSpritesBetaVaeFour", "mig of sprites, beta_vae, 4", 0.41, 0.385, 0.435, n=3, places=3)
DIFFERENCE = Number("DiffMigFourVsOne", "difference in mig", 0.3, 0.2, 0.4, n=3, places=3, p=0.01)


def changed(number, **changes):
    return moved(locked([number]), [replace(number, **changes)])


def test_macros_are_found_in_a_text():
    text = r"""
    Here \mbMigSpritesBetaVaeFour\ and {\mbMigSpritesBetaVaeFourCI}, twice \mbMigSpritesBetaVaeFour.
    \mbox{no number} \mb \mbmig 100\% of \mbKlOne % \mbCommentedOut
    \newcommand{\mbDefinedHere}{0.5} \renewcommand*\mbAlsoDefined{1} line\\% \mbAfterALineBreak
    """
    assert cited(text) == ["mbMigSpritesBetaVaeFour", "mbMigSpritesBetaVaeFourCI", "mbKlOne"]


def test_an_unchanged_number_has_not_moved():
    assert changed(MIG) == []


@pytest.mark.parametrize("value", [0.386, 0.434])
def test_a_number_within_its_interval_has_not_moved(value):
    assert changed(MIG, value=value, low=value - 0.1, high=value + 0.1, n=5) == []


def test_a_number_beyond_its_interval_has_moved_from_to():
    (line,) = changed(MIG, value=0.44, low=0.43, high=0.45, n=5)
    assert line == (
        r"\mbMigSpritesBetaVaeFour moved from 0.410 (95 % interval 0.385 to 0.435, n = 3) "
        "to 0.440 (95 % interval 0.430 to 0.450, n = 5): the mig of sprites, beta_vae, 4"
    )


@pytest.mark.parametrize(("value", "has_moved"), [(0.4101, False), (0.4109, True)])
def test_without_an_interval_what_is_written_counts(value, has_moved):
    single = replace(MIG, low=math.nan, high=math.nan, n=1)
    assert bool(changed(single, value=value)) == has_moved


def test_rounding_of_a_number_without_spread_is_no_move():
    equal = replace(MIG, value=10.0, low=10.0, high=10.0, places=1)
    assert changed(equal, value=10.0 + 1e-12) == []
    assert changed(equal, value=9.8)


def test_what_no_longer_exists_is_named():
    (line,) = moved(locked([MIG]), [])
    assert line.startswith(r"\mbMigSpritesBetaVaeFour no longer exists; it was 0.410")


def test_what_is_no_longer_or_newly_computed_is_named():
    absent = replace(MIG, value=math.nan, low=math.nan, high=math.nan, n=0)
    assert "to not computed" in moved(locked([MIG]), [absent])[0]
    assert "from not computed to 0.410" in moved(locked([absent]), [MIG])[0]
    assert moved(locked([absent]), [absent]) == []


def test_a_name_that_means_something_else_is_named():
    (line,) = changed(MIG, about="mig by another protocol")
    assert "means something else; it was the mig of sprites" in line


@pytest.mark.parametrize(("p", "said"), [(0.049, ""), (0.08, "holds no longer: p was 0.01 and is 0.08")])
def test_a_difference_that_holds_no_longer_is_named(p, said):
    lines = changed(DIFFERENCE, p=p)
    assert said in "".join(lines)
    assert bool(lines) == bool(said)


def test_a_lock_reads_back_the_same():
    lock = locked([MIG, DIFFERENCE])
    assert Lock.model_validate_json(lock.model_dump_json()) == lock
