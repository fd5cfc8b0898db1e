"""The Inception score, against torch-fidelity and closed forms."""

import numpy as np
import pytest
import torch

from multibeta.metrics import NotComputed
from multibeta.metrics._features import DomainFeatures
from multibeta.metrics.image.inception_score import InceptionScore, inception_score


def test_equals_torch_fidelity():
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = np.random.default_rng(0).normal(0, 3, (513, 1008)).astype(np.float32)
    expected, found = isc_features_to_metric(torch.from_numpy(logits)), inception_score(logits)
    assert found.mean() == pytest.approx(expected["inception_score_mean"], rel=1e-5)
    assert found.std() == pytest.approx(expected["inception_score_std"], rel=1e-5)


def test_samples_all_alike_score_one():
    assert inception_score(np.tile(np.arange(8.0), (50, 1))) == pytest.approx(np.ones(10))


def test_every_class_once_and_clearly_scores_the_number_of_classes():
    # In every part of ten samples all ten classes: the permutation undone.
    order = np.random.RandomState(2020).permutation(100)
    logits = np.empty((100, 10))
    logits[order] = np.tile(1000 * np.eye(10), (10, 1))
    assert inception_score(logits) == pytest.approx(np.full(10, 10.0))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [((20, 1, 32, 32), "the images are grey, RGB needed"), ((9, 3, 32, 32), "9 samples are too few")],
)
def test_refuses(shape, reason):
    with pytest.raises(NotComputed, match=reason):
        InceptionScore().measure(features=DomainFeatures(), samples=np.zeros(shape, dtype=np.float32))
