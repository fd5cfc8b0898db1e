"""The stage that learns a dataset's domain features from its prepared folder."""

import json

import numpy as np
import pytest

from multibeta.datasets import DataError
from multibeta.metrics import _domain_network as network
from multibeta.metrics._features import DomainFeatures
from multibeta.stages.features import learn_features


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(network, "LEAST_STEPS", 20)
    monkeypatch.setattr(network, "EPOCHS", 0)


@pytest.fixture
def folder(tmp_path):
    """A prepared dataset of 60 images without factors or labels."""
    values = np.arange(60) % 3
    images = np.random.default_rng(0).integers(0, 80, (60, 8, 8, 1)) + 80 * values[:, None, None, None]
    np.save(tmp_path / "images.npy", images.astype(np.uint8))
    np.save(tmp_path / "held_out.npy", np.arange(60) >= 45)
    card = {"name": "toy", "factors": [], "classes": []}
    (tmp_path / "card.json").write_text(json.dumps(card))
    return tmp_path


def with_values(folder, kind):
    values = np.arange(60) % 3
    card = json.loads((folder / "card.json").read_text())
    if kind == "factors":
        np.save(folder / "factors.npy", values[:, None])
        card["factors"] = [{"name": "brightness", "size": 3, "kind": "ordinal"}]
    else:
        np.save(folder / "labels.npy", values)
        card["classes"] = ["dark", "grey", "bright"]
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize(("kind", "name"), [("factors", "brightness"), ("labels", "label")])
def test_learns_factors_or_labels(folder, kind, name):
    with_values(folder, kind)
    learn_features(folder, folder / "features.safetensors")
    features = DomainFeatures.load(folder / "features.safetensors")
    assert list(features.accuracy) == [name]
    assert features.shape == (1, 8, 8)
    assert features.real.n == 15


def test_a_dataset_with_neither_says_so(folder):
    learn_features(folder, folder / "features.safetensors")
    features = DomainFeatures.load(folder / "features.safetensors")
    assert features.unusable == "dataset toy has neither factors nor labels to learn features from"


@pytest.mark.parametrize("values", ["none", "labels"])
def test_without_weights_it_says_that_their_networks_are_not_calibrated(folder, values, monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))
    if values == "labels":
        with_values(folder, "labels")
    learn_features(folder, folder / "features.safetensors")
    pretrained = DomainFeatures.load(folder / "features.safetensors").pretrained
    assert pretrained["inception"].unusable.startswith("Inception weights absent")
    assert pretrained["alexnet"].unusable.startswith("AlexNet weights absent")


def test_without_held_out_images_nothing_is_calibrated(folder):
    np.save(folder / "held_out.npy", np.zeros(60, dtype=bool))
    learn_features(folder, folder / "features.safetensors")
    pretrained = DomainFeatures.load(folder / "features.safetensors").pretrained
    assert "two training and held-out images or more, found 0" in pretrained["inception"].unusable


def test_a_failure_leaves_no_file(folder):
    with_values(folder, "factors")
    (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:1000])
    with pytest.raises(DataError, match=r"images\.npy is damaged \(mmap"):
        learn_features(folder, folder / "features.safetensors")
    assert not list(folder.glob("*features*"))
