"""Metrics of published networks by their whole path, with random weights in the place of the downloaded ones."""

import dataclasses
import hashlib
import warnings

import numpy as np
import pytest
import torch

from multibeta.metrics import NotComputed
from multibeta.metrics._calibration import calibrate
from multibeta.metrics._features import DomainFeatures, Pretrained
from multibeta.metrics._frechet import frechet, moments
from multibeta.metrics.image import _inception, _weights, lpips
from multibeta.metrics.image._inception import eight_bits
from multibeta.metrics.image.density_coverage import DensityCoverage
from multibeta.metrics.image.fid import FID
from multibeta.metrics.image.inception_score import InceptionScore, inception_score
from multibeta.metrics.image.kid import KID
from multibeta.metrics.image.lpips import LPIPS
from multibeta.metrics.image.precision_recall import PrecisionRecall


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Save weights under the name of the official ones and make the lock expect exactly them."""
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))

    def install(name, weights):
        entries = _weights.locked()
        path = tmp_path / entries[name].file
        torch.save(weights, path)
        changed = dataclasses.replace(entries[name], sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        monkeypatch.setattr(_weights, "locked", lambda: {**entries, name: changed})
        return path

    return install


@pytest.fixture(scope="module")
def package():
    """The network of the lpips package with its own heads and a random trunk, in its evaluation mode."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)


#: Features of a dataset on which LPIPS was calibrated.
TRUSTED = DomainFeatures(pretrained={"alexnet": Pretrained(ladders={"blur": {"1": 0.1}})})


def trunk_of(package):
    """The trunk's weights by their names in torchvision's AlexNet."""
    return {"features." + name.partition(".")[2]: value for name, value in package.net.state_dict().items()}


def pair(shape):
    images, reconstructions = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    return {"features": TRUSTED, "images": images, "reconstructions": reconstructions}


def test_lpips_equals_the_package(install, package):
    install("alexnet", trunk_of(package))
    needs = pair((5, 3, 64, 64))
    with torch.inference_mode():
        expected = package(
            *(torch.from_numpy(needs[side]) for side in ("images", "reconstructions")), normalize=True
        ).mean()
    result = LPIPS().measure(**needs)
    assert result.value == pytest.approx(float(expected), rel=1e-6)
    assert result.n == 5


def test_lpips_of_small_grey_images_is_that_of_the_enlarged_in_colour(install, package):
    install("alexnet", trunk_of(package))
    needs = pair((3, 1, 28, 28))
    enlarged = [
        torch.nn.functional.interpolate(torch.from_numpy(needs[side]), size=(64, 64), mode="bilinear").repeat(
            1, 3, 1, 1
        )
        for side in ("images", "reconstructions")
    ]
    with torch.inference_mode():
        expected = package(*enlarged, normalize=True).mean()
    assert LPIPS().measure(**needs).value == pytest.approx(float(expected), rel=1e-6)


def test_lpips_of_identical_images_is_zero(install, package):
    install("alexnet", trunk_of(package))
    images = pair((2, 1, 32, 32))["images"]
    assert LPIPS().measure(features=TRUSTED, images=images, reconstructions=images).value == 0


def test_lpips_refuses_an_altered_trunk(install, package):
    path = install("alexnet", trunk_of(package))
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(NotComputed, match="AlexNet weights altered"):
        LPIPS().measure(**pair((2, 1, 32, 32)))


def test_lpips_is_calibrated_on_the_datasets_own_images(install, package):
    images = pair((6, 1, 16, 16))["images"]
    assert "AlexNet weights absent" in lpips.calibration(images).unusable
    install("alexnet", trunk_of(package))
    found = lpips.calibration(images)
    assert list(found.ladders["blur"]) == ["0.5", "1", "2", "4"]
    assert list(found.ladders["noise"]) == ["0.05", "0.1", "0.2"]
    assert found.floor is None
    features = DomainFeatures(pretrained={"alexnet": dataclasses.replace(found, unusable="extractor disqualified")})
    with pytest.raises(NotComputed, match="extractor disqualified"):
        LPIPS().measure(features=features, images=images, reconstructions=images)


@pytest.fixture(scope="module")
def network():
    """torch-fidelity's network before it loads any weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: None)
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        return FeatureExtractorInceptionV3("random", ["2048", "logits_unbiased"])


def seen_by(network, images):
    features, logits = network(torch.from_numpy(eight_bits(images)))
    return features.numpy(), logits.numpy()


def trusted(features):
    """The features of a dataset whose real images Inception sees so."""
    ladders = {"blur": {"1": 0.1}}
    return DomainFeatures(
        pretrained={"inception": Pretrained(ladders=ladders, real=moments(features), features=features)}
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((2, 7, 3, 16, 16), dtype=np.float32)


def test_fid_is_the_frechet_distance_of_inception_features(install, network, images):
    install("inception", network.state_dict())
    real, samples = images[0], images[1, :3]
    x, y = (seen_by(network, side)[0].astype(np.float64) for side in (real, samples))
    # With so few images, tr (S_x S_y)^½ is best taken as a nuclear norm.
    overlap = np.linalg.svd((x - x.mean(0)) @ (y - y.mean(0)).T / np.sqrt(6 * 2), compute_uv=False).sum()
    expected = np.square(x.mean(0) - y.mean(0)).sum() + x.var(0, ddof=1).sum() + y.var(0, ddof=1).sum() - 2 * overlap
    result = FID().measure(features=trusted(x), samples=samples)
    assert result.value == pytest.approx(expected, rel=1e-4)
    assert result.n == 3


def test_the_others_rest_on_the_same_features(install, network, images):
    install("inception", network.state_dict())
    real, samples = images
    features = trusted(seen_by(network, real)[0])
    found = KID().measure(features=features, samples=samples)
    assert found["kid"].n == 7
    assert "subsets of 1000 images cannot be drawn from 7 real ones and 7 samples" in str(found["kid_subsets"])
    for metric in (PrecisionRecall, DensityCoverage):
        itself = metric().measure(features=features, samples=real, seed=0)
        assert [result.value for result in itself.values()] in ([1, 1], [pytest.approx(1.2), 1])
    both = np.concatenate([real, samples])
    expected = inception_score(seen_by(network, both)[1]).mean()
    assert InceptionScore().measure(features=features, samples=both).value == pytest.approx(expected, rel=1e-5)


def test_samples_are_shown_to_inception_once_for_all_metrics(install, network, images, monkeypatch):
    install("inception", network.state_dict())
    shown = []
    see = _inception._see
    monkeypatch.setattr(_inception, "_see", lambda network, images: shown.append(len(images)) or see(network, images))
    features = trusted(seen_by(network, images[0])[0])
    KID().measure(features=features, samples=images[1])
    PrecisionRecall().measure(features=features, samples=images[1], seed=0)
    assert shown == [7]


def test_inception_is_calibrated_with_the_datasets_features(install, monkeypatch, images):
    """Real features of another kind in its place: the 2,048 of the network take a minute here."""
    assert "Inception weights absent" in _inception.calibration(*images).unusable
    path = install("inception", {})
    assert _weights.path_of("inception") == path
    pixels = lambda images: images.reshape(len(images), -1)[:, ::32]  # noqa: E731
    monkeypatch.setattr(_inception, "see", lambda images: _inception.Seen(pixels(images), pixels(images)))
    found = _inception.calibration(*images)
    expected, _ = calibrate(pixels, *images, seed=0, most=_inception.DEGRADED)
    assert (found.floor, found.ladders, found.unusable) == (expected.floor, expected.ladders, expected.unusable)
    assert found.floor == pytest.approx(frechet(*(moments(pixels(side)) for side in images)))
    assert np.array_equal(found.features, pixels(images[0]))


METRICS = [FID, KID, PrecisionRecall, DensityCoverage, InceptionScore]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("pretrained", "reason"),
    [
        ({}, "features hold no calibration of inception .*learn them again with `multibeta features`"),
        ({"inception": Pretrained("Inception weights absent")}, r"no calibration .*\(Inception weights absent\)"),
        ({"inception": Pretrained("disqualified", ladders={"blur": {"1": 0.0}})}, "^disqualified$"),
    ],
)
def test_without_a_calibration_that_holds(install, metric, pretrained, reason):
    install("inception", {})
    needs = {"features": DomainFeatures(pretrained=pretrained), "samples": np.zeros((20, 3, 8, 8), dtype=np.float32)}
    needs |= {"seed": 0} if "seed" in metric.needs else {}
    with pytest.raises(NotComputed, match=reason):
        metric().measure(**needs)


def test_eight_bits_rounds_and_replicates_grey():
    images = np.array([0.0, 0.5, 1.0, 1.2, 0.999], dtype=np.float32).reshape(1, 1, 1, 5)
    assert eight_bits(images).tolist() == [[[[0, 128, 255, 255, 255]]] * 3]


def test_without_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))
    with pytest.raises(NotComputed, match=r"Inception weights absent \(expected sha256 6726825d…"):
        FID().measure(features=DomainFeatures(), samples=np.zeros((2, 1, 8, 8)))
    with pytest.raises(NotComputed, match=r"AlexNet weights absent \(expected sha256 7be5be79…"):
        LPIPS().measure(**pair((2, 1, 32, 32)))
