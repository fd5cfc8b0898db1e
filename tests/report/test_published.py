"""Published values beside ours: the difference and its interval by hand, the best strength without its luck."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made_findings import findings
from scipy.stats import ttest_1samp

from multibeta.report.findings import Measure
from multibeta.report.published import beside, best_by_others, published

SOURCE = "Somebody 2020, table 1, https://example.org/a_paper"
ENTRY = {
    **{"dataset": "sprites", "variant": "beta_vae", "strength": "4", "metric": "mig", "protocol": "dlib19"},
    **{"representation": "mean", "value": 0.3, "spread": 0.02, "source": SOURCE, "note": ""},
}


def measured(mig, **changes):
    """Findings with MIG by (strength, seed)."""
    return findings(lambda variant, beta, seed: {"mig": mig(beta, seed)}, **changes)


def level(beta, seed):
    """MIG of 0.1 at 1, 0.25 at 4, 0.2 at 8, and a part of the seed's own from −0.02 to 0.02."""
    return {1: 0.1, 4: 0.25, 8: 0.2}[beta] + 0.01 * (seed - 2)


def test_the_difference_and_its_interval_are_those_of_one_sample():
    found = beside(measured(level), ENTRY)
    values = [0.23, 0.24, 0.25, 0.26, 0.27]
    assert list(found.ours.values()) == pytest.approx(values)
    expected = ttest_1samp(values, 0.3)
    low, high = expected.confidence_interval(0.95)
    assert found.difference[:3] == pytest.approx((-0.05, low - 0.3, high - 0.3))
    assert found.difference.p == pytest.approx(expected.pvalue)
    assert found.difference.pairs == 5


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.3, "**no**<br>ours is lower"), (0.25, "yes"), (0.2, "**no**<br>ours is higher")]
)
def test_a_published_value_lies_in_the_interval_or_ours_is_higher_or_lower(value, verdict):
    assert beside(measured(level), {**ENTRY, "value": value}).verdict == verdict


def test_numbers_of_another_protocol_or_representation_are_never_taken():
    study = measured(level)
    for other in ({"protocol": "chen18"}, {"representation": "sampled"}, {"metric": "sap"}, {"variant": "cvae"}):
        found = beside(study, {**ENTRY, **other})
        assert found.ours == {}
        assert found.verdict == "–"


def test_runs_that_diverged_are_not_averaged_in():
    study = measured(level)
    metrics = study.metrics.copy()
    metrics.loc[(metrics.beta == "4") & (metrics.seed == 0), ["value", "status"]] = [math.nan, "not computed: diverged"]
    metrics.loc[(metrics.beta == "4") & (metrics.seed == 1), "value"] = math.inf
    assert list(beside(replace(study, metrics=metrics), ENTRY).ours) == [2, 3, 4]


def test_with_one_seed_there_is_a_difference_and_no_interval():
    found = beside(measured(level, seeds=(3,)), ENTRY)
    assert found.difference.mean == pytest.approx(-0.04)
    assert math.isnan(found.difference.low)
    assert found.verdict == "–"


# The best strength


def test_a_seed_has_no_say_in_the_strength_that_it_is_read_at():
    # Seed 0 was lucky at 8, where the others are worst.
    values = {"4": {0: 0.2, 1: 0.4, 2: 0.4}, "8": {0: 2.0, 1: 0.1, 2: 0.1}}
    assert best_by_others(values) == {0: "4", 1: "8", 2: "8"}
    assert best_by_others(values, sign=-1) == {0: "8", 1: "4", 2: "4"}


def test_of_strengths_that_do_not_differ_the_best_is_not_above_their_level():
    draws = np.random.default_rng(0)
    naive, ours = [], []
    for _ in range(500):
        noise = draws.normal(0, 1, (6, 5))
        values = {str(row): dict(enumerate(each)) for row, each in enumerate(noise)}
        ours.append(np.mean([values[beta][seed] for seed, beta in best_by_others(values).items()]))
        naive.append(noise.mean(1).max())
    error = np.std(ours) / math.sqrt(500)
    assert abs(np.mean(ours)) < 3 * error
    assert np.mean(naive) > 0.5


def test_strengths_where_a_seed_is_missing_are_no_choice_for_it():
    assert best_by_others({"1": {0: 0.1, 1: 0.1}, "4": {1: 0.9}}) == {0: "1", 1: "1"}
    assert best_by_others({"4": {0: 0.9}}) == {0: "4"}
    assert best_by_others({"1": {0: 0.1}, "4": {0: 0.9}}) == {}
    assert best_by_others({}) == {}


def test_without_a_strength_ours_is_read_at_the_best():
    found = beside(measured(level), {**ENTRY, "strength": None})
    assert found.strengths == ["4"]
    assert np.mean(list(found.ours.values())) == pytest.approx(0.25)
    study = replace(measured(level), measures={"mig": Measure("error", better="lower")})
    assert beside(study, {**ENTRY, "strength": None}).strengths == ["1"]


# The section


def test_the_section_says_it_in_words():
    entries = [
        ENTRY,
        {**ENTRY, "value": 0.25, "spread": None, "note": "Twice the steps."},
        {**ENTRY, "strength": None, "value": 0.2, "note": "Twice the steps."},
        {**ENTRY, "metric": "sap", "note": "Other nets | and <more>."},
    ]
    text = published(replace(measured(level), published=entries))
    (named, plain, best, missing) = (line for line in text.splitlines() if "example.org" in line)
    link = "[Somebody 2020, table 1](https://example.org/a_paper)"
    assert named == (
        f"| β-VAE<br>β = 4 | MIG ↑<br>mean codes<br>dlib19 | {link} | 5 | 0.250 ± 0.020 | 0.300 ± 0.020 | "
        "−0.050<br>(−0.070 to −0.030) | **no**<br>ours is lower |"
    )
    assert plain.endswith(f"| {link}<br>note 1 | 5 | 0.250 ± 0.020 | 0.250 | 0.000<br>(−0.020 to 0.020) | yes |")
    assert "| β-VAE<br>best (β = 4) |" in best
    assert missing.endswith(f"| {link}<br>note 2 | 0 | – | 0.300 ± 0.020 | – | – |")
    assert "Published values in the 95 % interval of ours: 1 of 3; ours is higher than 1 and lower than 1." in text
    assert "1 more cannot be compared yet." in text
    assert text.endswith("1. Twice the steps.\n2. Other nets | and &lt;more&gt;.")


def test_a_published_value_keeps_its_digits():
    text = published(replace(measured(level), published=[{**ENTRY, "value": 17.99, "spread": None}]))
    assert "| 17.99 | −17.74<br>(−17.76 to −17.72) |" in text


def test_a_source_may_be_an_address_alone():
    text = published(replace(measured(level), published=[{**ENTRY, "source": "https://example.org/x."}]))
    assert "[https://example.org/x.](https://example.org/x)" in text


def test_a_study_without_published_values_has_no_section():
    assert published(measured(level)) == ""


def test_a_study_not_measured_yet_says_so():
    found = measured(level)
    text = published(replace(found, metrics=found.metrics[:0], published=[{**ENTRY, "strength": None}]))
    assert "None of 1 published values can be compared yet" in text
    assert "| β-VAE<br>best | MIG" in text
