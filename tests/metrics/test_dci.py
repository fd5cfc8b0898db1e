"""DCI: formulas in closed form, trees against disentanglement_lib and scikit-learn, and codes with known answers."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._boosting import Target, boost
from multibeta.metrics.disentanglement.dci import DCI, by_scikit_learn, by_trees, completeness, disentanglement

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")
with_oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")


def oracle(table):
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]["dci_gbt"]
    return arrays[table].astype(np.float64), arrays["factors"].astype(np.int64), expected


def of(found):
    return {
        "disentanglement": disentanglement(found.importance)[0],
        "completeness": completeness(found.importance)[0],
        "informativeness_test": found.informativeness.mean(),
    }


def table(n=1200, latents=5, seed=0, noise=0.05):
    """Factors of 3, 4 and 8 values, and codes that tell one each beside latents of noise."""
    draw = np.random.default_rng(seed)
    factors = np.stack([draw.integers(size, size=n) for size in (3, 4, 8)], axis=1)
    codes = draw.normal(size=(n, latents))
    codes[:, :3] = factors + noise * codes[:, :3]
    return codes, factors


def measure(codes, factors, protocol="dlib19", kinds=("categorical", "ordinal", "periodic")):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    needs = {"codes": codes, "factors": factors, "factor_names": names, "factor_kinds": kinds[: len(names)], "seed": 0}
    return DCI().measure(**needs, **DCI.protocols[protocol])


def values(codes, factors, protocol="dlib19"):
    return [result.value for result in measure(codes, factors, protocol).values()]


# The formulas, in closed form.


def test_each_latent_one_factor_is_one():
    assert disentanglement(np.eye(10))[0] == pytest.approx(1)
    assert completeness(np.eye(10))[0] == pytest.approx(1)


def test_equal_importances_are_zero():
    for shape in ((5, 10), (40, 32)):
        assert disentanglement(np.ones(shape))[0] == pytest.approx(0, abs=1e-12)
        assert completeness(np.ones(shape))[0] == pytest.approx(0, abs=1e-12)


def test_one_latent_for_two_factors():
    importance = np.zeros((10, 10))
    importance[np.arange(5), np.arange(0, 10, 2)] = importance[np.arange(5), np.arange(1, 10, 2)] = 1
    assert disentanglement(importance)[0] == pytest.approx(1 - np.log(2) / np.log(10))
    assert completeness(importance)[0] == pytest.approx(1)


def test_two_latents_for_one_factor():
    importance = np.zeros((10, 5))
    importance[np.arange(0, 10, 2), np.arange(5)] = importance[np.arange(1, 10, 2), np.arange(5)] = 0.5
    assert disentanglement(importance)[0] == pytest.approx(1)
    assert completeness(importance)[0] == pytest.approx(1 - np.log(2) / np.log(10))


def test_a_dead_latent_takes_nothing_from_those_after_it():
    alive = np.eye(4)
    with_dead = np.insert(alive, 1, 0, axis=0)
    assert disentanglement(with_dead)[0] == pytest.approx(1)
    assert disentanglement(with_dead)[1].tolist() == pytest.approx([1, 0, 1, 1, 1])


# The trees.


def test_trees_see_a_value_that_one_code_in_a_hundred_has():
    """In 64 bins of equally many codes alone it shares its bin with others, and D of these perfect codes is 0.5."""
    draw = np.random.default_rng(0)
    factors = (draw.random((600, 3)) < 0.01).astype(np.int64)
    codes = np.concatenate([factors + 0.01 * draw.normal(size=(600, 3)), draw.normal(size=(600, 2))], axis=1)
    found = of(by_trees(codes, factors, np.arange(400), np.arange(400, 600)))
    assert list(found.values()) == pytest.approx([1, 1, 1], abs=0.01)


@functools.cache
def scored(name):
    codes, factors, _ = oracle(name)
    return of(by_trees(codes, factors, np.arange(3000), np.arange(3000, 4500)))


@with_oracles
@pytest.mark.parametrize("name", TABLES)
def test_our_trees_are_near_those_of_disentanglement_lib(name):
    """The page gives these distances."""
    found, expected = scored(name), oracle(name)[2]
    assert found["disentanglement"] == pytest.approx(expected["disentanglement"], abs=0.02)
    assert found["completeness"] == pytest.approx(expected["completeness"], abs=0.02)
    assert found["informativeness_test"] == pytest.approx(expected["informativeness_test"], abs=0.015)


@with_oracles
def test_our_trees_rank_the_tables_as_disentanglement_lib_does():
    scores = {name: scored(name) for name in TABLES}
    expected = {name: oracle(name)[2] for name in TABLES}
    for score in ("disentanglement", "completeness", "informativeness_test"):
        # A perfect score of two tables is a tie.
        ours = sorted(TABLES, key=lambda name: (round(scores[name][score], 2), name))
        theirs = sorted(TABLES, key=lambda name: (round(expected[name][score], 2), name))
        assert ours == theirs


@with_oracles
def test_scikit_learns_trees_are_disentanglement_libs():
    """One table here, for half a minute each; `benchmarks/disentanglement.py` compares all six."""
    codes, factors, expected = oracle("perfect")
    found = of(by_scikit_learn(codes, factors, np.arange(3000), np.arange(3000, 4500), seed=0))
    for score, value in found.items():
        assert value == pytest.approx(expected[score], abs=1e-2)


def test_trees_are_those_of_scikit_learn_where_bins_hold_single_codes():
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    draw = np.random.default_rng(3)
    codes = draw.integers(40, size=(600, 4)).astype(float)  # 40 values: no bin joins two
    classes = ((codes[:, 0] > 20) + 2 * (codes[:, 1] + 4 * draw.normal(size=600) > 25)).astype(int)
    number = codes[:, 2] + 0.1 * codes[:, 3] ** 2
    (as_classes, as_number) = boost(codes[:400], [Target(classes[:400], 4), Target(number[:400])], codes[400:])
    classifier = GradientBoostingClassifier(random_state=0).fit(codes[:400], classes[:400])
    np.testing.assert_allclose(as_classes.importance, classifier.feature_importances_, atol=5e-3)
    assert (as_classes.testing == classifier.predict(codes[400:])).mean() > 0.97
    regressor = GradientBoostingRegressor(random_state=0).fit(codes[:400], number[:400])
    np.testing.assert_allclose(as_number.importance, regressor.feature_importances_, atol=5e-3)
    np.testing.assert_allclose(as_number.testing[:, 0], regressor.predict(codes[400:]), rtol=0.05, atol=1)


def test_latents_that_tie_share_the_importance():
    codes, factors = table()
    codes[:, 3] = 7 - 2 * codes[:, 0]
    found = by_trees(codes, factors, np.arange(800), np.arange(800, 1200))
    assert found.importance[0, 0] == pytest.approx(found.importance[3, 0], rel=1e-3)
    assert found.importance[[0, 3], 0].sum() == pytest.approx(1, abs=0.01)


# The metric.


@pytest.mark.parametrize("protocol", ["dlib19", "ours"])
def test_perfect_codes_score_one_and_noise_nothing(protocol):
    codes, factors = table()
    assert min(values(codes, factors, protocol)) > 0.93
    noise = np.random.default_rng(1).normal(size=codes.shape)
    assert max(values(noise, factors, protocol)[:2]) < 0.05
    if protocol == "ours":
        assert values(noise, factors, protocol)[2] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("protocol", ["dlib19", "ours"])
def test_rotated_codes_are_as_informative_and_not_disentangled(protocol):
    codes, factors = table()
    rotation = np.eye(3) - 2 / 3
    standard = (codes[:, :3] - codes[:, :3].mean(0)) / codes[:, :3].std(0)
    d, c, i = values(np.hstack([standard @ rotation, codes[:, 3:]]), factors, protocol)
    assert max(d, c) < 0.6
    assert i > 0.7


def test_one_code_for_two_factors_is_complete_and_not_disentangled():
    codes, factors = table()
    codes[:, 0], codes[:, 1] = 10 * factors[:, 0] + factors[:, 1], 0
    d, c, _ = values(codes, factors)
    assert c > 0.95
    assert d < 0.75


def test_constant_codes_tell_nothing():
    _, factors = table()
    d, c, i = values(np.ones((1200, 4)), factors, "ours")
    assert (d, c, i) == pytest.approx((0, 0, 0), abs=1e-6)


def test_a_periodic_factor_is_told_by_its_place_on_the_circle():
    draw = np.random.default_rng(0)
    factors = np.stack([draw.integers(40, size=1500), draw.integers(3, size=1500)], axis=1)
    codes = np.column_stack([(factors[:, 0] + 20) % 40, factors[:, 1], draw.normal(size=1500)])
    found = measure(codes, factors, "ours", kinds=("periodic", "categorical"))
    assert found["dci_informativeness"].parts["factor0"] > 0.98


def test_the_matrix_is_kept():
    found = measure(*table())["dci_disentanglement"]
    assert found.arrays["importance"].shape == (5, 3)
    assert found.arrays["importance"].sum(0) == pytest.approx(np.ones(3))
    assert list(found.parts) == ["z0", "z1", "z2", "z3", "z4"]


def test_one_factor_has_no_disentanglement_and_says_so():
    codes, factors = table()
    found = measure(codes, factors[:, :1])
    assert isinstance(found["dci_disentanglement"], NotComputed)
    assert found["dci_completeness"].value > 0.9
    assert isinstance(measure(codes[:, :1], factors)["dci_completeness"], NotComputed)


def test_what_cannot_be_scored_is_refused():
    codes, factors = table()
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        measure(codes, factors * [1, 0, 1])
    with pytest.raises(NotComputed, match="99 codes are too few, at least 100 needed"):
        measure(codes[:99], factors[:99])
    codes[5, 2] = np.nan
    with pytest.raises(NotComputed, match="codes holds 1 NaN"):
        measure(codes, factors)
