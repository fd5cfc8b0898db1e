"""MIG of binary attributes as those of CelebA: rare, dependent, and far from every combination."""

import numpy as np
import pytest

from multibeta.datasets import Arrays, DataError, DatasetSource, Factor
from multibeta.metrics import NotComputed
from multibeta.metrics.disentanglement.mig import MIG
from multibeta.stages.prepare import check

NAMES = ("hat", "beard", "smile")
#: How many images are (hat, beard): they come together more often than apart.
COUNTS = np.array([[850, 50], [30, 70]])

every_protocol = pytest.mark.parametrize("settings", MIG.protocols.values(), ids=MIG.protocols)


@pytest.fixture
def attributes():
    """int (1000, 3): ``COUNTS``, and a smile in exactly a tenth of the images of each kind."""
    rows = [(hat, beard) for hat in (0, 1) for beard in (0, 1) for _ in range(COUNTS[hat, beard])]
    smile = np.concatenate([np.arange(count) % 10 == 0 for count in COUNTS.ravel()])
    table = np.column_stack([np.array(rows), smile]).astype(np.int64)
    return table[np.random.default_rng(0).permutation(len(table))]


def measure(codes, attributes, settings):
    return MIG().measure(codes=codes, factors=attributes, factor_names=NAMES, seed=0, **settings)


def entropy(*counts):
    share = np.array(counts) / sum(counts)
    return -(share * np.log(share)).sum()


@every_protocol
def test_perfect_codes_score_what_the_dependence_of_the_attributes_leaves(attributes, settings):
    hat, beard = entropy(*COUNTS.sum(1)), entropy(*COUNTS.sum(0))
    shared = hat + beard - entropy(*COUNTS.ravel())
    found = measure(attributes.astype(np.float64), attributes, settings)
    assert found.parts == pytest.approx({"hat": 1 - shared / hat, "beard": 1 - shared / beard, "smile": 1})
    assert found.value == pytest.approx(np.mean(list(found.parts.values())))
    assert found.arrays["entropy"] == pytest.approx([hat, beard, entropy(9, 1)])


@every_protocol
def test_rare_attributes_count_as_much_as_frequent_ones(attributes, settings):
    """A code of the rare smile and of nothing else scores a third, though nine images of ten do not smile."""
    codes = np.column_stack([attributes[:, 2], np.zeros((len(attributes), 2))])
    found = measure(codes, attributes, settings)
    assert found.parts == pytest.approx({"hat": 0, "beard": 0, "smile": 1}, abs=1e-12)
    assert found.value == pytest.approx(1 / 3)


@every_protocol
def test_noise_scores_next_to_nothing(attributes, settings):
    codes = np.random.default_rng(0).normal(size=(len(attributes), 10))
    assert measure(codes, attributes, settings).value < 0.02


@every_protocol
def test_an_attribute_that_no_image_has_is_named(attributes, settings):
    attributes[:, 1] = 0
    with pytest.raises(NotComputed, match="factor 'beard' has a single value"):
        measure(np.random.default_rng(0).normal(size=(len(attributes), 3)), attributes, settings)


def test_attributes_are_categorical_factors_of_size_2_of_a_dataset(attributes):
    class Faces(DatasetSource):
        factors = tuple(Factor(name, 2, "categorical") for name in NAMES)
        shape = (1, 8, 8)

    Faces.name = "faces"
    published = 2 * attributes - 1
    images, held_out = np.zeros((len(attributes), 8, 8, 1), np.uint8), np.arange(len(attributes)) < 100
    check(Faces(), Arrays(images, held_out, (published > 0).astype(np.int64)))
    with pytest.raises(DataError, match="factor hat must take every value 0 … 1, build returns 2 values from -1 to 1"):
        check(Faces(), Arrays(images, held_out, published))
    attributes[:, 2] = 0
    with pytest.raises(DataError, match="factor smile must take every value"):
        check(Faces(), Arrays(images, held_out, attributes))
