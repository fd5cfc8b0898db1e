"""Pieces of Markdown: numbers as printed, tables that nothing can break."""

import math

import pytest

from multibeta.report import text


@pytest.mark.parametrize(
    ("values", "places"),
    [([123.4, 7.0], 1), ([45.6], 1), ([5.1, 0.01], 2), ([0.21], 3), ([0.0123], 4), ([0.0], 2), ([], 2), ([1e-9], 5)],
)
def test_a_column_shows_three_digits_of_its_largest_value(values, places):
    assert text.decimals(values) == places


def test_numbers_carry_a_real_minus_and_zero_has_no_sign():
    assert text.number(-1.25, 1) == "−1.2"
    assert text.number(-0.001, 2) == "0.00"
    assert text.number(math.nan, 2) == text.number(None, 2) == "–"


def test_one_seed_is_printed_without_an_interval():
    assert text.with_interval(0.5, 0.6, 2) == "0.50 ± 0.10"
    assert text.with_interval(0.5, math.nan, 2) == "0.50"


def test_text_from_outside_cannot_break_a_table_or_the_page():
    rendered = text.table(["a"], [[text.plain("x | y\n<script>*z*")]])
    assert rendered.splitlines()[2] == "| x \\| y &lt;script&gt;\\*z\\* |"


@pytest.mark.parametrize(("seconds", "said"), [(0.0421, "0.0421 s"), (75, "75 s"), (600, "10.0 min"), (9000, "2.5 h")])
def test_durations(seconds, said):
    assert text.duration(seconds) == said


def test_long_lists_are_counted():
    assert text.listed(["a", "b", "c"], most=2) == "a, b and 1 more"


def test_a_long_table_is_folded_under_its_summary():
    rows = [["a", 1]] * text.MOST_ROWS
    assert text.long_table("All", ["x", "y"], rows) == text.table(["x", "y"], rows)
    folded = text.long_table("All", ["x", "y"], [*rows, ["a", 1]])
    assert folded == text.fold(f"All, {text.MOST_ROWS + 1} rows", text.table(["x", "y"], [*rows, ["a", 1]]))
