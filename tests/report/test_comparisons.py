"""What is compared with what: strengths with 1, variants at equal strength and at equal rate, each seed with itself."""

from dataclasses import replace

import pandas as pd
import pytest
from made_findings import findings

from multibeta.report.comparisons import (
    RATES,
    STRENGTHS,
    VARIANTS,
    compare,
    pairs,
    reference_strength,
    seeds_for,
)
from multibeta.report.differences import differences, signed
from multibeta.report.headline import at_a_glance, in_short
from multibeta.report.paired import holm
from multibeta.report.statistics import summarise

#: Seeds differ by ten times what a strength changes.
LEVELS = {0: 0.0, 1: 0.4, 2: 0.1, 3: 0.2, 4: 0.3}


def rising(variant, beta, seed):
    """MIG rises by 0.02 per unit of β in every seed, give or take a little."""
    return {"mig": LEVELS[seed] + 0.02 * beta + 0.001 * (seed % 2) * beta, "reconstruction": (10 + 0.01 * seed) * beta}


def flat(variant, beta, seed):
    return {"mig": LEVELS[seed] + 0.05 * ((seed * 7 + int(beta)) % 3 - 1)}


def row(found, **wanted):
    for name, value in wanted.items():
        found = found[found[name] == value]
    (only,) = found.itertuples()
    return only


def test_a_difference_is_taken_within_seeds():
    found = row(findings(rising).comparisons, metric="mig", kind=STRENGTHS, beta="4")
    assert found.mean == pytest.approx(3 * 0.02 + 3 * 0.001 * 2 / 5)
    assert found.ci_low > 0.05  # though single seeds spread over 0.4
    assert (found.against_beta, found.pairs) == ("1", 5)


def test_all_comparisons_of_a_measure_are_corrected_together():
    found = findings(rising).comparisons
    family = found[(found.metric == "mig") & (found.kind == STRENGTHS)]
    assert len(family) == 2
    assert family.p_holm.tolist() == pytest.approx(holm(family.p).tolist())


def test_only_seeds_of_both_count():
    def without(variant, beta, seed):
        return {} if beta == 4 and seed < 3 else rising(variant, beta, seed)

    assert row(findings(without).comparisons, metric="mig", beta="4").pairs == 2


def test_the_reference_is_1_or_else_the_first_strength():
    assert reference_strength(["0.5", "1", "4"]) == "1"
    assert reference_strength(["10", "100"]) == "10"


def test_variants_are_compared_at_equal_strength_and_at_equal_rate():
    def two(variant, beta, seed):
        # The second needs half the rate for the same score, so at equal rate it is ahead.
        rate = 12 / beta if variant == "beta_vae" else 6 / beta
        return {"kl": rate, "mig": 0.5 - 0.01 * (rate if variant == "beta_vae" else 2 * rate) + LEVELS[seed]}

    found = findings(two, variants=("beta_vae", "cvae"), strengths=("1", "2", "4")).comparisons
    assert row(found, kind=VARIANTS, metric="mig", beta="2").mean == pytest.approx(0)
    assert row(found, kind=RATES, metric="mig", against_beta="2").mean == pytest.approx(-0.06)
    # A rate of 12 nats is beyond the second's curve, which ends at 6.
    assert row(found, kind=RATES, metric="mig", against_beta="1").pairs == 0
    assert found[(found.kind == RATES) & (found.metric == "kl")].empty


def test_every_single_difference_is_there_for_the_figure():
    found = pairs(findings(rising), "mig")
    assert len(found) == 2 * 5
    assert found[found.beta == "8"].value.between(0.139, 0.148).all()


def test_the_spread_says_how_many_seeds_are_needed():
    ((dataset, variant, std, count, needed),) = seeds_for(findings(flat), "mig", 0.1)
    assert (dataset, variant, count) == ("sprites", "beta_vae", 5)
    assert 0.02 < std < 0.1
    assert 3 < needed < 12
    assert list(seeds_for(findings(flat, seeds=(0,)), "mig", 0.1)) == []


def test_the_head_says_what_holds_and_what_it_costs():
    text = in_short(findings(rising))
    assert "MIG at β = 8 is 0.143 higher than at β = 1 (95 % interval 0.138 to 0.148, 5 pairs of seeds" in text
    assert "Holm's correction over 2 comparisons" in text
    assert "It costs 70.1 ± 0.1 nats more of reconstruction" in text


def test_the_head_says_what_the_seeds_cannot_tell():
    text = in_short(findings(flat))
    assert "cannot tell whether a larger β raises MIG" in text
    assert "A difference of 0.1 would have shown in four of five such studies." in text
    assert "To see a difference of 0.1 would take" in in_short(findings(flat, seeds=(0, 1)))
    assert "**0." not in at_a_glance(findings(flat))


def test_a_noisy_strength_does_not_hide_one_that_holds():
    def noisy(variant, beta, seed):
        return {"mig": LEVELS[seed] + {1: 0, 4: 0.1 + 0.001 * seed, 8: 0.6 * (seed % 2)}[int(beta)]}

    assert "MIG at β = 4 is 0.102 higher than at β = 1" in in_short(findings(noisy))


def test_a_number_that_is_not_finite_makes_no_pair():
    def broken(variant, beta, seed):
        return {"mig": float("inf") if beta == 8 and seed == 2 else rising(variant, beta, seed)["mig"]}

    assert row(findings(broken).comparisons, kind=STRENGTHS, beta="8").pairs == 4


def test_strengths_of_another_letter_are_not_the_same_strength():
    given = findings(rising, variants=("beta_vae", "cvae"))
    other = replace(given, symbols={"beta_vae": "β", "cvae": "γ"})
    assert (compare(given).kind == VARIANTS).any()
    assert not (compare(other).kind == VARIANTS).any()


def test_one_seed_has_nothing_to_compare():
    assert "nothing to compare" in in_short(findings(rising, seeds=(1,)))


def test_the_table_at_the_head_marks_what_differs():
    lines = [line for line in at_a_glance(findings(rising)).splitlines() if line.startswith("| β-VAE")]
    assert "**" not in lines[0]
    assert all("**" in line for line in lines[1:])


def test_one_comparison_is_not_several():
    assert "Holm's correction over 1 comparison)" in in_short(findings(rising, strengths=("1", "4")))


def test_a_heading_names_representation_and_protocol():
    for section in (at_a_glance, differences):
        text = section(findings(rising))
        assert "MIG ↑<br>mean, dlib19 |" in text


def test_sampled_codes_do_not_take_the_place_of_mean_ones():
    """Of an encoder that collapsed no mean latent can vote, but each sample does."""
    made = findings(rising)
    sampled = made.metrics.assign(representation="sampled")
    failed = made.metrics[made.metrics.metric == "mig"].assign(value=None, status="not computed: none can vote")
    metrics = pd.concat([sampled, made.metrics[made.metrics.metric != "mig"], failed])
    collapsed = replace(made, metrics=metrics, summary=summarise(metrics, made.cells))
    text = at_a_glance(collapsed)
    assert "MIG ↑" not in text
    assert "No number: MIG in every cell (none can vote)." in text
    assert collapsed.column("mig") is None
    assert collapsed.first_column("mig") == ("mig", "dlib19", "mean")
    assert set(compare(collapsed).metric) == {"reconstruction"}


def test_the_table_at_the_head_says_why_a_cell_has_no_number():
    made = findings(rising)
    metrics = made.metrics.astype({"value": object})
    metrics.loc[(metrics.metric == "mig") & (metrics.beta == "8"), ["value", "status"]] = [None, "not computed: none"]
    text = at_a_glance(replace(made, metrics=metrics, summary=summarise(metrics, made.cells)))
    assert "No number: MIG in 1 of 3 cells (none)." in text
    assert "No number" not in at_a_glance(made)


def test_the_section_prints_every_comparison_with_its_interval():
    text = differences(findings(rising))
    assert "| β-VAE, β = 4 | β-VAE, β = 1 |" in text
    assert "**+0.061 ± 0.002**" in text
    assert "To see a difference of 0.1 in MIG" in text


def test_a_study_of_nothing_says_nothing():
    bare = findings(lambda *_: {})
    assert at_a_glance(bare) == in_short(bare) == differences(bare) == ""


def test_zero_has_no_sign():
    assert (signed(0.0001, 2), signed(0.1, 1), signed(-0.1, 1)) == ("0.00", "+0.1", "−0.1")
