"""Attribute edits: is there a straight direction in code space that changes one attribute, and it alone?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, NotComputed, Result, Score, require_finite
from multibeta.metrics.control._directions import Attribute, CodeSpace, Kind, attributes, directions
from multibeta.metrics.control._movement import movement
from multibeta.metrics.control._readable import readable

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

NO_OTHER = "with a single factor there is no other to change"


class AttributeEdit(Metric):
    """edit_effect = mean_a e_a and edit_selectivity = Σ_a e_a s_a / Σ_a e_a over attributes a.

    Codes of A held-out images are moved along the attribute's direction from −3 to 3 standard deviations of all codes
    along it, and decoded. The domain predictor reads every factor in the images. e_a is how much more there is of the
    attribute at the end than at the start: of an ordinal factor the expected value, in units of its range, of a value
    of a categorical one its probability; 0 if it became less. With o_ak the way of each other factor k, as the
    controllability measures it, s_a = e_a / (e_a + Σ_k o_ak). Both lie in [0, 1], means over images.

    An attribute is an ordinal factor, of which there is more or less, or a value of a categorical one; parts are means
    over the attributes of a factor. A direction may lie across the latents: unlike controllability this asks whether
    the code can be edited linearly, not whether its axes are the factors. The direction is the difference of the means
    or the normal of a linear classifier; ``alone``, the difference at equal other factors, or the normal with those of
    the other factors' attributes projected out.

    Source: defined by this project; the directions are those of Larsen et al. 2016, https://arxiv.org/abs/1512.09300
    and Shen et al. 2020, https://arxiv.org/abs/1907.10786
    """

    title = "Attribute edits"
    source = (
        "this project; directions: Larsen et al. 2016, https://arxiv.org/abs/1512.09300, and Shen et al. 2020, "
        "https://arxiv.org/abs/1907.10786"
    )
    protocols = {
        "mean_difference": {"kind": "mean_difference", "alone": False},
        "mean_difference_alone": {"kind": "mean_difference", "alone": True},
        "classifier": {"kind": "classifier", "alone": False},
        "classifier_alone": {"kind": "classifier", "alone": True},
    }
    needs = ("posterior_mean", "factors", "factor_names", "factor_kinds", "features", "moved")
    representation = "edit"
    scores = {
        "edit_effect": Score("Edits: effect"),
        "edit_selectivity": Score("Edits: selectivity"),
    }

    def measure(
        self,
        *,
        posterior_mean: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        factor_kinds: Sequence[str],
        features: DomainFeatures,
        moved: Callable[[NDArray[np.float64]], NDArray[np.float32]],
        kind: Kind,
        alone: bool,
    ) -> Mapping[str, Result | NotComputed]:
        require_finite(posterior_mean=posterior_mean)
        if features.unusable:
            raise NotComputed(features.unusable)
        seen = [k for k, name in enumerate(factor_names) if readable(features, name) is None]
        found = [each for each in attributes(factors, factor_names, factor_kinds) if each.factor in seen]
        if not found:
            raise NotComputed("no factor that the predictor reads has more or less, or few values, to edit")
        space = CodeSpace.of(posterior_mean)
        along = directions(space, found, kind, alone)
        names, kinds = [factor_names[k] for k in seen], [factor_kinds[k] for k in seen]
        steps = np.stack([space.step(direction) for direction in along])
        n, changes = 0, np.zeros((len(found), len(seen)))
        for row, attribute in enumerate(found):
            images = moved(steps[row])
            n = len(images)
            changes[row] = changed(images, features, names, kinds, attribute, seen.index(attribute.factor))
        kept = {"steps": steps, "attributes": np.array([(each.factor, each.value) for each in found])}
        return _results(changes, found, seen, names, n, kept)


def changed(
    images: NDArray[np.float32],
    features: DomainFeatures,
    names: Sequence[str],
    kinds: Sequence[str],
    attribute: Attribute,
    own: int,
) -> NDArray[np.float64]:
    """How far each of K factors moved in edits (A, S, C, H, W), a mean over A; of the ``own`` one how much it grew."""
    named = features.predict(images.reshape(-1, *images.shape[2:]))
    shape = images.shape[:2]
    found = np.zeros(len(names))
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        probabilities = named[name].reshape(*shape, -1)
        if k != own:
            found[k] = movement(probabilities, kind)[0].mean()
            continue
        grades = np.arange(probabilities.shape[-1]) / (probabilities.shape[-1] - 1)
        value = probabilities @ grades if attribute.value < 0 else probabilities[..., attribute.value]
        found[k] = (value[:, -1] - value[:, 0]).clip(min=0).mean()
    return found


def _results(
    changes: NDArray[np.float64],
    found: Sequence[Attribute],
    seen: Sequence[int],
    names: Sequence[str],
    n: int,
    kept: Mapping[str, NDArray[Any]],
) -> Mapping[str, Result | NotComputed]:
    own = np.array([seen.index(each.factor) for each in found])
    effects = changes[np.arange(len(found)), own]
    total = changes.sum(1)
    shares = np.divide(effects, total, out=np.zeros_like(effects), where=total > 0)

    def of_factors(values: NDArray[np.float64]) -> dict[str, float]:
        return {name: float(values[own == k].mean()) for k, name in enumerate(names) if (own == k).any()}

    arrays: dict[str, NDArray[Any]] = {"changes": changes, "factors": np.array(seen), **kept}
    effect = of_factors(effects)
    results: dict[str, Result | NotComputed] = {
        "edit_effect": Result(float(np.mean(list(effect.values()))), n, effect, arrays)
    }
    if len(names) == 1:
        results["edit_selectivity"] = NotComputed(NO_OTHER)
    elif not effects.any():
        results["edit_selectivity"] = NotComputed("no edit changes its attribute")
    else:
        results["edit_selectivity"] = Result(float(np.average(shares, weights=effects)), n, of_factors(shares))
    return results
