"""FID and LPIPS by their whole path, with random weights in the place of the downloaded ones."""

import dataclasses
import hashlib
import warnings

import numpy as np
import pytest
import torch

from multibeta.metrics import NotComputed
from multibeta.metrics.image import _weights
from multibeta.metrics.image.fid import FID, eight_bits
from multibeta.metrics.image.lpips import LPIPS


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


def trunk_of(package):
    """The trunk's weights by their names in torchvision's AlexNet."""
    return {"features." + name.partition(".")[2]: value for name, value in package.net.state_dict().items()}


def pair(shape):
    images, reconstructions = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    return {"images": images, "reconstructions": reconstructions}


def test_lpips_equals_the_package(install, package):
    install("alexnet", trunk_of(package))
    needs = pair((5, 3, 64, 64))
    with torch.inference_mode():
        expected = package(*(torch.from_numpy(side) for side in needs.values()), normalize=True).mean()
    result = LPIPS().measure(**needs)
    assert result.value == pytest.approx(float(expected), rel=1e-6)
    assert result.n == 5


def test_lpips_of_small_grey_images_is_that_of_the_enlarged_in_colour(install, package):
    install("alexnet", trunk_of(package))
    needs = pair((3, 1, 28, 28))
    enlarged = [
        torch.nn.functional.interpolate(torch.from_numpy(side), size=(64, 64), mode="bilinear").repeat(1, 3, 1, 1)
        for side in needs.values()
    ]
    with torch.inference_mode():
        expected = package(*enlarged, normalize=True).mean()
    assert LPIPS().measure(**needs).value == pytest.approx(float(expected), rel=1e-6)


def test_lpips_of_identical_images_is_zero(install, package):
    install("alexnet", trunk_of(package))
    images = pair((2, 1, 32, 32))["images"]
    assert LPIPS().measure(images=images, reconstructions=images).value == 0


def test_lpips_refuses_an_altered_trunk(install, package):
    path = install("alexnet", trunk_of(package))
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(NotComputed, match="AlexNet weights altered"):
        LPIPS().measure(**pair((2, 1, 32, 32)))


def random_inception():
    """torch-fidelity's network before it loads any weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: None)
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        return FeatureExtractorInceptionV3("random", ["2048"])


def test_fid_is_the_frechet_distance_of_inception_features(install):
    network = random_inception()
    install("inception", network.state_dict())
    draw = np.random.default_rng(0)
    images, samples = draw.random((4, 1, 32, 32), dtype=np.float32), draw.random((3, 1, 16, 16), dtype=np.float32)
    x, y = (network(torch.from_numpy(eight_bits(side)))[0].double().numpy() for side in (images, samples))
    # With so few images, tr (S_x S_y)^½ is best taken as a nuclear norm.
    overlap = np.linalg.svd((x - x.mean(0)) @ (y - y.mean(0)).T / np.sqrt(3 * 2), compute_uv=False).sum()
    expected = np.square(x.mean(0) - y.mean(0)).sum() + x.var(0, ddof=1).sum() + y.var(0, ddof=1).sum() - 2 * overlap
    result = FID().measure(images=images, samples=samples)
    assert result.value == pytest.approx(expected, rel=1e-4)
    assert result.n == 3


def test_eight_bits_rounds_and_replicates_grey():
    images = np.array([0.0, 0.5, 1.0, 1.2, 0.999], dtype=np.float32).reshape(1, 1, 1, 5)
    assert eight_bits(images).tolist() == [[[[0, 128, 255, 255, 255]]] * 3]


def test_without_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))
    with pytest.raises(NotComputed, match=r"Inception weights absent \(expected sha256 6726825d…"):
        FID().measure(images=np.zeros((2, 1, 8, 8)), samples=np.zeros((2, 1, 8, 8)))
    with pytest.raises(NotComputed, match=r"AlexNet weights absent \(expected sha256 7be5be79…"):
        LPIPS().measure(**pair((2, 1, 32, 32)))
