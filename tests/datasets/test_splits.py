"""A split is what its definition says, spelt out here image by image on small grids."""

import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from multibeta.datasets import DataError, Dataset, Factor, _splits, grid_factors, random_held_out
from multibeta.datasets.sprites import Sprites
from multibeta.options import SplitOptions
from multibeta.stages.prepare import prepare

FACTORS = (
    Factor("shape", 3, "categorical"),
    Factor("angle", 4, "periodic"),
    Factor("x", 8, "ordinal"),
    Factor("y", 5, "ordinal"),
    Factor("flag", 2, "ordinal"),
    Factor("colour", 1, "categorical"),
)
IMAGES = [tuple(values) for values in grid_factors(FACTORS).tolist()]
SHAPE, ANGLE, X, Y = range(4)


def held_out(of=FACTORS, images=IMAGES, **split):
    """The values of the images held out, as a set."""
    found = _splits.held_out_images(SplitOptions(**split), of, np.array(images), len(images))
    return {image for image, out in zip(images, found, strict=True) if out}


def trained_on(**split):
    out = held_out(**split)
    return [image for image in IMAGES if image not in out]


def test_of_combinations_an_image_is_held_out_if_all_its_named_factors_have_one_of_the_values():
    found = held_out(kind="combinations", hold_out={"shape": [2], "x": [5, 7, 6]})
    assert found == {image for image in IMAGES if image[SHAPE] == 2 and image[X] in (5, 6, 7)}
    assert held_out(kind="combinations", hold_out={"x": [3]}) == {image for image in IMAGES if image[X] == 3}


def test_of_extrapolation_an_image_is_held_out_if_any_named_factor_has_one_of_its_greatest_values():
    found = held_out(kind="extrapolation", factors=["x", "y"], share=0.25)
    assert found == {image for image in IMAGES if image[X] >= 6 or image[Y] == 4}


@pytest.mark.parametrize(
    ("size", "share", "inner"),
    [
        (8, 0.25, {2, 5}),
        (8, 0.01, {4}),
        (5, 0.2, {2}),
        (16, 0.3, {2, 5, 8, 10, 13}),
        (6, 0.67, {1, 2, 3, 4}),
        (3, 0.4, {1}),
    ],
)
def test_of_interpolation_inner_values_are_held_out_spread_evenly_and_the_ends_stay(size, share, inner):
    images = [(value,) for value in range(size)]
    factors = [Factor("x", size, "ordinal")]
    found = held_out(factors, images, kind="interpolation", factors=["x"], share=share)
    assert {value for (value,) in found} == inner


def test_of_interpolation_an_image_is_held_out_if_any_named_factor_has_a_held_out_value():
    found = held_out(kind="interpolation", factors=["y", "x"], share=0.25)
    assert found == {image for image in IMAGES if image[X] in (2, 5) or image[Y] == 2}


def test_a_periodic_factor_can_be_interpolated():
    found = held_out(kind="interpolation", factors=["angle"], share=0.25)
    assert {image[ANGLE] for image in found} == {2}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.001, 0.3, 0.6])
def test_of_random_combinations_that_share_is_held_out_whole_and_every_value_stays_seen(share, seed):
    split = {"kind": "combinations", "factors": ["shape", "x"], "share": share, "seed": seed}
    out, seen = held_out(**split), trained_on(**split)
    pairs = {(image[SHAPE], image[X]) for image in out}
    assert len(pairs) == max(1, round(share * 3 * 8))
    assert out == {image for image in IMAGES if (image[SHAPE], image[X]) in pairs}
    assert {image[SHAPE] for image in seen} == set(range(3))
    assert {image[X] for image in seen} == set(range(8))


def test_random_combinations_are_drawn_from_those_there_are():
    images = [(0, 0, 0), (0, 0, 1), (1, 1, 0), (1, 0, 0)]
    factors = [Factor(name, 2, "categorical") for name in "abc"]
    found = held_out(factors, images, kind="combinations", factors=["a", "b"], share=0.4)
    assert found == {(1, 0, 0)}  # (0, 0) and (1, 1) are the last with a value


def test_a_share_of_the_images_is_held_out_at_random():
    assert len(held_out(kind="random", share=0.3)) == round(0.3 * len(IMAGES))


@pytest.mark.parametrize(
    "split", [{"kind": "random"}, {"kind": "combinations", "factors": ["x", "y"]}], ids=["images", "combinations"]
)
def test_what_is_drawn_is_keyed_by_the_splits_seed(split):
    one, again, other = (held_out(**split, share=0.5, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def correlated(spread=0.3, seed=0, out=None):
    split = SplitOptions(correlate={"factors": ["y", "x"], "spread": spread}, seed=seed)
    out = np.zeros(len(IMAGES), bool) if out is None else out
    return _splits.training_images(split, FACTORS, np.array(IMAGES), out)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("spread", [0.4, 0.7])
def test_training_images_are_drawn_by_the_formula_of_traeuble(spread, inverted):
    from scipy.stats import chisquare

    many = 30 * IMAGES
    split = SplitOptions(correlate={"factors": ["x", "y"], "spread": spread, "inverted": inverted})
    train = _splits.training_images(split, FACTORS, np.array(many), np.zeros(len(many), bool))
    assert len(train) == len(many)
    weights = {}
    for x, y in itertools.product(range(8), range(5)):
        c_1, c_2 = x / 7, y / 4
        weights[x, y] = math.exp(-((c_1 - (1 - c_2 if inverted else c_2)) ** 2) / (2 * spread**2))
    drawn = Counter((many[position][X], many[position][Y]) for position in train.tolist())
    expected = [weight * len(train) / sum(weights.values()) for weight in weights.values()]
    assert min(expected) >= 5  # or the test would not hold
    assert chisquare([drawn[pair] for pair in weights], expected).pvalue > 0.001
    # Other factors are not touched.
    shapes = Counter(many[position][SHAPE] for position in train.tolist())
    assert chisquare(list(shapes.values())).pvalue > 0.001


def test_a_tiny_spread_leaves_the_nearest_images():
    values = {(IMAGES[position][X], IMAGES[position][Y]) for position in correlated(spread=1e-6).tolist()}
    assert values == {(0, 0), (7, 4)}


def test_correlated_draws_are_in_order_keyed_by_the_seed_and_never_held_out():
    out = np.arange(len(IMAGES)) % 2 == 0
    one, again, other = (correlated(seed=seed, out=out) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, np.sort(one))
    assert len(one) == (~out).sum()
    assert not out[one].any()


def test_without_a_correlation_all_the_rest_is_trained_on_once():
    out = np.arange(len(IMAGES)) % 3 == 0
    train = _splits.training_images(SplitOptions(), FACTORS, np.array(IMAGES), out)
    assert train.tolist() == [place for place in range(len(IMAGES)) if place % 3]


IMPOSSIBLE = {
    "unknown factor": (
        {"kind": "extrapolation", "factors": ["shap"], "share": 0.3},
        "split.factors = 'shap': is no factor of the dataset; did you mean 'shape'?",
    ),
    "unknown factor of values": (
        {"kind": "combinations", "hold_out": {"z": [1]}},
        "split.hold_out.z = [1]: is no factor of the dataset",
    ),
    "value that is not there": (
        {"kind": "combinations", "hold_out": {"shape": [7]}},
        "split.hold_out.shape = [7]: has values 0 … 2",
    ),
    "one factor, every value of which has to stay seen": (
        {"kind": "combinations", "factors": ["x"], "share": 0.1},
        "split.factors = ['x']: must be two or more",
    ),
    "between categories": (
        {"kind": "interpolation", "factors": ["shape"], "share": 0.3},
        "split.factors = 'shape': is categorical, so no value lies between or beyond others (interpolation)",
    ),
    "beyond a circle": (
        {"kind": "extrapolation", "factors": ["angle"], "share": 0.3},
        "split.factors = 'angle': is periodic, so no value lies beyond the others",
    ),
    "between two values": (
        {"kind": "interpolation", "factors": ["flag"], "share": 0.5},
        "split.factors = 'flag': has 2 values, interpolation needs 3",
    ),
    "all but one value": (
        {"kind": "extrapolation", "factors": ["y", "x"], "share": 0.8},
        "split.share = 0.8: would hold out 4 of the 5 values of y, 3 at most",
    ),
    "nothing to train on": (
        {"kind": "combinations", "hold_out": {"shape": [0, 1, 2]}},
        "split = {'kind': 'combinations', 'hold_out': {'shape': [0, 1, 2]}}: holds out 960 of 960 images",
    ),
    "nothing held out": ({"kind": "random", "share": 1e-6}, "holds out 0 of 960 images; some must be"),
    "too many combinations": (
        {"kind": "combinations", "factors": ["shape", "x"], "share": 0.99},
        "split.share = 0.99: only 16 of 24 combinations, not 24, can be held out with every value still seen",
    ),
    "correlation of a constant": (
        {"correlate": {"factors": ["x", "colour"], "spread": 1}},
        "split.correlate.factors = 'colour': has a single value",
    ),
    "correlation of an unknown factor": (
        {"correlate": {"factors": ["x", "w"], "spread": 1}},
        "split.correlate.factors = 'w': is no factor of the dataset",
    ),
}


@pytest.mark.parametrize(("split", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_split_that_cannot_be_is_one_line_with_the_options_path(split, message):
    with pytest.raises(ValueError, match=r"^split") as error:
        held_out(**split)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_dataset_without_factors_has_none_to_split_by():
    split = SplitOptions(kind="extrapolation", factors=["x"], share=0.3)
    with pytest.raises(ValueError, match=r"split.factors = 'x': the dataset has no factors"):
        _splits.check(split, ())
    assert _splits.held_out_images(SplitOptions(kind="random", share=0.5), (), None, 10).sum() == 5


WORDS = {
    "a random 25 % of the images held out (seed 3)": {"kind": "random", "share": 0.25, "seed": 3},
    "every image with shape 2 and x 3 … 5 held out": {
        "kind": "combinations",
        "hold_out": {"shape": [2], "x": [3, 4, 5]},
    },
    "a random 30 % of the combinations of shape, x and y held out, every value of each still seen (seed 0)": {
        "kind": "combinations",
        "factors": ["shape", "x", "y"],
        "share": 0.3,
    },
    "every image with x 2, 5 or y 2 held out (interpolation)": {
        "kind": "interpolation",
        "factors": ["x", "y"],
        "share": 0.25,
    },
    "every image with x 6, 7 held out (extrapolation)": {"kind": "extrapolation", "factors": ["x"], "share": 0.25},
}


@pytest.mark.parametrize(("words", "split"), WORDS.items())
def test_a_split_is_told_in_words(words, split):
    assert _splits.in_words(SplitOptions(**split), FACTORS, np.arange(3)) == words


def test_a_correlation_is_told_in_words():
    split = SplitOptions(correlate={"factors": ["y", "x"], "spread": 0.2, "inverted": True})
    assert _splits.in_words(split, FACTORS, np.array([1, 1, 4])) == (
        "trained on 3 draws from 2 images with inversely correlated x and y (σ = 0.2, seed 0)"
    )


@pytest.fixture(scope="module")
def sprites(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sprites")
    prepare("sprites", {}, folder)
    return folder


def test_a_prepared_dataset_is_split_when_it_is_opened_and_its_images_are_the_same(sprites):
    own = Dataset(sprites)
    split = Dataset(sprites, SplitOptions(kind="combinations", hold_out={"shape": [2], "x": range(8, 16)}))
    assert np.array_equal(own.held_out, random_held_out(2304))
    assert np.array_equal(split.own_held_out, own.held_out)
    expected = (own.factors[:, 0] == 2) & (own.factors[:, 2] >= 8)
    assert np.array_equal(split.held_out, expected)
    assert np.array_equal(split.train, np.flatnonzero(~expected))
    assert split.folder == own.folder
    assert np.array_equal(split.images[:], own.images[:])
    assert "split" not in own.card
    assert (split.card["split"], split.card["held_out"]) == ("every image with shape 2 and x 8 … 15 held out", 384)


def test_a_prepared_dataset_that_cannot_be_split_so_says_why(sprites):
    with pytest.raises(DataError, match=r"^dataset sprites: split\.factors = 'z': is no factor of the dataset"):
        Dataset(sprites, SplitOptions(kind="extrapolation", factors=["z"], share=0.3))


def test_a_grid_knows_before_it_is_built_whether_a_split_leaves_something():
    with pytest.raises(ValueError, match=r"holds out 2304 of 2304 images"):
        Sprites().check_split(SplitOptions(kind="combinations", hold_out={"shape": [0, 1, 2]}))
    Sprites().check_split(SplitOptions(kind="combinations", hold_out={"shape": [0, 1]}))
