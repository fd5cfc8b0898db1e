"""Explicitness, against the reference implementation and known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._predictors import Rows
from multibeta.metrics.disentanglement.explicitness import Explicitness, area_under_roc, explicitness

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")


@pytest.fixture
def factors():
    return np.random.default_rng(0).integers((3, 5), size=(1500, 2))


def measure(codes, factors, protocol="dlib19"):
    settings = Explicitness.protocols[protocol]
    return Explicitness().measure(codes=codes, factors=factors, factor_names=("shape", "x"), seed=0, **settings)


@pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
@pytest.mark.parametrize("table", TABLES)
def test_equals_disentanglement_lib(table):
    """Its classifier and areas, which the reference values hold for codes that are not standardised."""
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]
    codes, factors = arrays[table].astype(np.float64), arrays["factors"].astype(np.int64)
    found = explicitness(Rows(codes[:3000], factors[:3000]), Rows(codes[3000:], factors[3000:]))
    assert found.learning.mean() == pytest.approx(expected["explicitness_train"], abs=1e-6)
    assert found.testing.mean() == pytest.approx(expected["explicitness_test"], abs=1e-6)


def test_area_is_the_share_of_pairs_in_order():
    scores, positive = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])
    assert area_under_roc(scores, positive) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert area_under_roc(np.zeros(4), positive) == 0.5


def test_perfect_noise_and_constant_codes(factors):
    draw = np.random.default_rng(1)
    assert measure(np.eye(3)[factors[:, 0]] @ draw.normal(size=(3, 3)), factors).parts["shape"] == 1
    assert measure(draw.normal(size=(1500, 3)), factors).value == pytest.approx(0.5, abs=0.05)
    assert measure(np.full((1500, 3), 3.3), factors).value == 0.5


def test_rotation_scale_and_dead_latents_change_next_to_nothing(factors):
    draw = np.random.default_rng(1)
    codes = np.concatenate([factors, np.zeros((1500, 1))], axis=1) + 0.3 * draw.normal(size=(1500, 3))
    value = measure(codes, factors).value
    turned = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    assert measure(codes @ turned, factors).value == pytest.approx(value, abs=0.005)
    assert measure(codes * [1e3, 1e-3, 1], factors).value == pytest.approx(value, abs=1e-6)
    assert measure(np.concatenate([codes, np.full((1500, 1), 3.3)], 1), factors).value == pytest.approx(value, abs=1e-6)


def test_tested_on_no_more_than_5000_rows():
    factors = np.random.default_rng(0).integers((2, 2), size=(15_300, 2))
    codes = factors + np.random.default_rng(1).normal(size=(15_300, 2))
    assert measure(codes, factors).n == 5000
    assert set(measure(codes, factors).arrays) == {"learning_rows", "test_rows"}


def test_a_value_missing_among_the_test_rows_is_left_out():
    learning = Rows(np.random.default_rng(0).normal(size=(90, 2)), np.arange(90)[:, None] % 3)
    testing = Rows(np.random.default_rng(1).normal(size=(30, 2)), np.arange(30)[:, None] % 2)
    assert np.isfinite(explicitness(learning, testing).testing).all()
    with pytest.raises(NotComputed, match="among the rows to test on"):
        explicitness(learning, Rows(testing.codes, testing.factors * 0))


def test_constant_factor_is_refused(factors):
    with pytest.raises(NotComputed, match="factor 'x' has a single value"):
        measure(np.zeros((1500, 2)), factors * [1, 0])
