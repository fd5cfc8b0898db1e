"""Macros of numbers: how they are called, what they expand to, and that no two are alike."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from multibeta.report.comparisons import COMPARISONS_COLUMNS, compare
from multibeta.report.findings import CellKey, Findings, Measure
from multibeta.report.numbers import SUFFIXES, named, numbers, numbers_tex, words
from multibeta.report.statistics import summarise
from multibeta.results import METRICS_COLUMNS, RUNS_COLUMNS

#: Column, and its value at β in a seed.
VALUES = {
    ("mig", "dlib19", "mean"): lambda beta, seed: beta / 10 + seed / 100,
    ("mig", "dlib19", "sampled"): lambda beta, seed: beta / 20,
    ("mig", "chen18", "sampled"): lambda beta, seed: beta / 30,
    ("kl", "held_out", "posterior"): lambda beta, seed: -beta,
    ("fid", "inception_2015_12_05", "prior"): lambda beta, seed: None,
}


def findings(places=(("sprites", "beta_vae", "1"), ("sprites", "beta_vae", "4")), seeds=(0, 1, 2), values=VALUES):
    cells = [CellKey(*place, tuple(seeds)) for place in places]
    rows = [
        (*cell.place, seed, protocol, representation, metric, "", value(float(cell.beta), seed), 10)
        for cell in cells
        for seed in seeds
        for (metric, protocol, representation), value in values.items()
    ]
    metrics = pd.DataFrame(rows, columns=list(METRICS_COLUMNS[:-1])).astype({"value": float})
    metrics["status"] = metrics.value.isna().map({True: "not computed: weights absent", False: "done"})
    bare = Findings(
        **{name: {} for name in ("specs", "cards", "calibrations", "references", "pictures", "provenance")},
        name="made",
        title="made",
        cells=cells,
        runs=pd.DataFrame(columns=[*RUNS_COLUMNS, "reason", "evaluated"]),
        metrics=metrics,
        repeats=pd.DataFrame(),
        summary=summarise(metrics, cells),
        comparisons=pd.DataFrame(columns=list(COMPARISONS_COLUMNS)),
        measures={"mig": Measure("MIG", better="higher"), "kl": Measure("KL", "nats"), "fid": Measure("FID")},
        variants={cell.variant: cell.variant for cell in cells},
        symbols={cell.variant: "β" for cell in cells},
        targets=[],
    )
    return replace(bare, comparisons=compare(bare))


def macros(found):
    """What each macro of the file expands to."""
    return dict(re.findall(r"^\\newcommand\{\\(\w+)\}\{(.*)\}$", numbers_tex(numbers(found)), re.M))


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("beta_vae", "BetaVae"),
        ("0.5", "ZeroPointFive"),
        ("16", "OneSix"),
        ("dlib19", "DlibOneNine"),
        ("alex_0.1", "AlexZeroPointOne"),
        ("KMNIST-small", "KMNISTSmall"),
    ],
)
def test_names_are_of_letters_alone(text, letters):
    assert words(text) == letters


def test_a_mean_its_interval_and_its_seeds():
    shown = macros(findings())
    # 0.40, 0.41, 0.42: t(0.975; 2) · 0.01 / √3 = 0.0248
    assert shown["mbMigSpritesBetaVaeFour"] == "0.410"
    assert shown["mbMigSpritesBetaVaeFourCI"] == r"\ensuremath{[0.385, 0.435]}"
    assert shown["mbMigSpritesBetaVaeFourPM"] == r"\ensuremath{0.410 \pm 0.025}"
    assert shown["mbMigSpritesBetaVaeFourN"] == "3"
    assert shown["mbKlSpritesBetaVaeOne"] == r"\ensuremath{-1.00}"
    assert "mbMigSpritesBetaVaeFourP" not in shown


def test_other_protocols_and_codes_are_named():
    shown = macros(findings())
    assert shown["mbMigDlibOneNineSampledSpritesBetaVaeFour"] == "0.200"
    assert shown["mbMigChenOneEightSampledSpritesBetaVaeFour"] == "0.133"


def test_a_difference_within_seeds_names_both_sides_and_has_a_p_value():
    noisy = {("mig", "dlib19", "mean"): lambda beta, seed: beta / 10 + seed * beta / 100}
    shown = macros(findings(values=noisy))
    assert shown["mbDiffMigSpritesBetaVaeFourVsOne"] == "0.330"  # 0.30, 0.33, 0.36
    assert shown["mbDiffMigSpritesBetaVaeFourVsOneN"] == "3"
    assert shown["mbDiffMigSpritesBetaVaeFourVsOneP"] == r"\ensuremath{= 0.0027}"


def test_a_very_small_p_value_is_a_bound():
    close = {("mig", "dlib19", "mean"): lambda beta, seed: beta / 10 + seed * beta / 1e5}
    assert macros(findings(values=close))["mbDiffMigSpritesBetaVaeFourVsOneP"] == r"\ensuremath{\leq 0.0001}"


def test_what_differs_by_variant_and_rate_is_named_so():
    places = [("sprites", variant, beta) for variant in ("beta_vae", "cvae") for beta in ("1", "4")]
    shown = macros(findings(places))
    assert "mbDiffMigSpritesCvaeFourVsBetaVaeFour" in shown
    assert "mbDiffMigSpritesCvaeAtRateOfBetaVaeOne" in shown


def test_what_was_not_computed_says_so():
    shown = macros(findings())
    assert shown["mbFidSpritesBetaVaeFour"] == shown["mbFidSpritesBetaVaeFourCI"] == r"\mbNotComputed{}"
    assert shown["mbFidSpritesBetaVaeFourN"] == "0"


def test_a_cell_that_is_not_measured_yet_has_its_macros():
    whole = findings()
    summary = whole.summary[whole.summary.beta == "1"]
    assert macros(replace(whole, summary=summary))["mbMigSpritesBetaVaeFour"] == r"\mbNotComputed{}"


def test_one_seed_has_no_interval_and_says_so():
    shown = macros(findings(seeds=(0,)))
    assert shown["mbMigSpritesBetaVaeFour"] == "0.400"
    assert shown["mbMigSpritesBetaVaeFourCI"] == r"\mbNoInterval{}"
    assert shown["mbMigSpritesBetaVaeFourPM"] == r"0.400 (\mbNoInterval{})"


COLLIDING = [
    [("sprites", "beta_vae", "1"), ("sprites", "beta-vae", "1"), ("sprites", "betaVae", "1")],
    [("sprites", "vae", "10"), ("sprites", "vae1", "0.1"), ("sprites", "vae10", "1"), ("sprites", "vae1", "01")],
    [("sup_sprites", "vae", "1"), ("sup", "sprites_vae", "1"), ("sup_sprites_vae", "1", "1")],
]


@pytest.mark.parametrize("places", COLLIDING)
def test_names_never_collide(places):
    found = numbers(findings(places))
    every = [macro for number in found for macro in number.macros]
    assert len(set(every)) == len(every)
    assert all(re.fullmatch("[A-Za-z]+", macro) for macro in every)
    assert len({number.about for number in found}) == len(found)


def test_an_ambiguous_name_means_neither_whatever_the_order():
    first, second = ("sprites", "beta_vae", "1"), ("sprites", "beta-vae", "1")
    one, other = (named(numbers(findings(places))[:10]) for places in ([first, second], [second, first]))
    assert "mbMigSpritesBetaVaeOne" not in one
    assert {macro: each.about for macro, each in one.items()} == {macro: each.about for macro, each in other.items()}


def test_the_name_of_a_measure_does_not_depend_on_what_was_computed():
    absent = {**VALUES, ("mig", "dlib19", "mean"): lambda beta, seed: None}
    shown = macros(findings(values=absent))
    assert shown["mbMigSpritesBetaVaeFour"] == r"\mbNotComputed{}"
    assert shown["mbMigChenOneEightSampledSpritesBetaVaeFour"] == "0.133"


def test_the_macros_are_printed(typeset):
    used = " ".join(rf"\mbMigSpritesBetaVaeFour{suffix}{{}}" for suffix in SUFFIXES[:-1])
    page = typeset(
        rf"{used}; \mbFidSpritesBetaVaeFour, $\mbFidSpritesBetaVaeFour$; \mbKlSpritesBetaVaeOne; "
        r"$p \mbDiffMigSpritesBetaVaeFourVsOneP$",
        numbers_tex(numbers(findings())),
    )
    assert page.startswith("0.410 [0.385, 0.435] 0.410±0.025 3; not computed, not computed; −1.00; p = not computed")
