"""Drawing a run: the same images and noise for every model, and what each figure asks of it."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from multibeta.datasets import Dataset
from multibeta.figures._style import render
from multibeta.figures.animation import MOST_LATENTS
from multibeta.model import Condition
from multibeta.stages.draw import EDITS, FINE, MOST_CLASSES, PER_CLASS, TRAVERSAL, Drawing, matrices, usage
from multibeta.stages.prepare import prepare
from multibeta.stages.shared.codes import Codes


@dataclass
class Recorder:
    """A run that remembers what it was asked to encode and decode."""

    latents: int = 4
    condition: Condition | None = None
    shape: tuple[int, int, int] = (1, 8, 8)

    def __post_init__(self):
        self.encoded, self.decoded = [], []

    def encode(self, images, condition=None):
        self.encoded.append((images, condition))
        mean = images.reshape(len(images), -1)[:, : self.latents]
        return mean, np.zeros_like(mean)

    def decode(self, z, condition=None):
        assert z.dtype == np.float32
        assert (condition is None) == (self.condition is None)
        self.decoded.append((z, condition))
        return np.full((len(z), *self.shape), 0.5, np.float32)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Dataset:
    return prepare("digits", {}, tmp_path_factory.mktemp("digits"))


def codes(latents=4):
    mean = np.random.default_rng(0).standard_normal((50, latents)).astype(np.float32)
    return Codes(mean, np.zeros_like(mean), mean, np.zeros_like(mean))


def drawing(digits, **facts):
    return Drawing(Recorder(**facts), digits, codes(), "title")


def test_every_model_is_drawn_on_the_same_held_out_images_and_noise(digits):
    first, second = drawing(digits), drawing(digits)
    first.reconstructions()
    second.traversals("posterior")
    second.reconstructions()
    shown = first.run.encoded[0][0]
    assert np.array_equal(shown, second.run.encoded[1][0])
    held_out = digits.images[digits.held_out].transpose(0, 3, 1, 2).astype(np.float32) / 255
    assert all((image == held_out).all((1, 2, 3)).any() for image in shown)
    first.samples()
    second.samples()
    assert np.array_equal(first.run.decoded[-1][0], second.run.decoded[-1][0])


def test_a_prior_traversal_moves_one_latent_and_rests_the_others_at_zero(digits):
    drawn = drawing(digits)
    drawn.traversals("prior")
    z = drawn.run.decoded[0][0].reshape(4, len(TRAVERSAL), 4)
    assert z[2, :, 2].tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert not z[2][:, [0, 1, 3]].any()


def test_a_posterior_traversal_rests_at_the_code_of_one_image(digits):
    drawn = drawing(digits)
    drawn.traversals("posterior")
    mean = drawn.run.encoded[0][0].reshape(1, -1)[0, :4]
    z = drawn.run.decoded[0][0].reshape(4, len(TRAVERSAL), 4)
    assert (z[2][:, [0, 1, 3]] == mean[[0, 1, 3]]).all()


def test_an_animation_moves_the_latents_in_most_use_in_finer_steps(digits):
    latents = MOST_LATENTS + 3
    drawn = Drawing(Recorder(latents=latents), digits, codes(latents), "title")
    kl = usage(drawn.codes)[0]
    made = drawn.animations()
    assert set(made) == {"traversals_prior", "traversals_posterior"}
    z = drawn.run.decoded[0][0].reshape(MOST_LATENTS, len(FINE), latents)
    moved = (z != 0).any(1).argmax(1)
    assert moved.tolist() == np.argsort(-kl, kind="stable")[:MOST_LATENTS].tolist()
    assert z[2, :, moved[2]].tolist() == np.arange(-3, 3.5, 0.5).tolist()


def test_strips_may_go_another_way_for_each_latent(digits):
    drawn = drawing(digits)
    strips = drawn.strips("prior", np.array([3, 1]), np.array([[-1.0, 2.0], [5.0, -6.0]], np.float32))
    assert strips.shape == (2, 2, 1, 8, 8)
    assert drawn.run.decoded[0][0].tolist() == [[0, 0, 0, -1], [0, 0, 0, 2], [0, 5, 0, 0], [0, -6, 0, 0]]


def test_an_interpolation_starts_and_ends_at_the_codes_of_its_ends(digits):
    drawn = drawing(digits)
    drawn.interpolations()
    means = drawn.run.encoded[0][0].reshape(10, -1)[:, :4]
    z = drawn.run.decoded[0][0].reshape(5, -1, 4)
    assert np.allclose(z[:, 0], means[:5])
    assert np.allclose(z[:, -1], means[5:])


def test_a_conditional_run_is_told_its_condition_everywhere(digits):
    drawn = drawing(digits, condition=Condition("label", 10))
    made = drawn.figures()
    assert "conditional_samples" in made
    assert all(condition is not None for _, condition in drawn.run.encoded)
    z, condition = drawn.run.decoded[-1]
    assert condition.tolist() == np.arange(10).repeat(PER_CLASS).tolist()
    assert np.array_equal(z[:PER_CLASS], z[PER_CLASS : 2 * PER_CLASS])  # a column shares its z


def test_an_unconditional_run_has_no_conditional_samples(digits):
    assert "conditional_samples" not in drawing(digits).figures()


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Dataset:
    """Six attributes of which the last three are rare."""
    folder = tmp_path_factory.mktemp("faces")
    names = ["Smiling", "Male", "Young", "Wearing_Necktie", "Bushy_Eyebrows", "5_o_Clock_Shadow"]
    rare = np.array([0.5, 0.5, 0.5, 0.05, 0.05, 0.05])
    np.save(folder / "factors.npy", (np.random.default_rng(0).random((500, 6)) < rare).astype(np.int64))
    np.save(folder / "images.npy", np.zeros((500, 8, 8, 1), np.uint8))
    np.save(folder / "held_out.npy", np.arange(500) % 10 == 0)
    factors = [{"name": name, "size": 2, "kind": "categorical"} for name in names]
    card = {"name": "faces", "factors": factors, "classes": [], "grid": False, "shape": [1, 8, 8]}
    (folder / "card.json").write_text(json.dumps(card))
    return Dataset(folder)


def rows(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_combinations_of_a_few_attributes_are_named(faces):
    drawn = drawing(faces, condition=Condition("Smiling+Male", 4))
    assert rows(drawn.conditional_samples()) == [f"Smiling {a}, Male {b}" for a in (0, 1) for b in (0, 1)]


def test_of_the_combinations_of_many_attributes_the_most_frequent_are_drawn(faces):
    name = "+".join(factor.name for factor in faces.factor_specs)
    drawn = drawing(faces, condition=Condition(name, 64))
    figure = drawn.conditional_samples()
    told = drawn.run.decoded[-1][1][::PER_CLASS]
    assert len(told) == MOST_CLASSES
    assert (np.diff(told) > 0).all()
    counts = np.bincount(faces.column(name)[0], minlength=64)
    assert counts[told].min() >= counts[np.setdiff1d(np.arange(64), told)].max()
    assert rows(figure) == [" ".join(f"{code:06b}") for code in told]


def edit_arrays():
    """Of the factors digit and slant (the fourth): two values of the one, more or less of the other."""
    return {
        "steps": np.array([[1.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 0, 0.5]]),
        "changes": np.array([[0.2, 0.1], [0.6, 0.3], [0.4, 0.8]]),
        "attributes": np.array([[0, 3], [0, 7], [3, -1]]),
        "factors": np.array([0, 3]),
    }


def test_an_edit_is_the_code_of_one_image_and_multiples_of_the_step(digits):
    drawn = drawing(digits)
    arrays = {f"edit_effect/mean_difference_alone/edit/{name}": value for name, value in edit_arrays().items()}
    (figure,) = drawn.edits(arrays).values()
    mean = drawn.run.encoded[0][0].reshape(1, -1)[0, :4]
    z = drawn.run.decoded[0][0].reshape(3, len(TRAVERSAL), 4)
    for row, step in enumerate(edit_arrays()["steps"]):
        assert z[row] == pytest.approx(mean + TRAVERSAL[:, None] * step, abs=1e-6)
    assert rows(figure)[:3] == ["digit = 3: 0.20\nslant 0.10", "digit = 7: 0.60\nslant 0.30", "slant: 0.80\ndigit 0.40"]


def test_a_conditional_run_is_edited_with_the_images_own_condition(digits):
    drawn = drawing(digits, condition=Condition("label", 10))
    drawn.edits({f"edit_effect/mean_difference_alone/edit/{name}": value for name, value in edit_arrays().items()})
    own = drawn.run.encoded[0][1]
    assert drawn.run.decoded[0][1].tolist() == own.tolist() * 3 * len(TRAVERSAL)


def test_the_matrix_of_edits_is_a_mean_over_the_attributes_of_a_factor(digits):
    arrays = {f"edit_effect/{recipe}/edit/{name}": value for recipe in EDITS for name, value in edit_arrays().items()}
    figure = matrices(arrays, digits, "title")["edit_matrix"]
    for axes in figure.axes:
        assert np.allclose(axes.collections[0].get_array(), [[0.4, 0.2], [0.4, 0.8]])
        assert [label.get_text() for label in axes.get_yticklabels()] == ["digit", "slant"]


def test_without_edits_none_are_drawn(digits):
    assert drawing(digits).edits({}) == {}
    assert matrices({}, digits, "title") == {}


def test_figures_of_equal_runs_are_equal_bytes(digits):
    first, second = (drawing(digits).figures() for _ in range(2))
    assert drawing(digits).animations() == drawing(digits).animations()
    assert {name: render(figure, "png") for name, figure in first.items()} == {
        name: render(figure, "png") for name, figure in second.items()
    }


def test_usage_is_the_kl_and_the_variance_of_the_means():
    mean = np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
    kl, variance = usage(Codes(mean, mean * 0, mean, mean * 0))
    assert kl.tolist() == [0.5, 0.0]
    assert variance.tolist() == [1.0, 0.0]
