"""MIG, against the reference implementation and cases with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement._discrete import binned, information
from multibeta.metrics.disentanglement.mig import DRAWS, MIG, mig

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")


def grid(*sizes: int, times: int = 1) -> np.ndarray:
    """The full factorial grid of factors (N, K), each combination ``times`` times."""
    n = int(np.prod(sizes))
    return np.tile(np.stack(np.unravel_index(np.arange(n), sizes), axis=1), (times, 1)).astype(np.int64)


def measure(codes, factors, seed=0):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    return MIG().measure(codes=codes, factors=factors, factor_names=names, seed=seed)


@pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
@pytest.mark.parametrize("table", TABLES)
def test_equals_disentanglement_lib(table):
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]
    found = mig(arrays[table][:3000], arrays["factors"][:3000])
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
    assert mig(codes, factors).gaps == pytest.approx(np.ones(3))
    result = measure(codes, factors)
    assert result.value == pytest.approx(1, abs=5e-3)  # 10,000 draws of a grid are not quite independent
    assert list(result.parts) == ["factor0", "factor1", "factor2"]
    assert result.arrays["mutual_information"].shape == (5, 3)
    assert result.n == DRAWS


def test_duplicated_code_scores_zero():
    factors = grid(4, 5, times=15)
    assert measure(np.concatenate([factors, factors], axis=1), factors).value == 0


def test_dead_latent_has_no_information():
    factors = grid(4, 5, times=15)
    codes = np.stack([factors[:, 0], factors[:, 1], np.full(len(factors), 3.3)], axis=1)
    assert (mig(codes, factors).mutual_information[2] == 0).all()


def test_draws_are_keyed_by_the_seed():
    draw = np.random.default_rng(0)
    factors = grid(4, 5, times=15)
    codes = factors + draw.normal(size=factors.shape)
    assert measure(codes, factors, seed=0).value == measure(codes, factors, seed=0).value
    assert measure(codes, factors, seed=0).value != measure(codes, factors, seed=1).value


def test_constant_factor_is_named():
    factors = grid(4, 1, times=60)
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        measure(np.random.default_rng(0).normal(size=(240, 3)), factors)


def test_one_latent_has_no_gap():
    with pytest.raises(NotComputed, match="two of them or more, found 1"):
        measure(np.zeros((300, 1)), grid(300))


def test_few_codes_are_refused():
    with pytest.raises(NotComputed, match="150 codes are too few for 20 bins, at least 200 needed"):
        measure(np.zeros((150, 2)), grid(150))
