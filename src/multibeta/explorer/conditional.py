"""Samples of a class or attribute: told to a model that can be told, else drawn where the codes of each value lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.explorer.opened import Opened
from multibeta.stages.shared.codes import prior_codes
from multibeta.stages.shared.titles import condition_names

#: Rows and columns of samples.
MOST_VALUES, PER_VALUE = 25, 10


class Samples(NamedTuple):
    """K values of an attribute, and n samples of each.

    Attributes:
        images: (K, n, C, H, W).
        names: of the K values shown, the most frequent ones.
        among: how many values there are.
        how: what was done, in a clause.
    """

    images: NDArray[np.float32]
    names: list[str]
    among: int
    how: str


def attributes(opened: Opened) -> list[str]:
    """What samples can be asked for: a conditional model's condition, else the label and the factors."""
    if opened.run.condition is not None:
        return [opened.run.condition.name]
    if opened.dataset is None:
        return []
    label = ["label"] if opened.dataset.classes else []
    return label + [factor.name for factor in opened.dataset.factor_specs]


def samples(opened: Opened, attribute: str, draw: int) -> Samples:
    """Samples of every value of an attribute, or of its most frequent ones; a column shares one draw of noise.

    A model that is told the attribute decodes draws of its prior. Of any other the codes of each value are taken as
    Gaussian, with their own mean and covariance, and drawn from: a density fitted afterwards, as in Ghosh et al.
    2020, https://arxiv.org/abs/1903.12436, section 4, for each value on its own.

    Args:
        draw: keys the noise.

    Raises:
        ValueError: there are no images or codes to go by.
    """
    dataset = opened.require_images()
    values, size = dataset.column(attribute)
    frequent = np.argsort(-np.bincount(values, minlength=size), kind="stable")[:MOST_VALUES]
    generator = randomness.numpy_generator(draw, "explorer, samples")
    noise = generator.standard_normal((PER_VALUE, opened.run.latents), dtype=np.float32)
    shown = np.sort(frequent)
    if opened.run.condition is not None:
        z = np.tile(prior_codes(opened.run, noise), (len(shown), 1))
        images = opened.decode(z, shown.repeat(PER_VALUE))
        how = "the model is told the value; columns share a draw of the prior"
    else:
        chosen, codes = opened.require_codes()
        of_codes = values[chosen.code_table]
        shown = np.array([value for value in shown if (of_codes == value).sum() > 1], np.int64)
        z = np.concatenate([_fitted(codes.mean[of_codes == value], noise) for value in shown])
        images = opened.decode(z, np.zeros(len(z), np.int64))
        how = "drawn from a Gaussian fitted to the codes of each value; columns share a draw of noise"
    names = condition_names(dataset, attribute, short=True)
    grid = images.reshape(len(shown), PER_VALUE, *images.shape[1:])
    return Samples(grid, [names[value] for value in shown], size, how)


def _fitted(codes: NDArray[np.floating], noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draws (n, D) of the Gaussian with the mean and covariance of codes (N, D), made of noise (n, D)."""
    covariance = np.cov(codes.astype(np.float64), rowvar=False).reshape(codes.shape[1], codes.shape[1])
    variances, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(variances, 0)) @ directions.T  # symmetric: equal noise, alike draws
    drawn: NDArray[np.float32] = (codes.mean(0) + noise @ root).astype(np.float32)
    return drawn
