"""Means over seeds: known intervals, nothing averaged in that is no number, everything left out counted."""

import math

import pandas as pd
import pytest

from multibeta.report.findings import CellKey
from multibeta.report.statistics import SUMMARY_COLUMNS, interval, summarise

CELL = CellKey("sprites", "beta_vae", "4", (0, 1, 2))


def rows(values, statuses=None, **common):
    facts = {"protocol": "p", "representation": "mean", "metric": "mig", "factor": "", **common}
    statuses = statuses or ["done"] * len(values)
    return pd.DataFrame(
        [
            {
                "dataset": "sprites",
                "variant": "beta_vae",
                "beta": "4",
                "seed": seed,
                **facts,
                "value": value,
                "n": 9,
                "status": s,
            }
            for seed, (value, s) in enumerate(zip(values, statuses, strict=True))
        ]
    )


def test_interval_of_three_seeds_is_students():
    mean, deviation, low, high = interval([1.0, 2.0, 3.0])
    assert (mean, deviation) == (2.0, 1.0)
    half = 4.302652729911275 / math.sqrt(3)  # t(0.975; 2), table value
    assert (low, high) == pytest.approx((2 - half, 2 + half))


def test_two_equal_seeds_have_an_interval_of_no_width():
    assert interval([0.25, 0.25]) == (0.25, 0.0, 0.25, 0.25)


def test_one_seed_has_a_mean_and_no_interval():
    mean, *rest = interval([0.3])
    assert mean == 0.3
    assert all(math.isnan(value) for value in rest)


def test_no_seed_has_nothing():
    assert all(math.isnan(value) for value in interval([]))


def test_a_seed_without_a_number_is_counted_not_averaged():
    table = summarise(rows([0.2, None, 0.4], ["done", "not computed: training diverged", "done"]), [CELL])
    (row,) = table.itertuples()
    assert table.columns.tolist() == list(SUMMARY_COLUMNS)
    assert row.mean == pytest.approx(0.3)
    assert (row.seeds, row.excluded, row.reason) == (2, 1, "not computed: training diverged")


def test_a_number_that_is_not_finite_is_no_number():
    (row,) = summarise(rows([0.2, math.inf, math.nan]), [CELL]).itertuples()
    assert (row.mean, row.seeds, row.excluded) == (0.2, 1, 2)
    assert "not finite" in row.reason


def test_a_seed_that_is_missing_on_disk_is_excluded_too():
    (row,) = summarise(rows([0.2]), [CELL]).itertuples()
    assert (row.seeds, row.excluded) == (1, 2)


def test_protocols_are_never_pooled():
    table = summarise(pd.concat([rows([0.1, 0.1]), rows([0.9, 0.9], protocol="other")]), [CELL])
    assert table["mean"].tolist() == [0.1, 0.9]


def test_latents_of_different_seeds_are_not_averaged_and_factors_are():
    table = summarise(
        pd.concat([rows([1.0] * 3), rows([2.0] * 3, factor="z0"), rows([3.0] * 3, factor="shape")]), [CELL]
    )
    assert table.factor.tolist() == ["", "shape"]


def test_only_cells_of_the_study_are_summarised_in_its_order():
    other = CellKey("sprites", "beta_vae", "1", (0,))
    table = pd.concat([rows([0.1]), rows([0.2]).assign(beta="1"), rows([0.3]).assign(beta="8")])
    assert summarise(table, [other, CELL]).beta.tolist() == ["1", "4"]
