"""Domain features: learnt, calibrated, written and read back; and the distance measured in them."""

import dataclasses

import numpy as np
import pytest

from multibeta.datasets import random_held_out
from multibeta.metrics import NotComputed
from multibeta.metrics import _domain_network as network
from multibeta.metrics._calibration import disqualified
from multibeta.metrics._features import DomainFeatures, Pretrained, train
from multibeta.metrics._frechet import moments
from multibeta.metrics._memory import MOST, Memory
from multibeta.metrics.image.density_coverage_domain import DensityCoverageDomain
from multibeta.metrics.image.fd_domain import FDDomain
from multibeta.metrics.image.kd_domain import KDDomain
from multibeta.metrics.image.precision_recall_domain import PrecisionRecallDomain


def squares(side=16):
    """Bright squares on black: 2 widths × 10 columns × 10 rows, with a little noise, uint8 (600, H, W, 1)."""
    width, x, y = np.unravel_index(np.tile(np.arange(200), 3), (2, 10, 10))
    images = np.random.default_rng(0).integers(0, 20, (600, side, side, 1), dtype=np.uint8)
    for image, w, left, top in zip(images, width + 3, x, y, strict=True):
        image[top : top + w, left : left + w] += 200
    factors = np.stack([width, x, y], axis=1).astype(np.int64)
    return images, factors, (2, 10, 10), ("width", "x", "y"), random_held_out(600, 0.25)


@pytest.fixture(scope="module")
def learnt():
    return train(*squares())


def floats(images):
    return images.transpose(0, 3, 1, 2).astype(np.float32) / 255


def test_learns_the_factors(learnt):
    assert set(learnt.accuracy) == {"width", "x", "y"}
    assert min(learnt.accuracy.values()) > 0.8


def test_real_images_have_unit_variance(learnt):
    assert learnt.real.n == 150
    assert learnt.real.mean.shape == (network.FEATURES,)
    assert np.trace(learnt.real.covariance) == pytest.approx(1, abs=1e-5)


def test_distance_grows_with_blur_and_noise(learnt):
    assert learnt.unusable == ""
    assert list(learnt.ladders["blur"]) == ["0.5", "1", "2", "4"]
    assert list(learnt.ladders["noise"]) == ["0.05", "0.1", "0.2"]
    for rungs in learnt.ladders.values():
        assert sorted(rungs.values()) == list(rungs.values())
    assert 0 < learnt.floor < learnt.ladders["blur"]["4"]


def test_fd_domain_prefers_real_images(learnt):
    images, _, _, _, held_out = squares()
    sides = {
        "itself": floats(images[held_out]),
        "training": floats(images[~held_out]),
        "noise": np.random.default_rng(0).random((150, 1, 16, 16), dtype=np.float32),
    }
    distance = {name: FDDomain().measure(features=learnt, samples=side).value for name, side in sides.items()}
    assert distance["itself"] == pytest.approx(0, abs=1e-9)
    assert distance["itself"] < distance["training"] < distance["noise"]


def test_every_domain_metric_tells_real_images_from_noise(learnt):
    images, _, _, _, held_out = squares()
    real = floats(images[held_out])
    noise = np.random.default_rng(0).random((150, 1, 16, 16), dtype=np.float32)

    def measure(samples):
        needs = {"features": learnt, "real_images": real, "samples": samples}
        neighbours = PrecisionRecallDomain().measure(**needs, seed=0) | DensityCoverageDomain().measure(**needs, seed=0)
        return {"kd_domain": KDDomain().measure(**needs).value, **{name: r.value for name, r in neighbours.items()}}

    same, training, other = (measure(samples) for samples in (real, floats(images[~held_out]), noise))
    assert same["kd_domain"] < training["kd_domain"] < other["kd_domain"]
    assert (same["precision_domain"], same["recall_domain"], same["coverage_domain"]) == (1, 1, 1)
    for name in ("precision_domain", "recall_domain", "density_domain", "coverage_domain"):
        assert training[name] > 0.5
        assert other[name] < 0.1


def test_kd_domain_is_that_of_features_of_unit_variance(learnt):
    from torch_fidelity.metric_kid import kernel_poly, mmd2

    real, samples = (floats(squares()[0][rows]) for rows in (slice(0, 100), slice(50, 150)))
    x, y = (8 * learnt.generated(side).astype(np.float64) for side in (real, samples))
    recipe = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    expected = mmd2(*(kernel_poly(*pair, **recipe) for pair in ((x, x), (x, y), (y, y))))
    assert KDDomain().measure(features=learnt, real_images=real, samples=samples).value == pytest.approx(
        expected, rel=1e-5
    )


def test_networks_with_published_weights_lie_beside(learnt, tmp_path):
    seen = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    inception = Pretrained(floor=0.5, ladders={"blur": {"1": 2.0}}, real=moments(seen), features=seen)
    absent = Pretrained("AlexNet weights absent")
    features = dataclasses.replace(learnt, pretrained={"inception": inception, "alexnet": absent})
    features.save(tmp_path / "features.safetensors")
    read = DomainFeatures.load(tmp_path / "features.safetensors")
    found = read.pretrained["inception"]
    assert np.array_equal(found.features, seen)
    assert np.array_equal(found.real.covariance, inception.real.covariance)
    assert (found.unusable, found.floor, found.ladders, found.real.n) == ("", 0.5, {"blur": {"1": 2.0}}, 20)
    assert read.pretrained["alexnet"].unusable == "AlexNet weights absent"
    assert read.real.n == learnt.real.n


def test_features_of_the_same_images_are_taken_once():
    taken = []

    def first(images):
        taken.append(len(images))
        return images[:, 0]

    memory, arrays = Memory(first), [np.full((2, 3), value) for value in range(MOST + 1)]
    for array in [arrays[0], arrays[0].copy(), arrays[0].astype(np.float32), arrays[0].reshape(3, 2)]:
        assert np.array_equal(memory(array), array[:, 0])
    assert taken == [2, 2, 3]
    for array in [*arrays[1:], arrays[0]]:
        assert np.array_equal(memory(array), array[:, 0])
    assert len(taken) == 3 + MOST + 1


def test_changed_images_are_seen_anew(learnt):
    images = floats(squares()[0][:10])
    before = learnt.generated(images)
    images[:] = 0
    assert not np.array_equal(before, learnt.generated(images))


def test_file_is_the_same_bytes_and_reads_back(learnt, tmp_path):
    for name in ("a", "b"):
        learnt.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read = DomainFeatures.load(tmp_path / "a")
    samples = floats(squares()[0][:50])
    assert np.array_equal(read.generated(samples), learnt.generated(samples))
    assert np.array_equal(read.real.covariance, learnt.real.covariance)
    assert (read.ladders, read.floor, read.accuracy) == (learnt.ladders, learnt.floor, learnt.accuracy)


def test_same_images_same_bytes(monkeypatch, tmp_path):
    monkeypatch.setattr(network, "LEAST_STEPS", 5)
    monkeypatch.setattr(network, "EPOCHS", 0)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(*squares(), seed=seed).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_does_not_touch_the_global_random_state(monkeypatch):
    import torch

    monkeypatch.setattr(network, "LEAST_STEPS", 2)
    monkeypatch.setattr(network, "EPOCHS", 0)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    train(*squares())
    assert torch.equal(before, torch.get_rng_state())


def test_constant_factors_are_left_out(monkeypatch):
    monkeypatch.setattr(network, "LEAST_STEPS", 2)
    monkeypatch.setattr(network, "EPOCHS", 0)
    images, factors, _, _, held_out = squares()
    colour = np.zeros((len(factors), 1), dtype=np.int64)
    found = train(images, np.concatenate([colour, factors], 1), (1, 2, 10, 10), ("colour", "w", "x", "y"), held_out)
    assert list(found.accuracy) == ["w", "x", "y"]


def test_an_extractor_that_does_not_see_blur_is_disqualified(learnt):
    ladders = {"blur": {"0.5": 0.1, "1": 0.3, "2": 0.2}, "noise": {"0.05": 0.1}}
    reason = disqualified(ladders)
    assert reason == "extractor disqualified: its distance does not grow with blur (0.1 at 0.5, 0.3 at 1, 0.2 at 2)"
    with pytest.raises(NotComputed, match="does not grow with blur"):
        FDDomain().measure(features=DomainFeatures(reason), samples=np.zeros((2, 1, 16, 16), dtype=np.float32))


def test_images_of_another_shape(learnt):
    with pytest.raises(ValueError, match="cannot be taken from images"):
        learnt.generated(np.zeros((2, 1, 8, 8), dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sizes": (1, 1, 1)}, "no factor or label with two values"),
        ({"held_out": np.zeros(600, dtype=bool)}, "found 600 and 0"),
        ({"images": np.zeros((600, 4, 4, 1), dtype=np.uint8)}, "images of 4×4 are too small"),
        ({"images": np.full((600, 16, 16, 1), 7, dtype=np.uint8)}, "features are the same for all images"),
    ],
)
def test_says_why_there_are_no_features(change, reason, monkeypatch):
    monkeypatch.setattr(network, "LEAST_STEPS", 2)
    monkeypatch.setattr(network, "EPOCHS", 0)
    needs = dict(zip(("images", "targets", "sizes", "names", "held_out"), squares(), strict=True))
    assert reason in train(**{**needs, **change}).unusable


def test_damaged_file(learnt, tmp_path):
    learnt.save(tmp_path / "features.safetensors")
    whole = (tmp_path / "features.safetensors").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"nonsense"):
        (tmp_path / "features.safetensors").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"features\.safetensors holds no domain features"):
            DomainFeatures.load(tmp_path / "features.safetensors")
