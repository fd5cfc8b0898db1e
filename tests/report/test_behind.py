"""Behind a number are the runs that it was computed from: all of them, and no others."""

import pytest

from multibeta.report.behind import behind

#: Of the largest strength one seed was left out.
CELLS = {("d", "vae", "1"): [0, 1, 2], ("d", "vae", "2"): [0, 1, 2], ("d", "vae", "4"): [0, 1]}
OTHER = {("d", "other", "1"): [0, 2], ("d", "other", "4"): [0, 1]}


def comparison(beta, against_beta="1", variant="vae", against_variant="vae", kind="strength"):
    what = {"dataset": "d", "kind": kind, "metric": "kl", "protocol": "held_out", "representation": "posterior"}
    return {**what, "variant": variant, "beta": beta, "against_variant": against_variant, "against_beta": against_beta}


def found(table, row, column, rows=(), cells=CELLS):
    return behind(table, row, column, lambda: rows, cells, [])


def test_a_corrected_p_value_has_every_run_of_every_comparison_behind_it():
    rows = [comparison("2"), comparison("4")]
    own = found("comparisons.csv", rows[0], "p", rows)
    corrected = found("comparisons.csv", rows[0], "p_holm", rows)
    assert own.cells == {("d", "vae", "2"): [0, 1, 2], ("d", "vae", "1"): [0, 1, 2]}
    assert corrected.cells == {**own.cells, ("d", "vae", "4"): [0, 1]}
    assert found("comparisons.csv", rows[0], "p_holm", rows[::-1]).cells == corrected.cells


def test_a_seed_that_its_own_curve_lacks_is_not_behind_a_difference_at_equal_rate():
    row = comparison("", "1", "other", kind="variant at equal rate")
    cells = {**CELLS, ("d", "vae", "1"): [0, 1, 3], **OTHER}
    assert found("comparisons.csv", row, "mean", [row], cells).cells == {
        ("d", "other", "1"): [0],
        ("d", "other", "4"): [0, 1],
        ("d", "vae", "1"): [0, 1],
    }


def test_a_strength_is_chosen_by_the_seeds_that_all_strengths_have():
    row = {"dataset": "d", "variant": "vae", "metric": "mig", "beta": ""}
    assert found("recommended.csv", row, "beta").cells == {place: [0, 1] for place in CELLS}
    single = {**CELLS, ("d", "vae", "8"): [0]}  # which does not count
    assert found("recommended.csv", row, "beta", cells=single).cells == {place: [0, 1] for place in CELLS}


@pytest.mark.parametrize(
    ("table", "row", "gone"),
    [
        ("summary.csv", {**comparison("8"), "beta": "8"}, [("d", "vae", "8")]),
        ("comparisons.csv", comparison("4"), []),
        ("comparisons.csv", comparison("1", variant="other"), [("d", "other", "1")]),
        ("comparisons.csv", comparison("", "1", "other", kind="variant at equal rate"), [("d", "other", "")]),
        ("rate.csv", {"dataset": "d", "variant": "vae", "beta": "4", "next_beta": "8"}, [("d", "vae", "8")]),
        ("recommended.csv", {"dataset": "d", "variant": "vae", "metric": "mig", "beta": ""}, []),
        ("recommended.csv", {"dataset": "d", "variant": "other", "metric": "mig", "beta": ""}, [("d", "other", "")]),
    ],
)
def test_what_the_study_no_longer_has_is_named(table, row, gone):
    assert list(found(table, row, "mean", [row]).gone) == gone


def test_a_front_lacks_whichever_cell_is_gone():
    rows = [
        {"dataset": "d", "measure": "kl", "other": "mig", "variant": variant, "beta": "1"} for variant in ("vae", "old")
    ]
    assert list(found("pareto.csv", rows[0], "p_holm", rows).gone) == [("d", "old", "1")]
