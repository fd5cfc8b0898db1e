"""What the sliders are: one for each latent of a model, and where they put its code and that of a second model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multibeta.explorer.opened import CODES, Opened
from multibeta.report.matching import Matching, match
from multibeta.stages.shared.codes import EvaluationImages, conditions, encode_images

#: Positions of a slider to either side.
STEPS = 30


@dataclass(frozen=True)
class Slider:
    """Of one latent of the first model.

    Attributes:
        latent: j.
        start: where it stands before it is moved.
        reach: it goes from −reach to reach.
        note: what is known of the latent, and of its partner in a second model.
        partner: the latent of the second model that moves along, or None.
        sign: −1 where the partner moves the other way.
    """

    latent: int
    start: float
    reach: float
    note: str
    partner: int | None = None
    sign: int = 1


def start_code(opened: Opened, image: NDArray[np.float32] | None, told: int) -> NDArray[np.float32]:
    """The code (D,) to start from: the posterior mean of an image (C, H, W), or without one the prior's.

    The prior's is what noise of 0 gives: its mean, or the median of a learnt one.
    """
    if image is None:
        code: NDArray[np.float32] = opened.run.prior(np.zeros((1, opened.run.latents), np.float32))[0]
        return code
    return opened.encode(image[None], np.array([told]))[0]


def sliders_of(
    opened: Opened,
    start: NDArray[np.floating],
    matching: Matching | None = None,
    inactive: bool = False,
) -> list[Slider]:
    """A slider for every active latent, or for every one, by KL, largest first.

    Args:
        start: (D,), where the code starts.
        matching: of the latents of a second model, if there is one.
    """
    shown = [int(j) for j in opened.order if inactive or opened.active[j]]
    return [_slider(opened, j, float(start[j]), matching) for j in shown]


def _slider(opened: Opened, j: int, start: float, matching: Matching | None) -> Slider:
    kl = opened.kl[j]
    notes = [] if np.isnan(kl) else [f"KL {kl:.2f}"]
    notes += [] if opened.active[j] else ["inactive"]
    partner, sign = None, 1
    if matching is not None:
        if matching.matched[j]:
            partner, sign = int(matching.partner[j]), int(matching.sign[j])
            notes.append(f"with {'−' if sign < 0 else ''}z{partner}, |r| {abs(matching.correlation[j]):.2f}")
        else:
            notes.append("no match")
    reach = max(opened.reach[j], np.ceil(abs(start)))
    return Slider(j, start, float(reach), " · ".join(notes), partner, sign)


def matched(first: Opened, second: Opened) -> Matching:
    """The latents of two models of one dataset matched by their codes of the same images.

    Raises:
        ValueError: there are no images, or the codes are not finite.
    """
    return match(*common_means(first, second), usable=second.active)


def common_means(first: Opened, second: Opened) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Posterior means (N, A) and (N, B) of the same images."""
    (of_first, one), (of_second, other) = first.require_codes(), second.require_codes()
    if np.array_equal(of_first.code_table, of_second.code_table):
        return one.mean, other.mean
    dataset = first.require_images()
    options = first.cell.evaluation.model_copy(update={"codes": CODES, "held_out": 1})
    chosen = EvaluationImages.choose(dataset, options)
    means = [encode_images(each.run, dataset, chosen, conditions(dataset, each.run)).mean for each in (first, second)]
    return means[0], means[1]


def first_code(start: NDArray[np.floating], sliders: Sequence[Slider], values: Sequence[float]) -> NDArray[np.float32]:
    """The code (1, D) of the first model, each latent where its slider is."""
    z = start.astype(np.float32)[None].copy()
    for slider, value in zip(sliders, values, strict=True):
        z[0, slider.latent] = value
    return z


def second_code(start: NDArray[np.floating], sliders: Sequence[Slider], values: Sequence[float]) -> NDArray[np.float32]:
    """The code (1, D) of the second model: each partner as far from its own start as the slider is from its own."""
    z = start.astype(np.float32)[None].copy()
    for slider, value in zip(sliders, values, strict=True):
        if slider.partner is not None:
            z[0, slider.partner] += slider.sign * (value - slider.start)
    return z


def positions(state: Any, start: str, sliders: Sequence[Slider]) -> tuple[int, list[float]]:
    """What a browser says of the sliders, as numbers that can be used: which message it was, and the positions.

    Args:
        state: anything; ``{"start", "number", "values"}`` if it is what `web/sliders.js` sends.
        start: names what the sliders start from; positions of another start are not these.
    """
    still = [slider.start for slider in sliders]
    if not isinstance(state, Mapping) or state.get("start") != start:
        return 0, still
    number, values = state.get("number"), state.get("values")
    if not isinstance(number, int | float) or not isinstance(values, list) or len(values) != len(sliders):
        return 0, still
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in values):
        return int(number), still
    return int(number), [
        float(np.clip(value, -slider.reach, slider.reach)) for value, slider in zip(values, sliders, strict=True)
    ]
