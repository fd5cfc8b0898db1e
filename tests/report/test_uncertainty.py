"""Where variance comes from, on tables with known answers."""

import math

import numpy as np
import pandas as pd
import pytest

from multibeta.report.uncertainty import bootstrap, rank_correlations, spread, variance_shares


def runs(of_variant=0.0, of_strength=0.0, of_seed=0.0, seeds=40):
    """Two variants × 4 strengths × seeds, with effects of these standard deviations."""
    draw = np.random.default_rng(0)
    rows = []
    for variant, shift in (("a", 1), ("b", -1)):
        for strength, height in enumerate((-1, 1, -1, 1)):
            for _ in range(seeds):
                value = of_variant * shift + of_strength * height + of_seed * draw.normal()
                rows.append((value, variant, f"{variant}{strength}"))
    values, variants, cells = zip(*rows, strict=True)
    return np.array(values), variants, cells


@pytest.mark.parametrize("source", ["variant", "strength", "seed"])
def test_all_variance_from_one_source_is_all_its_share(source):
    found = variance_shares(*runs(**{f"of_{source}": 1.0}))
    expected = dict.fromkeys(("variant", "strength", "seed"), 0.0) | {source: 1.0}
    # Means over 40 seeds differ by chance, by 0.02 or so.
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, abs=0.05)


def test_shares_add_up_and_follow_the_variances():
    found = variance_shares(*runs(1, 2, 1, seeds=400))
    assert found.variant + found.strength + found.seed == pytest.approx(1)
    assert found.variant == pytest.approx(1 / 6, abs=0.02)
    assert found.strength == pytest.approx(4 / 6, abs=0.02)
    assert found.seed_low < found.seed < found.seed_high
    assert found.runs == 3200


def test_noise_alone_gives_cells_the_share_of_chance():
    shares = []
    for seed in range(200):
        _, variants, cells = runs(seeds=3)
        shares.append(variance_shares(np.random.default_rng(seed).normal(size=24), variants, cells))
    assert np.mean([found.variant + found.strength for found in shares]) == pytest.approx(7 / 23, abs=0.02)
    assert shares[0].by_chance == pytest.approx(7 / 23)


def test_the_interval_of_the_seeds_share_holds_it_nearly_as_often_as_it_should():
    """The docs give this number. Of 20 cells of 5 seeds, effects and noise of variance 1: 80 / 199 are expected."""
    hits = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        cells = np.repeat(np.arange(20), 5)
        effects = draw.normal(size=20)
        effects = (effects - effects.mean()) / effects.std()
        found = variance_shares(effects[cells] + draw.normal(size=100), ["a"] * 100, [str(cell) for cell in cells])
        hits += found.seed_low < 80 / 199 < found.seed_high
    assert hits / 200 == pytest.approx(0.88, abs=0.02)


def test_nothing_to_split_is_none():
    values, variants, cells = runs(of_seed=1, seeds=3)
    assert variance_shares(values[:3], variants[:3], cells[:3]) is None
    assert variance_shares(values[::3], variants[::3], cells[::3]) is None
    assert variance_shares(np.ones(24), variants, cells) is None


def test_spread_pools_variances_within_cells():
    table = pd.DataFrame({"cell": ["a", "a", "b", "b", "c"], "value": [1.0, 3.0, 5.0, 5.0, 9.0]})
    found = spread(table, table.iloc[:0])
    assert found.training == pytest.approx(1.0)
    assert math.isnan(found.metric)


def test_bootstrap_of_a_mean_is_near_its_standard_error():
    values = np.random.default_rng(0).normal(size=200).tolist()
    low, high = bootstrap(values)
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(values) / math.sqrt(200), rel=0.1)
    assert np.isnan(bootstrap([1.0, 2.0])).all()
    assert bootstrap([2.0, 2.0, 2.0]).tolist() == [2.0, 2.0]


def test_many_means_are_resampled_at_once_as_each_alone():
    values = np.random.default_rng(0).normal(size=(7, 5))
    assert bootstrap(values).tolist() == [bootstrap(each).tolist() for each in values]


def test_rank_correlation_ignores_scale_and_needs_five_runs():
    table = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [1, 8, 27, 64, 125], "c": [5, 4, 3, 2, 1], "flat": [1] * 5})
    found = rank_correlations(table)
    assert found.loc["a", "b"] == pytest.approx(1)
    assert found.loc["a", "c"] == pytest.approx(-1)
    assert "flat" not in found
    assert rank_correlations(table[:4]).isna().all().all()
