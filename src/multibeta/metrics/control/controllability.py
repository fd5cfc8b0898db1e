"""Controllability: does each factor have a latent that moves it, far, one way and alone?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score, require_finite
from multibeta.metrics.control._movement import movement
from multibeta.metrics.control._readable import readable

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

ALONE = "with a single factor there is no other to leak into"


class Control(NamedTuple):
    """What D latents do to K factors.

    Attributes:
        effect: (D, K), how far, as a share of the factor's range.
        monotonicity: (D, K), 1 if only one way, 0 if all the way back; 0 without an effect.
        selectivity: (D, K), the factor's share in all effects of the latent: 1 − leakage; 0 without an effect.
        score: (D, K), the product of the three.
        knobs: (K,), the latent that is given to each factor, −1 if none is left with a score.
    """

    effect: NDArray[np.float64]
    monotonicity: NDArray[np.float64]
    selectivity: NDArray[np.float64]
    score: NDArray[np.float64]
    knobs: NDArray[np.int64]

    def of_knobs(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values (K,) of the factors' knobs; 0 for a factor without one."""
        return np.where(self.knobs < 0, 0.0, matrix[self.knobs, np.arange(len(self.knobs))])


def control(reach: NDArray[np.float64], path: NDArray[np.float64]) -> Control:
    """From the reach and path (A, D, K) of every factor in the traversals of D latents from A anchors."""
    from scipy.optimize import linear_sum_assignment

    effect = reach.mean(0)
    # Going back over the whole reach undoes it; more than that cannot be less than nothing.
    kept = (2 * reach - path).clip(min=0).mean(0)
    monotonicity = _share(kept, effect)
    selectivity = _share(effect, effect.sum(1, keepdims=True))
    score = effect * monotonicity * selectivity
    knobs = np.full(effect.shape[1], -1)
    latents, factors = linear_sum_assignment(score, maximize=True)
    knobs[factors] = np.where(score[latents, factors] > 0, latents, -1)
    return Control(effect, monotonicity, selectivity, score, knobs)


class Controllability(Metric):
    """mean_k s_jk of each factor's latent j, with s = e · m · (1 − l): how well the latents work as knobs.

    A predictor trained on real images reads every factor in images decoded along latent j, from −3 to 3, around A
    anchors. In units of the factor's range it moves over the reach R by the path P ≥ R. Then, with means over anchors,
    the effect is e_jk = mean R, the monotonicity m_jk = mean max(0, 2R − P) / mean R (1 − the share of the reach that
    it goes back over) and the leakage l_jk = 1 − e_jk / Σ_k' e_jk'. Each factor is given one latent, and each latent
    one factor at most, so that the sum of scores is greatest; a factor without a latent scores 0. All lie in [0, 1].
    A decoder that ignores its code scores exactly 0; the true renderer comes near 1, by as much as the predictor is
    unsure. A latent that nothing is read of has no leakage, and a factor that the predictor cannot read is refused.

    Source: defined by this project. The traversals are those of Higgins et al. 2017,
    https://openreview.net/forum?id=Sy2fzU9gl; leakage seen by predictors follows the attribute dependency of Wu,
    Lischinski & Shechtman 2021, https://arxiv.org/abs/2011.12799
    """

    title = "Controllability"
    source = (
        "this project; traversals: Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl; "
        "leakage: after Wu et al. 2021, https://arxiv.org/abs/2011.12799"
    )
    protocol = "traversal7"
    needs = ("traversals", "features", "factor_names", "factor_kinds")
    representation = "traversal"
    scores = {
        "controllability": Score("Controllability"),
        "control_effect": Score("Control: effect"),
        "control_monotonicity": Score("Control: monotonicity"),
        "control_leakage": Score("Control: leakage", better="lower"),
    }

    def measure(
        self,
        *,
        traversals: NDArray[np.float32],
        features: DomainFeatures,
        factor_names: Sequence[str],
        factor_kinds: Sequence[str],
    ) -> Mapping[str, Result | NotComputed]:
        _require_readable(features, factor_names)
        require_finite(traversals=traversals)
        named = features.predict(traversals.reshape(-1, *traversals.shape[3:]))
        shape = traversals.shape[:3]
        moved = [
            movement(named[name].reshape(*shape, -1), kind)
            for name, kind in zip(factor_names, factor_kinds, strict=True)
        ]
        reach, path = (np.stack(each, axis=2) for each in zip(*moved, strict=True))
        return _results(control(reach, path), factor_names, [features.accuracy[name] for name in factor_names], shape)


def _results(
    found: Control, factor_names: Sequence[str], accuracy: Sequence[float], shape: tuple[int, ...]
) -> Mapping[str, Result | NotComputed]:
    """The run's values are those of the knobs; the parts by latent are those of the factor it moves most."""
    n, latents = shape[0], np.arange(shape[1])
    best = found.effect.argmax(1)
    moving = found.effect.max(1) > 0
    effects = found.of_knobs(found.effect)

    def of_latents(matrix: NDArray[np.float64], which: NDArray[np.bool_]) -> dict[str, float]:
        return {f"z{j}": float(matrix[j, best[j]]) for j in latents[which]}

    def weighted(matrix: NDArray[np.float64]) -> Result | NotComputed:
        # By the effect, so that what a latent hardly does counts for as little.
        if not effects.any():
            return NotComputed("no latent moves any factor one way")
        return Result(float(np.average(found.of_knobs(matrix), weights=effects)), n, of_latents(matrix, moving))

    scores = found.of_knobs(found.score)
    everyone = np.ones_like(moving)
    by_factor = dict(zip(factor_names, scores.tolist(), strict=True))
    arrays = {**found._asdict(), "accuracy": np.array(accuracy)}
    return {
        "controllability": Result(float(scores.mean()), n, {**by_factor, **of_latents(found.score, everyone)}, arrays),
        "control_effect": Result(float(effects.mean()), n, of_latents(found.effect, everyone)),
        "control_monotonicity": weighted(found.monotonicity),
        "control_leakage": weighted(1 - found.selectivity) if len(scores) > 1 else NotComputed(ALONE),
    }


def _require_readable(features: DomainFeatures, factor_names: Sequence[str]) -> None:
    """Refuse a factor that cannot be read by its name, for a mean over the others would be another metric."""
    if features.unusable:
        raise NotComputed(features.unusable)
    for name in factor_names:
        reason = readable(features, name)
        if reason is not None:
            raise NotComputed(reason)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
