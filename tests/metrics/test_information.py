"""MIG-sup, DCIMIG, JEMMIG and modularity: against the reference tables and cases with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._discrete import binned, entropy, information, number_of_bins, ranked
from multibeta.metrics.disentanglement.dcimig import DCIMIG, best_gaps
from multibeta.metrics.disentanglement.jemmig import JEMMIG, joint_gaps
from multibeta.metrics.disentanglement.mig_sup import MIGSup, gaps
from multibeta.metrics.disentanglement.modularity import Modularity, modularity

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")
METRICS = (MIGSup, DCIMIG, JEMMIG, Modularity)
oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
every_table = pytest.mark.parametrize("table", TABLES)
every_protocol = pytest.mark.parametrize("protocol", ["dlib19", "ours"])
log = np.log


def grid(*sizes, times=1):
    """The full factorial grid of factors (N, K), each combination ``times`` times."""
    n = int(np.prod(sizes))
    return np.tile(np.stack(np.unravel_index(np.arange(n), sizes), axis=1), (times, 1)).astype(np.int64)


def measure(metric, codes, factors, protocol="dlib19"):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    settings = metric.protocols[protocol]
    return metric().measure(codes=np.asarray(codes, float), factors=factors, factor_names=names, seed=0, **settings)


def columns(*each):
    return np.stack(each, axis=1).astype(float)


@pytest.fixture(scope="module")
def reference():
    """Training rows and disentanglement_lib's values, by table."""
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    values = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"]
    return {t: (arrays[t][:3000].astype(float), arrays["factors"][:3000].astype(np.int64), values[t]) for t in TABLES}


# Against the reference.


@oracles
@every_table
def test_modularity_equals_disentanglement_lib(reference, table):
    codes, factors, expected = reference[table]
    assert measure(Modularity, codes, factors).value == pytest.approx(expected["modularity"], abs=1e-6)


@oracles
@every_table
def test_the_others_follow_from_the_information_of_disentanglement_lib(reference, table):
    codes, factors, expected = reference[table]
    mutual, of_factor = (np.array(expected[name]) for name in ("mutual_information_nats", "factor_entropy_nats"))

    by_latent = [sorted(mutual[j] / of_factor) for j in range(10) if codes[:, j].var() > 0.01]
    assert measure(MIGSup, codes, factors).value == pytest.approx(np.mean([s[-1] - s[-2] for s in by_latent]), abs=1e-6)

    best = dict.fromkeys(range(5), 0.0)
    for row in mutual:
        k = int(row.argmax())
        best[k] = max(best[k], row[k] - np.delete(row, k).max())
    assert measure(DCIMIG, codes, factors).value == pytest.approx(sum(best.values()) / of_factor.sum(), abs=1e-6)

    found = []
    for k in range(5):
        j = int(mutual[:, k].argmax())
        counts, _, _ = np.histogram2d(codes[:, j], factors[:, k], bins=(20, int(factors[:, k].max()) + 1))
        share = counts[counts > 0] / counts.sum()
        gap = -(share * log(share)).sum() - mutual[j, k] + np.delete(mutual[:, k], j).max()
        found.append(1 - gap / (of_factor[k] + log(20)))
    assert measure(JEMMIG, codes, factors).value == pytest.approx(np.mean(found), abs=1e-6)


@oracles
@pytest.mark.parametrize("metric", [MIGSup, DCIMIG])
def test_they_rank_the_tables_as_they_should(reference, metric):
    score = {table: measure(metric, *reference[table][:2]).value for table in TABLES}
    assert score["perfect"] > score["entangled"] > score["noise"]
    assert score["perfect"] > score["rotated"] > score["noise"]
    assert score["noise"] < 0.01


@oracles
def test_the_numbers_of_the_pages(reference):
    noise, perfect = reference["noise"][:2], reference["perfect"][:2]
    assert measure(Modularity, *noise).value == pytest.approx(0.65, abs=0.005)
    assert measure(Modularity, *perfect).value == pytest.approx(0.84, abs=0.005)
    assert measure(MIGSup, *perfect).value == pytest.approx(0.50, abs=0.01)
    assert measure(JEMMIG, *noise).value == pytest.approx(0.11, abs=0.005)


# disentanglement_lib's own cases.


def test_modularity_of_an_empty_code_is_zero():
    mutual = np.eye(3)
    mutual[1, 1] = 0
    assert modularity(mutual).mean() == pytest.approx(2 / 3)


def test_modularity_of_one_code_for_two_factors():
    mutual = np.zeros((1, 10))
    mutual[0, :2] = 1
    assert modularity(mutual) == pytest.approx([1 - 1 / 9])


# Known answers.


def test_entropy_of_bins_is_in_nats():
    assert entropy(grid(2, 3)) == pytest.approx(log([2, 3]))
    assert entropy(np.zeros((5, 2), int)) == pytest.approx([0, 0])


def test_the_joint_entropy_is_that_of_the_counts():
    draws = np.random.default_rng(0)
    factors = draws.integers(5, size=(3000, 1))
    bins = binned(factors + draws.normal(size=(3000, 1)), 20)
    mutual, of_factor = information(bins, factors)
    joint = entropy((bins * 100 + factors).astype(np.int64))
    assert entropy(bins) + of_factor - mutual[:, 0] == pytest.approx(joint)


def test_bins_are_counted_as_they_are_made():
    factors = grid(4, 30, times=10)
    codes = np.random.default_rng(0).normal(size=(1200, 2))
    for binning, make in (("equal width", binned), ("equal count", ranked)):
        bins = number_of_bins(factors, binning)
        assert make(codes, bins).max() + 1 == bins


@every_protocol
@pytest.mark.parametrize("metric", METRICS)
def test_perfect_codes_score_one(metric, protocol):
    factors = grid(4, 5, 5, times=4)
    result = measure(metric, -3.0 * factors + 7, factors, protocol)
    assert result.value == pytest.approx(1)
    assert list(result.parts.values()) == pytest.approx([1, 1, 1])
    assert result.n == 400


@every_protocol
@pytest.mark.parametrize(("metric", "score"), [(MIGSup, 1), (DCIMIG, 1), (Modularity, 1), (JEMMIG, None)])
def test_duplicated_latents(metric, score, protocol):
    factors = grid(4, 5, times=15)
    expected = np.mean([1 - log(size) / (log(size) + log(20)) for size in (4, 5)]) if score is None else score
    assert measure(metric, np.hstack([factors, factors]), factors, protocol).value == pytest.approx(expected)


@every_protocol
def test_one_latent_for_two_factors(protocol):
    factors = grid(4, 5, times=20)
    both = factors @ [5, 1]
    codes = columns(both, both, np.full(len(both), 1.5))
    assert measure(MIGSup, codes, factors, protocol).value == pytest.approx(0)
    assert measure(DCIMIG, codes, factors, protocol).value == pytest.approx((log(5) - log(4)) / log(20))
    share = 1 - (log(4) / log(5)) ** 2
    assert measure(Modularity, codes, factors, protocol).value == pytest.approx(2 / 3 * share)
    # Its joint entropy log 20 is more than it tells; the copy takes away what it tells.
    expected = np.mean([1 - log(20) / (log(size) + log(20)) for size in (4, 5)])
    assert measure(JEMMIG, codes, factors, protocol).value == pytest.approx(expected)


def test_jemmig_pays_for_codes_that_spread_within_a_value():
    factors = grid(2, 20, times=20)
    codes = columns(np.arange(800) // 40 + 20 * factors[:, 0], factors[:, 1])
    parts = measure(JEMMIG, codes, factors, "ours").parts
    assert parts["factor0"] == pytest.approx(2 * log(2) / log(40))
    assert 2 * log(2) / log(40) == pytest.approx(0.38, abs=0.005)
    assert parts["factor1"] == pytest.approx(1)


@every_protocol
def test_noise_beside_perfect_codes(protocol):
    factors = grid(4, 5, 10, times=25)
    codes = np.hstack([factors, np.random.default_rng(0).normal(size=factors.shape)])
    assert measure(DCIMIG, codes, factors, protocol).value == pytest.approx(1, abs=0.005)
    assert measure(JEMMIG, codes, factors, protocol).value == pytest.approx(1, abs=0.01)
    assert measure(MIGSup, codes, factors, protocol).value == pytest.approx(0.5, abs=0.01)


def test_rotated_codes_score_less():
    factors = grid(10, 10, times=10)
    rotated = factors @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    for metric in (MIGSup, DCIMIG, Modularity):
        assert measure(metric, rotated, factors, "ours").value < 0.2
    assert measure(JEMMIG, rotated, factors, "ours").value < 0.5


def test_a_dead_latent():
    factors = grid(4, 5, times=15)
    codes = np.hstack([factors, np.full((300, 1), 0.1)])
    assert measure(DCIMIG, codes, factors).value == pytest.approx(1)
    assert measure(JEMMIG, codes, factors).value == pytest.approx(1)
    assert measure(Modularity, codes, factors).value == pytest.approx(2 / 3)
    found = measure(MIGSup, codes, factors)
    assert (found.value, list(found.parts)) == (pytest.approx(1), ["z0", "z1"])


def test_mig_sup_names_its_latents_and_leaves_out_the_passive():
    factors = grid(4, 5, times=15)
    passive = 0.01 * np.random.default_rng(0).normal(size=(300, 1))
    result = measure(MIGSup, np.hstack([passive, factors]), factors)
    assert list(result.parts) == ["z1", "z2"]
    assert gaps(result.arrays["mutual_information"], result.arrays["entropy"])[1:] == pytest.approx([1, 1])


@every_protocol
def test_all_latents_constant(protocol):
    factors = grid(4, 5, times=15)
    codes = np.full((300, 3), 0.7)
    assert measure(DCIMIG, codes, factors, protocol).value == 0
    assert measure(Modularity, codes, factors, protocol).value == 0
    with pytest.raises(NotComputed, match="no latent is active"):
        measure(MIGSup, codes, factors, protocol)
    with pytest.raises(NotComputed, match="every latent is constant"):
        measure(JEMMIG, codes, factors, protocol)


def test_a_factor_that_no_latent_tells_most_has_no_part_in_dcimig():
    mutual = np.array([[2.0, 0.5], [1.0, 0.8], [0.9, 0.0]])
    assert best_gaps(mutual) == pytest.approx([1.5, 0])


def test_joint_gaps_by_hand():
    mutual = np.array([[0.6], [0.1]])
    found = joint_gaps(mutual, of_code=np.array([1.0, 2.0]), of_factor=np.array([0.7]), bins=20)
    assert found == pytest.approx([1 - ((1.0 + 0.7 - 0.6) - 0.6 + 0.1) / (0.7 + log(20))])


# Refused.


@pytest.mark.parametrize("metric", [MIGSup, DCIMIG, Modularity])
def test_one_factor_is_refused(metric):
    with pytest.raises(NotComputed, match="needs 2 factors or more, found 1"):
        measure(metric, np.random.default_rng(0).normal(size=(300, 3)), grid(10, times=30))


def test_jemmig_of_one_latent_is_refused():
    with pytest.raises(NotComputed, match="needs 2 latents or more, found 1"):
        measure(JEMMIG, np.zeros((300, 1)), grid(10, times=30))


@pytest.mark.parametrize("metric", METRICS)
def test_constant_factor_few_codes_and_nan_are_refused(metric):
    codes = np.random.default_rng(0).normal(size=(240, 3))
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        measure(metric, codes, grid(4, 1, times=60))
    with pytest.raises(NotComputed, match="100 codes are too few for 20 bins"):
        measure(metric, codes[:100], grid(4, 5, times=5))
    codes[3, 1] = np.nan
    with pytest.raises(NotComputed, match="codes holds 1 NaN"):
        measure(metric, codes, grid(4, 5, times=12))
