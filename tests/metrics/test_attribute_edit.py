"""Edits along the direction of an attribute: known directions, what they change, and what is refused."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.control._directions import CodeSpace, attributes, directions
from multibeta.metrics.control.attribute_edit import AttributeEdit

KINDS = ("mean_difference", "classifier")
RECIPES = AttributeEdit.protocols
GRID = np.stack(np.unravel_index(np.arange(5 * 4 * 3), (5, 4, 3)), axis=1)
SIZES = {"x": 5, "y": 4, "shape": 3}
OF_GRID = {"factor_names": tuple(SIZES), "factor_kinds": ("ordinal", "ordinal", "categorical")}


class Reader:
    """Reads what `Renderer` has written into its images: a value in each pixel, sure of the nearest one."""

    unusable = ""

    def __init__(self, sizes, accuracy=1.0):
        self.sizes = dict(sizes)
        self.accuracy = dict.fromkeys(sizes, accuracy)
        self.frequent = {name: 1 / size for name, size in sizes.items()}

    def predict(self, images):
        pixels = images.reshape(len(images), -1)
        return {
            name: np.eye(size)[np.clip(np.rint(pixels[:, k]), 0, size - 1).astype(int)]
            for k, (name, size) in enumerate(self.sizes.items())
        }


def edited(codes, factors, inverse, sizes=SIZES, names=OF_GRID, recipe="mean_difference", reader=None, anchors=20):
    """The scores of a code that a linear renderer turns into factors, each edit from every so-many-th code."""
    starts = codes[:: max(1, len(codes) // anchors)]

    def moved(step):
        z = starts[:, None] + np.linspace(-3, 3, 7)[:, None] * step
        return (z @ inverse)[:, :, None, None].astype(np.float32)

    needs = {"posterior_mean": codes, "factors": factors, "features": reader or Reader(sizes), "moved": moved}
    return AttributeEdit().measure(**needs, **names, **RECIPES[recipe])


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def test_attributes_of_each_kind():
    factors = np.array([[0, 0, 0, 5], [1, 1, 1, 5], [2, 0, 2, 5], [3, 1, 0, 5]])
    found = attributes(factors, ("age", "smiling", "hair", "one"), ("ordinal", "categorical", "categorical", "ordinal"))
    assert [each.name for each in found] == ["age", "smiling", "hair = 0", "hair = 1", "hair = 2"]
    assert found[0].has.tolist() == [False, False, True, True]
    assert found[1].has.tolist() == [False, True, False, True]
    assert [each.value for each in found] == [-1, 1, 0, 1, 2]


def test_a_periodic_factor_and_one_of_many_values_have_no_direction():
    factors = np.stack([np.arange(40), np.arange(40)], axis=1)
    assert attributes(factors, ("angle", "car"), ("periodic", "categorical")) == []


def test_an_ordinal_factor_that_is_mostly_at_its_least_or_greatest():
    for column, has in (([0, 0, 0, 1], [0, 0, 0, 1]), ([1, 1, 1, 0], [1, 1, 1, 0])):
        (found,) = attributes(np.array(column)[:, None], ("more",), ("ordinal",))
        assert found.has.tolist() == [bool(each) for each in has]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_independent_factors_on_latents_of_their_own_give_these_latents(kind, alone):
    codes = np.column_stack([GRID.astype(float), np.zeros(len(GRID))])
    found = attributes(GRID, tuple(SIZES), ("ordinal",) * 3)
    assert directions(CodeSpace.of(codes), found, kind, alone) == pytest.approx(np.eye(3, 4), abs=1e-6)


def test_a_latent_that_tells_nothing_is_not_moved():
    codes = np.column_stack([GRID[:, 0], 1e-3 * GRID[:, 1]])
    space = CodeSpace.of(codes)
    assert space.std[1] == 0
    assert space.step(np.array([1.0, 0.0])) == pytest.approx([codes[:, 0].std(), 0])


def correlated(n=20_000):
    """Two normal variables with correlation 0.6, and the factors that say whether each is positive."""
    draw = np.random.default_rng(0)
    a = draw.standard_normal(n)
    values = np.stack([a, 0.6 * a + 0.8 * draw.standard_normal(n)], axis=1)
    return values, (values > 0).astype(int)


def test_the_difference_of_means_of_a_correlated_attribute_is_the_others_too():
    """z = (a, b) with correlation ρ: E[b | a > 0] = ρ E[a | a > 0], so the means differ along (1, ρ)."""
    values, factors = correlated()
    found = attributes(factors, ("a", "b"), ("categorical",) * 2)
    along = directions(CodeSpace.of(values), found, "mean_difference")
    assert along[0] == pytest.approx(np.array([1, 0.6]) / np.hypot(1, 0.6), abs=0.02)


def test_at_equal_other_factors_a_correlated_attribute_is_its_own_way_in_a_linear_code():
    """z = B f with correlated f and ways B_k that are not orthogonal: exactly B_k."""
    factors = correlated()[1]
    ways = np.array([[1.0, 0.0, 0.5], [0.8, 0.6, 0.0]])
    codes = factors @ ways
    space = CodeSpace.of(codes)
    found = attributes(factors, ("a", "b"), ("categorical",) * 2)
    for row, direction in enumerate(directions(space, found, "mean_difference", alone=True)):
        step = space.step(direction)
        assert step / np.linalg.norm(step) == pytest.approx(ways[row] / np.linalg.norm(ways[row]), abs=1e-6)
    for row, direction in enumerate(directions(space, found, "classifier", alone=True)):
        step = space.step(direction)
        assert step @ ways[row] / np.linalg.norm(step) / np.linalg.norm(ways[row]) > 0.99


def test_the_classifier_tells_correlated_attributes_apart_and_alone_leaves_the_others_plane():
    values, factors = correlated()
    found = attributes(factors, ("a", "b"), ("categorical",) * 2)
    turned = values @ np.array([[1.0, 0.3], [0.2, 1.0]])
    space = CodeSpace.of(turned)
    normals, freed = (directions(space, found, "classifier", alone) for alone in (False, True))
    assert abs(freed[0] @ normals[1]) < 0.03
    assert abs(freed[1] @ normals[0]) < 0.03
    assert min(freed[0] @ normals[0], freed[1] @ normals[1]) > 0


def test_a_factor_of_many_values_takes_nothing_from_the_others():
    """Ten values of one factor, four latents: at equal values of it the other is still found."""
    draw = np.random.default_rng(0)
    factors = np.stack([draw.integers(10, size=3000), draw.integers(5, size=3000)], axis=1)
    codes = draw.standard_normal((10, 4))[factors[:, 0]] + factors[:, 1:] * np.array([1.0, 0, 0, 2.0])
    space = CodeSpace.of(codes)
    found = attributes(factors, ("digit", "slant"), ("categorical", "ordinal"))
    step = space.step(directions(space, found, "mean_difference", alone=True)[-1])
    assert step / np.linalg.norm(step) == pytest.approx(np.array([1, 0, 0, 2]) / np.sqrt(5), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_two_factors_that_are_one_share_its_direction(kind):
    codes = GRID[:, :1].astype(float)
    found = attributes(GRID[:, [0, 0]], ("x", "same"), ("ordinal",) * 2)
    assert directions(CodeSpace.of(codes), found, kind, alone=True) == pytest.approx(np.ones((2, 1)))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_linear_code_is_edited_alone_whatever_its_axes(recipe, turned):
    """A direction undoes a rotation, which controllability would not forgive."""
    basis = rotation(3) if turned else np.eye(3)
    codes = (GRID - GRID.mean(0)) @ basis

    def moved(step):
        z = codes[::3, None] + np.linspace(-3, 3, 7)[:, None] * step
        return (z @ basis.T + GRID.mean(0))[:, :, None, None].astype(np.float32)

    needs = {"posterior_mean": codes, "factors": GRID, "features": Reader(SIZES), "moved": moved}
    names = {"factor_names": ("x", "y", "shape"), "factor_kinds": ("ordinal", "ordinal", "ordinal")}
    scores = AttributeEdit().measure(**needs, **names, **RECIPES[recipe])
    assert scores["edit_effect"].value == pytest.approx(1)
    assert scores["edit_selectivity"].value > 0.99
    assert scores["edit_effect"].n == 20


def test_a_decoder_that_ignores_its_code():
    scores = edited(GRID.astype(float), GRID, np.zeros((3, 3)))
    assert scores["edit_effect"].value == 0
    assert isinstance(scores["edit_selectivity"], NotComputed)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_collapsed_code_has_no_direction_and_scores_nothing_rather_than_being_left_out(recipe):
    scores = edited(np.full((60, 3), 0.01), GRID, np.eye(3), recipe=recipe)
    assert scores["edit_effect"].value == 0
    assert not scores["edit_effect"].arrays["steps"].any()
    assert isinstance(scores["edit_selectivity"], NotComputed)


def test_a_decoder_that_moves_all_factors_alike_keeps_its_share():
    """Three factors move over their whole range whichever is meant: a third each."""
    sizes = dict.fromkeys("abc", 4)
    factors = np.stack(np.unravel_index(np.arange(64), (4, 4, 4)), axis=1)
    names = {"factor_names": tuple("abc"), "factor_kinds": ("ordinal",) * 3}
    everything = np.full((3, 3), 10.0)
    scores = edited(factors - 1.5, factors, everything, sizes, names)
    assert scores["edit_selectivity"].value == pytest.approx(1 / 3, abs=0.02)


def test_what_becomes_less_counts_nothing():
    scores = edited(GRID.astype(float), GRID, -np.eye(3))
    assert scores["edit_effect"].value == 0


def test_a_factor_that_cannot_be_read_is_left_out_and_named_by_its_absence():
    reader = Reader(SIZES)
    reader.accuracy["y"] = 0.26
    scores = edited(GRID.astype(float), GRID, np.eye(3), reader=reader)
    assert set(scores["edit_effect"].parts) == {"x", "shape"}
    assert scores["edit_effect"].arrays["factors"].tolist() == [0, 2]
    assert scores["edit_effect"].arrays["changes"].shape == (4, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reader": Reader(SIZES, accuracy=0.1)}, "no factor that the predictor reads"),
        ({"codes": np.full((60, 3), np.nan)}, "NaN"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(NotComputed, match=message):
        edited(**{"codes": GRID.astype(float), "factors": GRID, "inverse": np.eye(3), **change})


def test_a_single_factor_has_no_other_to_change():
    names = {"factor_names": ("x",), "factor_kinds": ("ordinal",)}
    scores = edited(GRID[:, :1] - 2.0, GRID[:, :1], np.eye(1), {"x": 5}, names)
    assert isinstance(scores["edit_selectivity"], NotComputed)


def test_the_same_call_gives_the_same_numbers():
    draw = np.random.default_rng(0)
    codes = GRID + 0.1 * draw.standard_normal(GRID.shape)
    for recipe in RECIPES:
        first, again = (edited(codes, GRID, np.eye(3), recipe=recipe) for _ in range(2))
        assert first["edit_effect"].value == again["edit_effect"].value
