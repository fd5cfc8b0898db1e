"""SAP, by classifiers and by squared correlation, against the reference implementation and known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._gap import gap_of_best_two, squared_correlation
from multibeta.metrics.disentanglement._predictors import Rows
from multibeta.metrics.disentanglement.sap import SAP, accuracies, circular_explained
from multibeta.metrics.disentanglement.sap_continuous import SAPContinuous

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")
SIZES = (3, 6, 10)
KINDS = ("categorical", "ordinal", "periodic")


@pytest.fixture
def factors():
    return np.random.default_rng(0).integers(SIZES, size=(1800, 3))


def noise(factors, latents=3):
    return np.random.default_rng(1).normal(size=(len(factors), latents))


def measure(codes, factors, protocol="dlib19", metric=SAP, kinds=KINDS):
    needs = {"codes": codes, "factors": factors, "factor_names": ("shape", "x", "angle"), "factor_kinds": kinds}
    needs["seed"] = 0
    return metric().measure(**{need: needs[need] for need in metric.needs}, **metric.protocols[protocol])


@pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
@pytest.mark.parametrize("table", TABLES)
def test_equals_disentanglement_lib(table):
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]
    codes, factors = arrays[table].astype(np.float64), arrays["factors"].astype(np.int64)
    discrete = accuracies(Rows(codes[:3000], factors[:3000]), Rows(codes[3000:], factors[3000:]))
    assert gap_of_best_two(discrete).mean() == pytest.approx(expected["sap_discrete"], abs=1e-6)
    continuous = squared_correlation(codes[:3000], factors[:3000])
    assert gap_of_best_two(continuous).mean() == pytest.approx(expected["sap_continuous"], abs=1e-6)


def test_squared_correlation_is_that_of_numpy():
    draw = np.random.default_rng(0)
    codes, factors = draw.normal(size=(500, 4)), draw.integers(5, size=(500, 2))
    codes[:, 1] += factors[:, 0]
    expected = np.corrcoef(codes.T, factors.T)[:4, 4:] ** 2
    assert squared_correlation(codes, factors) == pytest.approx(expected)


def test_perfect_codes(factors):
    codes = np.concatenate([factors, noise(factors)], axis=1)
    ours = measure(codes, factors, "ours")
    assert ours.parts["x"] == pytest.approx(1, abs=0.01)
    assert ours.parts["angle"] == pytest.approx(1, abs=0.05)
    assert list(ours.parts) == ["shape", "x", "angle"]
    assert ours.value == pytest.approx(np.mean(list(ours.parts.values())))
    assert ours.arrays["scores"].shape == (6, 3)
    assert measure(codes, factors, metric=SAPContinuous).value == pytest.approx(1, abs=0.01)


def test_lines_do_not_part_many_ordered_values(factors):
    """So `dlib19` scores perfect codes low, the lower the more values a factor has."""
    parts = measure(np.concatenate([factors, noise(factors)], axis=1), factors).parts
    assert parts["shape"] > parts["x"] > parts["angle"]
    assert parts["angle"] < 0.25


def test_scale_and_offset_of_latents_do_not_matter_to_numbers(factors):
    codes = np.concatenate([factors + 0.3 * noise(factors), noise(factors)], axis=1)
    numbers = ("ordinal", "ordinal", "periodic")
    moved = measure(codes * [0.1, 5, 1, 2, 3, 1] - 7, factors, "ours", kinds=numbers)
    assert moved.value == pytest.approx(measure(codes, factors, "ours", kinds=numbers).value)


@pytest.mark.parametrize("protocol", ["dlib19", "ours"])
def test_duplicated_rotated_constant_and_noise_score_low(factors, protocol):
    assert measure(np.concatenate([factors, factors], axis=1), factors, protocol).value < 1e-9
    assert measure(np.full((len(factors), 4), 3.3), factors, protocol).value == 0
    assert measure(noise(factors), factors, protocol).value < 0.03
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))[0]
    apart = np.concatenate([(factors - factors.mean(0)) / factors.std(0), noise(factors)], axis=1)
    assert measure(apart @ turned, factors, protocol).value < 0.75 * measure(apart, factors, protocol).value


def test_dead_latent_explains_nothing(factors):
    codes = np.concatenate([factors, np.full((len(factors), 1), 3.3)], axis=1)
    assert (squared_correlation(codes, factors)[3] == 0).all()
    assert np.isfinite(measure(codes, factors).value)


def test_one_latent_for_two_factors_is_not_seen_as_such():
    """SAP asks whether a factor has one latent, not whether a latent has one factor."""
    v = np.random.default_rng(0).integers(2, size=(2000, 1))
    factors = np.concatenate([v, v, np.random.default_rng(1).integers(2, size=(2000, 1))], axis=1)
    codes = np.concatenate([factors[:, [0, 2]], noise(factors, 1)], axis=1)
    result = measure(codes, factors, metric=SAPContinuous)
    assert result.value == pytest.approx(1, abs=0.02)


def test_ours_reads_a_factor_by_its_kind(factors):
    codes = np.concatenate([factors, noise(factors)], axis=1)
    assert measure(codes, factors, "ours", kinds=("ordinal",) * 3).value == pytest.approx(
        gap_of_best_two(squared_correlation(codes, factors)).mean()
    )
    of_classes = measure(codes, factors, "ours", kinds=("categorical",) * 3)
    standard = (codes - codes.mean(0)) / codes.std(0)
    assert of_classes.value == pytest.approx(measure(standard, factors, "dlib19").value, abs=0.01)


def test_ours_does_not_depend_on_the_scale_of_a_latent(factors):
    codes = np.concatenate([factors, noise(factors)], axis=1)
    kinds = ("categorical",) * 3
    expected = measure(codes, factors, "ours", kinds=kinds).value
    scaled = codes * [1e-3, 10, 1, 1e3, 1, 0.1] + 5
    assert measure(scaled, factors, "ours", kinds=kinds).value == pytest.approx(expected, abs=1e-3)
    assert measure(1e-3 * codes, factors, "dlib19").value < 0.5 * measure(codes, factors, "dlib19").value


def test_a_number_may_have_as_many_values_as_rows_and_a_class_may_not(factors):
    factors = factors.copy()
    factors[:, 1] = np.arange(len(factors))
    codes = np.concatenate([factors, noise(factors)], axis=1)
    kinds = ("categorical", "ordinal", "periodic")
    assert measure(codes, factors, "ours", kinds=kinds).parts["x"] == pytest.approx(1, abs=0.01)
    with pytest.raises(NotComputed, match=r"1800 codes are too few for the 1800 values of factor 'x', at least 18000"):
        measure(codes, factors, "dlib19")


def test_a_circle_is_told_by_a_latent_along_it_and_half_by_a_coordinate():
    values = np.random.default_rng(0).integers(40, size=6000)
    angle = 2 * np.pi * values / 40
    jitter = 1e-3 * np.random.default_rng(1).normal(size=(6000, 4))
    turned = (values + 13) % 40
    codes = np.stack([values, turned, np.cos(angle), np.random.default_rng(2).normal(size=6000)], axis=1) + jitter
    along, elsewhere_cut, coordinate, nothing = circular_explained(codes, values)
    assert along == pytest.approx(1, abs=0.01)
    assert elsewhere_cut == pytest.approx(1, abs=0.01)
    assert coordinate == pytest.approx(0.5, abs=0.05)
    assert nothing < 0.02


def test_what_cannot_be_scored_is_refused(factors):
    with pytest.raises(NotComputed, match="needs 2 latents or more, found 1"):
        measure(noise(factors, 1), factors)
    with pytest.raises(NotComputed, match="50 codes are too few"):
        measure(noise(factors[:50]), factors[:50])
    with pytest.raises(NotComputed, match="factor 'x' has a single value"):
        measure(noise(factors), factors * [1, 0, 1])


def test_a_value_that_only_test_rows_have_cannot_be_learnt(factors):
    rare, refused = factors.copy(), set()
    for row in range(8):
        rare[:, 0] = np.arange(len(rare)) == row
        try:
            measure(noise(rare), rare)
        except NotComputed as reason:
            refused.add(str(reason))
    assert refused == {"factor 'shape' has a single value among the 1200 rows to learn from"}
