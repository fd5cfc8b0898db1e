"""Controllability: hand-made movements with known answers, and what is refused."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed, Result
from multibeta.metrics._features import DomainFeatures
from multibeta.metrics.control._movement import movement
from multibeta.metrics.control.controllability import Controllability, control

KINDS = ("ordinal", "categorical", "periodic")


def sure(*values, size):
    """A predictor's probabilities (V, size) that is sure of these values along a traversal."""
    return np.eye(size)[list(values)]


@pytest.mark.parametrize(
    ("kind", "size", "values", "reach", "path"),
    [
        ("ordinal", 5, (0, 1, 2, 3, 4), 1, 1),
        ("ordinal", 5, (4, 4, 3, 1, 1), 0.75, 0.75),
        ("ordinal", 5, (0, 2, 4, 2, 0), 1, 2),
        ("ordinal", 5, (2, 0, 2, 4, 2), 1, 2),
        ("ordinal", 5, (3, 3, 3, 3, 3), 0, 0),
        ("categorical", 3, (2, 2, 0, 1, 1), 1, 1),
        ("categorical", 3, (0, 0, 1, 1, 1), 0.5, 0.5),
        ("categorical", 3, (0, 0, 1, 0, 0), 0.5, 1),
        ("categorical", 3, (0, 1, 0, 1, 2), 1, 2),
        ("categorical", 3, (1, 1, 1, 1, 1), 0, 0),
        ("categorical", 9, (5, 2, 8, 0, 1), 1, 1),
        ("periodic", 5, (0, 1, 2, 3, 4), 1, 1),
        ("periodic", 5, (3, 4, 0, 1, 2), 1, 1),
        ("periodic", 5, (4, 0, 0, 0, 0), 0.25, 0.25),
        ("periodic", 5, (0, 1, 2, 1, 0), 0.5, 1),
        ("periodic", 5, (0, 2, 4, 1, 3), 1, 2),
        ("periodic", 5, (2, 2, 2, 2, 2), 0, 0),
    ],
)
def test_reach_and_path_of_a_sure_predictor(kind, size, values, reach, path):
    assert movement(sure(*values, size=size), kind) == pytest.approx((reach, path))


def test_a_factor_of_two_values_is_the_same_as_categorical_and_as_ordinal():
    first = np.random.default_rng(0).random((20, 7))
    probabilities = np.stack([first, 1 - first], axis=-1)
    np.testing.assert_allclose(movement(probabilities, "ordinal"), movement(probabilities, "categorical"))


def test_a_half_sure_predictor_moves_half_as_far():
    probabilities = 0.5 * sure(0, 1, 2, 3, size=4) + 0.5 / 4
    for kind in KINDS:
        assert movement(probabilities, kind) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_the_reach_is_never_longer_than_the_path_nor_than_the_range(kind):
    draw = np.random.default_rng(0)
    for sharpness in (0, 1, 10):
        likelihood = np.exp(sharpness * draw.normal(size=(200, 7, 6)))
        reach, path = movement(likelihood / likelihood.sum(-1, keepdims=True), kind)
        assert ((reach >= 0) & (reach <= path) & (reach <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_change_does_not_move_at_all(kind):
    still = np.random.default_rng(0).dirichlet(np.ones(10), size=(50, 1)).repeat(7, axis=1)
    assert not np.any(movement(still, kind))


def test_an_unsure_predictor_points_nowhere():
    noise = np.random.default_rng(0).normal(0, 1e-4, size=(7, 10))
    reach, path = movement(0.1 + noise - noise.mean(1, keepdims=True), "periodic")
    assert reach < path < 0.01


def one_way(*rows):
    """Reach and path (1, D, K) of latents that never turn back."""
    reach = np.array([rows], dtype=float)
    return reach, reach


def test_one_latent_for_each_factor_scores_one():
    found = control(*one_way((0, 1), (0, 0), (1, 0)))
    assert found.score.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert found.knobs.tolist() == [2, 0]


def test_latents_that_move_two_factors_alike_score_half():
    found = control(*one_way((1, 1), (1, 1)))
    assert found.selectivity.tolist() == found.score.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert found.of_knobs(found.score).tolist() == [0.5, 0.5]


def test_one_latent_is_the_knob_of_one_factor_only():
    found = control(*one_way((1, 1), (0, 0), (0, 0)))
    assert sorted(found.knobs.tolist()) == [-1, 0]
    assert sorted(found.of_knobs(found.score).tolist()) == [0, 0.5]


def test_a_second_latent_of_the_same_factor_neither_helps_nor_harms():
    found = control(*one_way((1, 0), (1, 0), (0, 1)))
    assert found.of_knobs(found.score).tolist() == [1, 1]


def test_latents_are_given_so_that_the_sum_is_greatest():
    # Alone, the first latent would be the knob of the first factor; then none would be left for the second.
    found = control(*one_way((0.5, 0.45), (0.45, 0)))
    assert found.knobs.tolist() == [1, 0]


def test_turning_back_takes_away_what_it_undoes():
    reach = np.full((1, 1, 4), 0.8)
    found = control(reach, reach * np.array([1, 1.25, 2, 3]))
    assert found.monotonicity[0] == pytest.approx([1, 0.75, 0, 0])


def test_anchors_where_nothing_moves_lower_the_effect_and_not_the_monotonicity():
    reach = np.array([[[1.0]], [[0.0]], [[0.01]]])
    path = np.array([[[1.0]], [[0.0]], [[0.05]]])
    found = control(reach, path)
    assert found.effect[0, 0] == pytest.approx(1.01 / 3)
    assert found.monotonicity[0, 0] == pytest.approx(1 / 1.01)


SHAPES, PLACES = 3, 8


class Reader(DomainFeatures):
    """Reads the two factors of images (S, 1, 1, 2) exactly: each pixel says a value as a share of the largest."""

    def __init__(self, **facts):
        super().__init__(**{"sizes": {"shape": SHAPES, "x": PLACES}, "accuracy": {"shape": 1.0, "x": 0.9}, **facts})

    def predict(self, images):
        pixels = np.rint(images[:, 0, 0] * [SHAPES - 1, PLACES - 1]).astype(int)
        return {name: np.eye(size)[pixels[:, k]] for k, (name, size) in enumerate(self.sizes.items())}


def traversals(*latents):
    """(2, D, 7, 1, 1, 2): each latent moves shape and x from one share of the range to another."""
    ways = [np.stack([np.linspace(*way, 7) for way in latent], axis=-1) for latent in latents]
    return np.stack([ways, ways])[:, :, :, None, None].astype(np.float32)


STILL = (0.0, 0.0)
WHOLE = (0.0, 1.0)


def measure(images, reader=None, names=("shape", "x")):
    kinds = ("categorical", "ordinal")[: len(names)]
    return Controllability().measure(
        traversals=images, features=reader or Reader(), factor_names=names, factor_kinds=kinds
    )


def test_the_scores_of_a_run_and_their_parts():
    # The first latent moves x over 3/7 of its range and shape over all values, the second x alone, the third nothing.
    found = measure(traversals((WHOLE, (0, 3 / 7)), (STILL, WHOLE), (STILL, STILL)))
    shared = 1 / (1 + 3 / 7)
    assert found["controllability"].value == pytest.approx((shared + 1) / 2)
    assert found["controllability"].parts == pytest.approx({"shape": shared, "x": 1, "z0": shared, "z1": 1, "z2": 0})
    assert found["control_effect"].value == pytest.approx(1)
    assert found["control_effect"].parts == pytest.approx({"z0": 1, "z1": 1, "z2": 0})
    assert found["control_monotonicity"].value == pytest.approx(1)
    assert found["control_leakage"].value == pytest.approx((1 - shared) / 2)
    assert found["control_leakage"].parts == pytest.approx({"z0": 1 - shared, "z1": 0})
    assert {result.n for result in found.values()} == {2}


def test_the_matrices_behind_the_scores_are_kept():
    arrays = measure(traversals((STILL, WHOLE), (WHOLE, STILL), (STILL, STILL)))["controllability"].arrays
    assert {arrays[name].shape for name in ("effect", "monotonicity", "selectivity", "score")} == {(3, 2)}
    assert arrays["knobs"].tolist() == [1, 0]
    assert arrays["accuracy"].tolist() == [1.0, 0.9]


def test_a_decoder_that_ignores_its_code_scores_zero():
    found = measure(traversals((STILL, STILL), (STILL, STILL)))
    assert (found["controllability"].value, found["control_effect"].value) == (0, 0)
    for score in ("control_monotonicity", "control_leakage"):
        assert str(found[score]) == "no latent moves any factor one way"


def test_fewer_latents_than_factors_leave_a_factor_without():
    found = measure(traversals((STILL, WHOLE)))
    assert found["controllability"].parts == pytest.approx({"shape": 0, "x": 1, "z0": 1})
    assert found["control_effect"].value == pytest.approx(0.5)
    assert found["control_leakage"].value == 0


def test_a_single_factor_has_no_leakage():
    found = measure(traversals((WHOLE, STILL)), names=("shape",))
    assert found["controllability"].value == 1
    assert isinstance(found["control_monotonicity"], Result)
    assert str(found["control_leakage"]) == "with a single factor there is no other to leak into"


def refused(reader=None, images=None, **names):
    with pytest.raises(NotComputed) as caught:
        measure(traversals((WHOLE, STILL)) if images is None else images, reader, **names)
    return str(caught.value)


def test_without_a_usable_predictor_it_says_why():
    assert refused(Reader(unusable="images of 4×4 are too small")) == "images of 4×4 are too small"


def test_a_factor_that_is_not_read_much_better_than_by_chance_is_named():
    found = refused(Reader(accuracy={"shape": 0.49, "x": 0.9}))
    assert found == "factor 'shape' is read with an accuracy of 0.49 only, at least 0.50 needed"
    assert measure(traversals((WHOLE, STILL)), Reader(accuracy={"shape": 0.5, "x": 0.35}))


def test_a_factor_with_a_single_value_is_named():
    found = refused(Reader(sizes={"x": PLACES}))
    assert found == "factor 'shape' has a single value, no latent can move it"


def test_broken_images_are_refused():
    broken = traversals((WHOLE, STILL))
    broken[0, 0, 3] = np.nan
    assert refused(images=broken) == "traversals holds 2 NaN or infinite values"
