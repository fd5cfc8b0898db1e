"""IRS, against the reference implementation and cases with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement.irs import IRS, robustness

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
TABLES = ("perfect", "rotated", "duplicated", "dead_dims", "noise", "entangled")
every_protocol = pytest.mark.parametrize("protocol", ["dlib19", "ours"])


def grid(*sizes, times=1):
    n = int(np.prod(sizes))
    return np.tile(np.stack(np.unravel_index(np.arange(n), sizes), axis=1), (times, 1)).astype(np.int64)


def measure(codes, factors, protocol="ours"):
    names = tuple(f"factor{k}" for k in range(factors.shape[1]))
    settings = IRS.protocols[protocol]
    return IRS().measure(codes=np.asarray(codes, float), factors=factors, factor_names=names, seed=0, **settings)


@pytest.mark.skipif(not ORACLES.is_dir(), reason="no ../shared/oracles beside the repository")
@pytest.mark.parametrize("table", TABLES)
@every_protocol
def test_equals_disentanglement_lib(table, protocol):
    arrays = np.load(ORACLES / "disentanglement_lib_tables.npz", allow_pickle=False)
    expected = json.loads((ORACLES / "disentanglement_lib_tables.json").read_text())["values"][table]["irs"]
    found = measure(arrays[table][:3000], arrays["factors"][:3000].astype(np.int64), protocol)
    assert found.value == pytest.approx(expected, abs=1e-6)


def test_equals_the_formula_written_out():
    draws = np.random.default_rng(0)
    factors = np.stack([draws.integers(size, size=900) for size in (3, 7)], axis=1)
    codes = factors @ draws.normal(size=(2, 3)) + draws.normal(size=(900, 3))
    found = robustness(codes, factors)
    for j, k in np.ndindex(3, 2):
        held = []
        for value in np.unique(factors[:, k]):
            group = codes[factors[:, k] == value, j]
            held.append(np.quantile(np.abs(group - group.mean()), 0.99))
        largest = np.abs(codes[:, j] - codes[:, j].mean()).max()
        assert found.deviations[j] == pytest.approx(largest)
        assert found.scores[j, k] == pytest.approx(1 - np.mean(held) / largest)


@every_protocol
def test_perfect_duplicated_and_dead(protocol):
    factors = grid(4, 5, times=15)
    assert measure(factors, factors, protocol).value == pytest.approx(1)
    assert measure(np.hstack([factors, 2 * factors]), factors, protocol).value == pytest.approx(1)
    dead = measure(np.hstack([np.full((300, 1), 0.1), factors]), factors, protocol)
    assert dead.value == pytest.approx(1)
    assert list(dead.parts) == ["z1", "z2"]
    assert dead.arrays["latents"].tolist() == [1, 2]


def test_latents_count_by_their_largest_deviation():
    factors = grid(5, 5, times=20)
    noise = np.random.default_rng(0).uniform(-1, 1, size=(500, 1))
    found = measure(np.hstack([100 * factors, noise]), factors)
    assert found.parts["z2"] < 0.2
    assert found.value > 0.99


def test_one_latent_for_two_factors_and_a_rotation_score_less():
    factors = grid(10, 10, times=10)
    both = measure(factors @ [[1], [1]], factors).value
    # Sums of two even factors: held at one value, the sum still goes 4.5 of the 9 that it goes in all.
    assert both == pytest.approx(0.5, abs=0.01)
    assert measure(factors @ np.array([[1, 1], [-1, 1]]), factors).value == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("rows", "gaussian", "uniform"), [(600, 0.25, 0.02), (15_000, 0.38, 0.01)])
def test_noise_scores_what_its_largest_deviation_leaves(rows, gaussian, uniform):
    """The page gives these numbers."""
    draws = np.random.default_rng(0)
    factors = draws.integers((3, 6, 10), size=(rows, 3))
    assert measure(draws.normal(size=(rows, 10)), factors, "ours").value == pytest.approx(gaussian, abs=0.02)
    assert measure(draws.random((rows, 10)), factors, "ours").value == pytest.approx(uniform, abs=0.01)


def test_factors_of_many_values_are_merged_only_in_the_librarys_protocol():
    factors = grid(40, 5, times=10)
    assert measure(factors, factors, "ours").value == pytest.approx(1)
    assert 0.9 < measure(factors, factors, "dlib19").value < 0.999


def test_refused():
    factors = grid(4, 5, times=15)
    with pytest.raises(NotComputed, match="every latent is constant"):
        measure(np.full((300, 2), 0.1), factors)
    with pytest.raises(NotComputed, match="factor 'factor1' has a single value"):
        measure(factors, grid(4, 1, times=75))
    with pytest.raises(
        NotComputed, match="60 codes are too few for the 60 values of factor 'factor0', at least 600 needed"
    ):
        measure(np.zeros((60, 2)), grid(60, 1) + grid(1, 60))
    codes = factors.astype(float)
    codes[0, 0] = np.inf
    with pytest.raises(NotComputed, match="codes holds 1 NaN or infinite"):
        measure(codes, factors)
