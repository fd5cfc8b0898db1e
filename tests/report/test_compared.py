"""Two studies side by side: what they share, what differs, what may be compared, and what of it holds."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from made_findings import findings

from multibeta.report.comparable import alone, common, obstacles
from multibeta.report.compared import COMPARED_COLUMNS, changes, differences_between
from multibeta.report.compared_text import compared
from multibeta.report.equal_runs import equal_runs, numbers_of_equal_runs
from multibeta.report.findings import CORE
from multibeta.report.html import page
from multibeta.report.paired import difference, holm
from multibeta.results import RUNS_COLUMNS

#: Seeds differ by more than studies do.
LEVELS = {0: 0.0, 1: 0.4, 2: 0.1, 3: 0.2, 4: 0.3}
NOISE = {0: 0.001, 1: -0.002, 2: 0.003, 3: 0.0, 4: -0.001}


def base(variant, beta, seed):
    return {"mig": LEVELS[seed] + 0.01 * beta, "kl": 20 - beta + LEVELS[seed]}


def higher(variant, beta, seed):
    """MIG is higher by 0.05 at β = 4 alone; KL differs by noise."""
    values = base(variant, beta, seed)
    return {"mig": values["mig"] + 0.05 * (beta == 4) + NOISE[seed], "kl": values["kl"] + NOISE[(seed + 1) % 5]}


def made(values, name, training=None, evaluation=None, dataset=None, prints="", **sweep):
    """A study of formula, its runs finished, their fingerprints of names, options and ``prints``."""
    bare = findings(values, **sweep)
    training = {"likelihood": "bernoulli", "noise_std": 0.1, **(training or {})}
    spec = {
        "study": name,
        "dataset": {"name": "sprites", "plug_in": "sprites", "options": {}, **(dataset or {})},
        "training": training,
        "evaluation": {"codes": 100, "metrics": "all", **(evaluation or {})},
    }
    rows = [
        {
            **dict(zip(("dataset", "variant", "beta"), cell.place, strict=True)),
            **{"seed": seed, "status": "done", "reason": "", "evaluated": True},
            "fingerprint": f"{cell.variant} {cell.beta} {seed} {training} {prints}",
        }
        for cell in bare.cells
        for seed in cell.seeds
    ]
    runs = pd.DataFrame(rows, columns=[*RUNS_COLUMNS, "reason", "evaluated"])
    specs = {cell.place: {**spec, "seeds": list(cell.seeds)} for cell in bare.cells}
    return replace(bare, name=name, title=name, specs=specs, runs=runs)


@pytest.fixture
def one():
    return made(base, "one")


@pytest.fixture
def other():
    return made(higher, "other", training={"latents": 4})


def row(found, **wanted):
    for name, value in wanted.items():
        found = found[found[name] == value]
    (only,) = found.itertuples()
    return only


def text_of(one, other, **more):
    return compared(one, other, differences_between(one, other), **more)


# Cells and options.


def test_cells_are_in_both_or_in_one(one):
    other = made(base, "other", strengths=("4", "16"))
    assert [cell.beta for cell in common(one, other)] == ["4"]
    assert [cell.beta for cell in alone(one, other)] == ["1", "8"]
    assert [cell.beta for cell in alone(other, one)] == ["16"]
    text = text_of(one, other)
    assert "- in both: sprites · β-VAE · β = 4\n" in text
    assert "- only in other: sprites · β-VAE · β = 16\n" in text


def test_an_equal_change_of_many_cells_is_one_row(one):
    other = made(base, "other", training={"latents": 4}, seeds=(0, 1))
    other.specs["sprites", "beta_vae", "8"]["training"] = {"noise_std": 0.1, "likelihood": "gaussian"}
    found = {change.key: change for change in changes(one, other)}
    assert set(found) == {"training.latents", "training.likelihood", "seeds"}
    assert found["training.latents"][1:3] == (None, "4")
    assert [cell.beta for cell in found["training.latents"].cells] == ["1", "4"]
    assert [cell.beta for cell in found["training.likelihood"].cells] == ["8"]
    text = text_of(one, other)
    assert "| training.latents | training | – | `4` | sprites · β-VAE · β = 1, 4 |" in text
    assert "| seeds | which runs | `[0, 1, 2, 3, 4]` | `[0, 1]` | all 3 |" in text


def test_the_name_of_a_study_is_no_option(one):
    assert changes(one, made(base, "other")) == []


# Differences.


def test_a_difference_is_of_the_other_minus_the_one_within_seeds(one, other):
    found = differences_between(one, other)
    assert found.columns.tolist() == list(COMPARED_COLUMNS)
    mig = row(found, metric="mig", beta="4")
    known = difference([0.05 + noise for noise in NOISE.values()])
    assert mig[7:12] == pytest.approx(known[:5])
    assert (mig.pairs, mig.same_runs) == (5, 0)


def test_holm_runs_over_the_cells_of_a_dataset_and_measure(one, other):
    found = differences_between(one, other)
    for _, family in found.groupby("metric"):
        assert len(family) == 3
        assert family.p_holm.tolist() == pytest.approx(holm(family.p).tolist())


def test_only_seeds_of_both_are_paired(one):
    other = made(higher, "other", training={"latents": 4}, seeds=(3, 4))
    assert set(differences_between(one, other).pairs) == {2}
    text = text_of(one, made(higher, "other", training={"latents": 4}, seeds=(4,)))
    assert "**No difference can be tested**" in text


def test_what_holds_is_named_with_the_better_study(one, other):
    text = text_of(one, other)
    assert "**1 of 6 differences hold**, in 3 common cells, between which 1 option differs." in text
    assert "| sprites · β-VAE · β = 4 | MIG | +0.0502 ± 0.0024 |" in text
    (line,) = (line for line in text.splitlines() if line.startswith("| sprites · β-VAE · β = 4 | MIG"))
    assert line.endswith("| other |")
    (turned,) = (
        line for line in text_of(other, one).splitlines() if line.startswith("| sprites · β-VAE · β = 4 | MIG")
    )
    assert "| −0.0502 ± 0.0024 |" in turned
    assert turned.endswith("| other |")


# What is never compared.


def with_protocol(study, protocol):
    changed = (study.metrics.metric == "mig", study.summary.metric == "mig")
    metrics, summary = study.metrics.copy(), study.summary.copy()
    metrics.loc[changed[0], "protocol"] = summary.loc[changed[1], "protocol"] = protocol
    return replace(study, metrics=metrics, summary=summary)


def test_numbers_of_different_protocols_never_meet(one, other):
    other = with_protocol(other, "chen18")
    assert set(differences_between(one, other).metric) == {"kl"}
    (barred,) = obstacles(one, other)
    assert barred.metrics == ["mig"]
    assert barred.reason == "measured otherwise: dlib19 of mean in one, chen18 of mean in other"


def test_the_first_protocol_that_both_have_is_compared(one, other):
    other = with_protocol(other, "chen18")
    both = [
        pd.concat([getattr(one, table), getattr(with_protocol(one, "chen18"), table)]).drop_duplicates()
        for table in ("metrics", "summary")
    ]
    found = differences_between(replace(one, metrics=both[0], summary=both[1]), other)
    assert set(found[found.metric == "mig"].protocol) == {"chen18"}


def test_a_dataset_of_the_same_name_may_be_another(one):
    other = made(higher, "other", dataset={"options": {"size": 32}})
    assert differences_between(one, other).empty
    (barred,) = obstacles(one, other)
    assert (barred.reason, barred.metrics, len(barred.cells)) == ("the dataset of that name is another one", [], 3)
    assert "| the dataset of that name is another one | every measure | all 3 |" in text_of(one, other)


@pytest.mark.parametrize(
    ("digests", "derived", "compared"), [("aa", False, True), ("ab", False, False), ("aa", True, False)]
)
def test_prepared_images_are_told_apart_by_their_hashes(one, other, digests, derived, compared):
    """Another path of the same images is no other dataset; other options of derived images are."""
    other = made(higher, "other", dataset={"options": {"path": "elsewhere"}})
    cards = [{"sprites": {"sha256": {"images": digest}, "derived": derived}} for digest in digests]
    found = differences_between(replace(one, cards=cards[0]), replace(other, cards=cards[1]))
    assert found.empty != compared


def test_nats_of_different_likelihoods_are_not_compared():
    def values(variant, beta, seed):
        return {**higher(variant, beta, seed), "reconstruction": 10 + LEVELS[seed]}

    one, other = made(values, "one"), made(values, "other", training={"likelihood": "gaussian"})
    assert set(differences_between(one, other).metric) == {"kl", "mig"}
    (barred,) = obstacles(one, other)
    assert barred[:2] == ("nats of different likelihoods", ["reconstruction"])


def test_strengths_of_different_symbols_are_not_one_strength(one, other):
    other = replace(other, symbols={"beta_vae": "γ"})
    assert differences_between(one, other).empty
    assert obstacles(one, other)[0].reason == "the strength is β in one and γ in other"


def test_distances_in_different_networks_are_not_compared():
    def values(variant, beta, seed):
        return {**higher(variant, beta, seed), "fd_domain": 1 + LEVELS[seed]}

    one, other = (
        replace(made(values, name, training={"latents": n}), calibrations={"sprites": {"floor": floor}})
        for name, n, floor in (("one", 1, 0.1), ("other", 2, 0.2))
    )
    assert "fd_domain" not in set(differences_between(one, other).metric)


def test_a_measure_of_one_study_alone_is_said_to_be_so(one):
    other = made(lambda *run: {"kl": higher(*run)["kl"]}, "other", training={"latents": 4})
    (barred,) = obstacles(one, other)
    assert barred[:2] == ("only one has numbers", ["mig"])


def test_numbers_measured_by_other_options_come_with_a_warning(one):
    other = made(higher, "other", evaluation={"codes": 50, "metrics": ["mig", "kl"]})
    assert "Measured by other options (`evaluation.codes`): all 3." in text_of(one, other)


# The same runs.


def test_runs_of_one_fingerprint_are_the_same_and_test_nothing(one):
    again = made(base, "again", seeds=(0, 1, 2, 3))
    assert len(equal_runs(one, again)) == 12
    found = differences_between(one, again)
    assert (found["mean"] == 0).all()
    assert (found.same_runs == found.pairs).all()
    assert found.p_holm.isna().all()
    text = text_of(one, again)
    assert "12 runs are the same in both; 24 numbers of theirs agree." in text
    assert "| β-VAE | β = 4 | the same | 0 | 0 |" in text


def test_a_number_of_the_same_run_that_differs_is_named(one):
    altered = made(
        lambda variant, beta, seed: base(variant, beta, seed) | {"mig": 0.5 if seed == 1 else 0.0}, "altered"
    )
    once = altered.metrics.copy()
    keep = (once.metric == "mig") & (once.beta == "4") & (once.seed == 1)
    once.loc[~keep, "value"] = one.metrics.value[~keep]
    altered = replace(altered, metrics=once)
    numbers = numbers_of_equal_runs(one, altered)
    (wrong,) = numbers[~numbers.agrees].itertuples()
    assert (wrong.beta, wrong.seed, wrong.value, wrong.value_there) == ("4", 1, pytest.approx(0.44), 0.5)
    assert wrong.relative == pytest.approx(0.12)
    assert differences_between(one, altered).p.isna().all()
    text = text_of(one, altered)
    assert "**1 of 30 numbers disagree**" in text
    assert "| MIG | dlib19 | mean | sprites · β-VAE · β = 4, seed 1 | 0.44 | 0.5 | 1 |" in text


def test_rounding_is_no_disagreement(one):
    rounded = replace(one, name="rounded", metrics=one.metrics.assign(value=one.metrics.value * (1 + 1e-7)))
    assert numbers_of_equal_runs(one, rounded).agrees.all()


def test_runs_measured_by_other_options_need_not_agree(one):
    other = made(higher, "other", evaluation={"codes": 50})
    assert not equal_runs(one, other).alike.any()
    assert numbers_of_equal_runs(one, other).empty


def test_metrics_of_all_seeds_agree_only_where_all_seeds_are_the_same(one):
    other = made(higher, "other", seeds=(0, 1))
    assert set(numbers_of_equal_runs(one, other).metric) == {"mig", "kl"}
    assert set(numbers_of_equal_runs(one, other, of_siblings=["mig"]).metric) == {"kl"}
    assert set(numbers_of_equal_runs(one, made(higher, "all"), of_siblings=["mig"]).metric) == {"mig", "kl"}


def test_the_same_run_may_stand_under_another_name(one):
    variants = ("cvae",)
    other = made(base, "other", variants=variants)
    runs = other.runs.assign(fingerprint=one.runs.fingerprint)
    other = replace(other, runs=runs)
    found = equal_runs(one, other)
    assert len(found) == 15
    assert set(found.variant_there) == {"cvae"}
    assert "15 of them stand under other names in other." in text_of(one, other)


def test_a_variant_of_one_training_is_the_same_run_at_equal_strength_only(one):
    shared = one.runs.assign(fingerprint=[f"seed {seed}" for seed in one.runs.seed])
    one, other = replace(one, runs=shared), replace(one, name="other", runs=shared)
    found = equal_runs(one, other)
    assert len(found) == 15
    assert numbers_of_equal_runs(one, other).agrees.all()


def test_the_same_run_that_ended_otherwise_is_named(one):
    other = replace(one, name="other", runs=one.runs.assign(status=["timeout", *["done"] * 14]))
    assert (
        "**1 run ended otherwise**, such as sprites · β-VAE · β = 1, seed 0: done in one, timeout in other."
        in text_of(one, other)
    )


# The page.


def test_studies_without_a_common_cell_or_a_number_have_a_page(one):
    elsewhere = made(base, "other", strengths=("16",))
    assert "**No cell is in both**" in text_of(one, elsewhere)
    empty = made(lambda *_: {}, "empty")
    missing = replace(empty, runs=empty.runs.assign(status="missing", evaluated=False))
    text = text_of(one, missing)
    assert "**No difference can be tested**, in 3 common cells" in text
    assert "| runs | 15 done | 15 missing |" in text
    assert "No measure is there for the same cell and seed in both." in text


def test_provenance_names_what_differs_and_what_does_not(one, other):
    facts = {"versions": [{"python": "3.11", "torch": "2.11"}], "hardware": [{"cores": 2}], "git_commit": "abc"}
    newer = {**facts, "versions": [{"python": "3.11", "torch": "2.11"}, {"python": "3.11", "torch": "2.12"}]}
    text = text_of(replace(one, provenance=facts), replace(other, provenance=newer))
    assert "| torch | 2.11 | 2.11 or 2.12 |" in text
    assert "The same in both: commit of the report abc, python 3.11, cores 2." in text


def test_the_page_is_html_with_every_section(one, other):
    found = page(text_of(one, other), lambda path: b"")
    for heading in ("cells", "options", "the-same-runs", "differences-within-seeds", "provenance"):
        assert f'<a href="#{heading}">' in found
    assert "<img" not in found


def test_every_core_measure_may_be_compared():
    def values(variant, beta, seed):
        return {metric: LEVELS[seed] + NOISE[(seed + int(beta)) % 5] for metric in CORE}

    one, other = made(values, "one"), made(values, "other", training={"latents": 4})
    assert set(differences_between(one, other).metric) == set(CORE)
    assert not any(map(math.isnan, differences_between(one, other)["mean"]))
