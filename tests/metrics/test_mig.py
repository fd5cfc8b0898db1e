"""MIG, against the reference implementation and cases with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._discrete import binned, information, ranked
from multibeta.metrics.disentanglement.mig import MIG, mig

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")


def grid(*sizes: int, times: int = 1) -> np.ndarray:
    """The full factorial grid of factors (N, K), each combination ``times`` times."""
    n = int(np.prod(sizes))
    return np.tile(np.stack(np.unravel_index(np.arange(n), sizes), axis=1), (times, 1)).astype(np.int64)


def measure(codes, factors, seed=0, protocol="dlib19"):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    settings = MIG.protocols[protocol]
    return MIG().measure(codes=codes, factors=factors, factor_names=names, seed=seed, **settings)


@pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
@pytest.mark.parametrize("table", TABLES)
def test_equals_disentanglement_lib(table):
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]
    found = mig(binned(arrays[table][:3000], 20), arrays["factors"][:3000])
    assert found.gaps.mean() == pytest.approx(expected["mig"], abs=1e-6)
    assert found.mutual_information == pytest.approx(np.array(expected["mutual_information_nats"]), abs=1e-6)
    assert found.entropy == pytest.approx(np.array(expected["factor_entropy_nats"]), abs=1e-6)


def test_bins_are_those_of_numpy_histogram():
    codes = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    for column, bins in zip(codes.T, binned(codes, 20).T, strict=True):
        counts, _ = np.histogram(column.astype(np.float64), 20)
        assert (np.bincount(bins, minlength=20) == counts).all()


def test_information_of_a_copy_is_its_entropy():
    factors = grid(2, 3)
    mutual, entropy = information(factors, factors)
    assert entropy == pytest.approx(np.log([2, 3]))
    assert mutual == pytest.approx(np.diag(entropy))


def test_factor_values_need_not_start_at_zero():
    factors = grid(2, 3)
    shifted = information(factors, factors * 1000 - 7)
    assert np.array_equal(shifted[0], information(factors, factors)[0])


def test_perfect_codes_of_coarse_factors_score_one():
    factors = grid(4, 5, 5, times=4)
    codes = np.concatenate([factors, np.zeros((len(factors), 2))], axis=1)
    result = measure(codes, factors)
    assert result.value == pytest.approx(1)
    assert list(result.parts) == ["factor0", "factor1", "factor2"]
    assert result.arrays["mutual_information"].shape == (5, 3)
    assert result.n == 400


def test_duplicated_code_scores_zero():
    factors = grid(4, 5, times=15)
    assert measure(np.concatenate([factors, factors], axis=1), factors).value == 0


def test_dead_latent_has_no_information():
    factors = grid(4, 5, times=15)
    codes = np.stack([factors[:, 0], factors[:, 1], np.full(len(factors), 3.3)], axis=1)
    assert (mig(binned(codes, 20), factors).mutual_information[2] == 0).all()


def test_a_larger_table_is_cut_to_the_protocols_size_by_the_seed():
    draw = np.random.default_rng(0)
    factors = grid(4, 5, times=600)
    codes = factors + draw.normal(size=factors.shape)
    assert measure(codes, factors, seed=0).value == measure(codes, factors, seed=0).value
    assert measure(codes, factors, seed=0).value != measure(codes, factors, seed=1).value
    assert measure(codes, factors).n == 10_000
    assert measure(codes, factors, protocol="ours").n == 12_000


def test_an_outlier_and_a_monotone_function_change_nothing_in_bins_of_equal_count():
    draw = np.random.default_rng(0)
    factors = grid(4, 30, times=20)
    codes = np.concatenate([factors + 0.1 * draw.normal(size=factors.shape), draw.normal(size=(len(factors), 1))], 1)
    value = measure(codes, factors, protocol="ours").value
    assert value > 0.85
    assert measure(np.sign(codes) * codes**2, factors, protocol="ours").value == pytest.approx(value)
    codes[0, :2] = 1e6
    assert measure(codes, factors, protocol="ours").value == pytest.approx(value, abs=0.05)
    assert measure(codes, factors).value < 0.1


def test_bins_of_equal_count_hold_equally_many_and_never_part_equal_codes():
    codes = np.random.default_rng(0).normal(size=(1000, 2))
    assert (np.bincount(ranked(codes, 20)[:, 0]) == 50).all()
    ties = np.repeat([[3.0], [1.0], [2.0]], 20, axis=0)
    assert len(np.unique(ranked(ties, 7))) == 3


def test_constant_factor_is_named():
    factors = grid(4, 1, times=60)
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        measure(np.random.default_rng(0).normal(size=(240, 3)), factors)


def test_one_latent_has_no_gap():
    with pytest.raises(NotComputed, match="needs 2 latents or more, found 1"):
        measure(np.zeros((300, 1)), grid(300))


def test_few_codes_are_refused():
    with pytest.raises(NotComputed, match="150 codes are too few for 20 bins, at least 200 needed"):
        measure(np.zeros((150, 2)), grid(150))
