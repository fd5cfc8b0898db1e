"""Drawing a run: the same images and noise for every model, and what each figure asks of it."""

from dataclasses import dataclass

import numpy as np
import pytest

from multibeta.datasets import Dataset
from multibeta.figures._style import render
from multibeta.model import Condition
from multibeta.stages.draw import PER_CLASS, TRAVERSAL, Drawing, usage
from multibeta.stages.prepare import prepare
from multibeta.stages.shared.codes import Codes


@dataclass
class Recorder:
    """A run that remembers what it was asked to encode and decode."""

    latents: int = 4
    condition: Condition | None = None

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
        return np.full((len(z), 1, 8, 8), 0.5, np.float32)


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


def test_figures_of_equal_runs_are_equal_bytes(digits):
    first, second = (drawing(digits).figures() for _ in range(2))
    assert {name: render(figure, "png") for name, figure in first.items()} == {
        name: render(figure, "png") for name, figure in second.items()
    }


def test_usage_is_the_kl_and_the_variance_of_the_means():
    mean = np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
    kl, variance = usage(Codes(mean, mean * 0, mean, mean * 0))
    assert kl.tolist() == [0.5, 0.0]
    assert variance.tolist() == [1.0, 0.0]
