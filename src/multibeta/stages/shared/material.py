"""What metrics need of one model on one dataset, each piece made when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.datasets import Dataset
from multibeta.metrics import NotComputed
from multibeta.options import EvaluationOptions
from multibeta.stages.shared.codes import Codes, EvaluationImages, Model, conditions, float_images, prior_codes

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

#: Held-out images whose codes are traversed, and the values each latent is set to.
ANCHORS = 24
TRAVERSAL = np.linspace(-3, 3, 7)
#: Held-out images whose codes are moved along the direction of an attribute, and by how many steps.
EDITED = 12
EDITS = np.linspace(-3, 3, 3)


class Real:
    """What every model of a dataset is measured against, each piece made when first asked for.

    One object serves all runs of a cell, so that it is made once for them.

    Args:
        chosen: which images are measured.
        features: file of the dataset's features.
    """

    def __init__(self, dataset: Dataset, chosen: EvaluationImages, features: Path) -> None:
        self.dataset, self.chosen, self._features_file = dataset, chosen, features

    @cached_property
    def images(self) -> NDArray[np.float32]:
        """(M, C, H, W) in [0, 1], the held-out ones."""
        return float_images(self.dataset, self.chosen.held_out)

    @cached_property
    def real_images(self) -> NDArray[np.float32]:
        """(R, C, H, W) in [0, 1]; of the dataset's own split the held-out ones themselves."""
        same = np.array_equal(self.chosen.real, self.chosen.held_out)
        return self.images if same else float_images(self.dataset, self.chosen.real)

    @cached_property
    def images_trained_on(self) -> NDArray[np.float32]:
        """(T, C, H, W) in [0, 1]."""
        return float_images(self.dataset, self.chosen.trained_on)

    @cached_property
    def features(self) -> DomainFeatures:
        """They remember what they found in the held-out images."""
        from multibeta.metrics._features import DomainFeatures

        return DomainFeatures.load(self._features_file)


class Material:
    """What metrics need of one model on one dataset, each piece made when first asked for.

    Raises:
        NotComputed: by a piece that this model or dataset cannot give; its message becomes the metric's status.
    """

    def __init__(
        self,
        model: Model,
        real: Real,
        codes: Codes,
        options: EvaluationOptions,
        likelihood: tuple[str, float] = ("bernoulli", 0.1),
        siblings: Sequence[Codes] = (),
    ) -> None:
        self.model, self.table, self.options = model, codes, options
        self.dataset, self.chosen, self._real = real.dataset, real.chosen, real
        self.seed = options.seed
        self._siblings = siblings
        self._likelihood = likelihood
        self._conditions = conditions(real.dataset, model)

    def codes(self, representation: str) -> NDArray[np.float64]:
        """(N, D): posterior means, or one sample of each posterior."""
        mean = self.table.mean.astype(np.float64)
        if representation == "mean":
            return mean
        self._require_densities()
        noise = randomness.numpy_generator(self.seed, "sampled codes").standard_normal(mean.shape)
        codes = mean + noise * np.exp(0.5 * self.table.logvar.astype(np.float64))
        if np.abs(codes).max(initial=0) > np.finfo(np.float32).max:
            raise NotComputed(
                f"posteriors are too wide to draw from: log-variances reach {self.table.logvar.max():.3g}"
            )
        return codes

    @cached_property
    def factors(self) -> NDArray[np.int64]:
        if self.dataset.factors is not None:
            return np.asarray(self.dataset.factors[self.chosen.code_table])
        if self.dataset.labels is not None:
            return np.asarray(self.dataset.labels[self.chosen.code_table])[:, None]
        raise NotComputed(f"dataset {self.dataset.name} has neither factors nor labels")

    @property
    def factor_names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.dataset.factor_specs) or ("label",)

    @property
    def factor_kinds(self) -> tuple[str, ...]:
        return tuple(factor.kind for factor in self.dataset.factor_specs) or ("categorical",)

    @property
    def posterior_mean(self) -> NDArray[np.float64]:
        return self.table.mean.astype(np.float64)

    @property
    def posterior_logvar(self) -> NDArray[np.float64]:
        self._require_densities()
        return self.table.logvar.astype(np.float64)

    @property
    def sibling_means(self) -> list[NDArray[np.float64]]:
        return [codes.mean.astype(np.float64) for codes in self._siblings]

    @property
    def sibling_logvars(self) -> list[NDArray[np.float64]]:
        self._require_densities()
        return [codes.logvar.astype(np.float64) for codes in self._siblings]

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.table.held_out_mean.astype(np.float64)

    @property
    def logvar(self) -> NDArray[np.float64]:
        self._require_densities()
        return self.table.held_out_logvar.astype(np.float64)

    @property
    def images(self) -> NDArray[np.float32]:
        return self._real.images

    @property
    def real_images(self) -> NDArray[np.float32]:
        return self._real.real_images

    @cached_property
    def reconstructions(self) -> NDArray[np.float32]:
        return self._decode(self.table.held_out_mean, self._of_held_out)

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """Decoded from the same prior draws for every model; a condition is drawn from the dataset's own."""
        generator = randomness.numpy_generator(self.seed, "prior samples")
        z = generator.standard_normal((self.options.samples, self.mean.shape[1]), dtype=np.float32)
        z = prior_codes(self.model, z)
        if self._conditions is None:
            return self._decode(z, None)
        return self._decode(z, generator.choice(self._conditions, len(z)))

    @cached_property
    def traversals(self) -> NDArray[np.float32]:
        """(A, D, V, C, H, W): from the codes of A held-out images, equal for every model, each latent in turn moved."""
        generator = randomness.numpy_generator(self.seed, "traversed images")
        anchors = np.sort(generator.permutation(len(self.mean))[:ANCHORS])
        latents, steps = self.mean.shape[1], len(TRAVERSAL)
        z = np.tile(self.table.held_out_mean[anchors, None, None], (1, latents, steps, 1))
        z[:, np.arange(latents), :, np.arange(latents)] = TRAVERSAL
        condition = None if self._of_held_out is None else self._of_held_out[anchors].repeat(latents * steps)
        images = self._decode(z.reshape(-1, latents), condition)
        return images.reshape(len(anchors), latents, steps, *images.shape[1:])

    def moved(self, step: NDArray[np.float64]) -> NDArray[np.float32]:
        """(A, S, C, H, W): from the codes of A held-out images, equal for all models, by S multiples of a step (D,)."""
        generator = randomness.numpy_generator(self.seed, "edited images")
        anchors = np.sort(generator.permutation(len(self.mean))[:EDITED])
        z = self.table.held_out_mean[anchors, None] + (EDITS[:, None] * step).astype(np.float32)
        condition = None if self._of_held_out is None else self._of_held_out[anchors].repeat(len(EDITS))
        images = self._decode(z.reshape(-1, z.shape[2]), condition)
        return images.reshape(*z.shape[:2], *images.shape[1:])

    @property
    def traversal_values(self) -> NDArray[np.float64]:
        return TRAVERSAL

    @property
    def grid_images(self) -> NDArray[np.uint8]:
        self._require_grid()
        return self.dataset.images

    @property
    def grid_factors(self) -> NDArray[np.int64]:
        self._require_grid()
        assert self.dataset.factors is not None
        return self.dataset.factors

    @cached_property
    def nll(self) -> NDArray[np.float64]:
        """−log p(x|z) of the held-out images at one posterior sample each, nats per image."""
        codes = self.table.held_out_mean, self.table.held_out_logvar
        return self._nll(*codes, self._of_held_out, self.images, "posterior samples")

    @cached_property
    def nll_trained_on(self) -> NDArray[np.float64]:
        """The same of images of the code table that were trained on."""
        positions = self.chosen.trained_on
        if not len(positions):
            raise NotComputed("no image of the code table was trained on")
        rows = np.searchsorted(self.chosen.code_table, positions)
        condition = None if self._conditions is None else self._conditions[positions]
        images = self._real.images_trained_on
        return self._nll(self.table.mean[rows], self.table.logvar[rows], condition, images, "training samples")

    def _nll(
        self,
        mean: NDArray[np.float32],
        logvar: NDArray[np.float32],
        condition: NDArray[np.int64] | None,
        images: NDArray[np.float32],
        purpose: str,
    ) -> NDArray[np.float64]:
        import torch

        from multibeta.variants._likelihoods import likelihood

        noise = randomness.numpy_generator(self.seed, purpose).standard_normal(mean.shape)
        std = np.exp(0.5 * logvar.astype(np.float64))  # of points 0
        z = (mean.astype(np.float64) + noise * std).astype(np.float32)
        logits = torch.from_numpy(self._logits(z, condition)).double()
        return likelihood(*self._likelihood)(logits, torch.from_numpy(images).double()).numpy()

    @property
    def features(self) -> DomainFeatures:
        return self._real.features

    def _require_densities(self) -> None:
        if self.table.are_points:
            raise NotComputed("the codes of this model are points, without a density")

    def _require_grid(self) -> None:
        if not self.dataset.card["grid"]:
            raise NotComputed(f"dataset {self.dataset.name} is not the full grid of its factors")

    @property
    def _of_held_out(self) -> NDArray[np.int64] | None:
        return None if self._conditions is None else self._conditions[self.chosen.held_out]

    def _decode(self, z: NDArray[Any], condition: NDArray[np.int64] | None) -> NDArray[np.float32]:
        return self.model.decode(z) if condition is None else self.model.decode(z, condition)

    def _logits(self, z: NDArray[np.float32], condition: NDArray[np.int64] | None) -> NDArray[np.float32]:
        """What the likelihood takes; for a model that decodes to images only, the inverse of the sigmoid."""
        if hasattr(self.model, "decode_logits"):
            return self.model.decode_logits(z, condition)
        images = np.clip(self._decode(z, condition).astype(np.float64), 1e-7, 1 - 1e-7)
        return (np.log(images) - np.log1p(-images)).astype(np.float32)
