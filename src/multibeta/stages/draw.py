"""Stage draw: a trained and encoded cell becomes pictures of what its model does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from multibeta import randomness
from multibeta.datasets import Dataset
from multibeta.figures import images as figures
from multibeta.figures.animation import MOST_LATENTS, animation
from multibeta.figures.control import control
from multibeta.figures.edit_matrix import edit_matrix
from multibeta.figures.edits import edits
from multibeta.figures.importance import importance
from multibeta.figures.latents import latents
from multibeta.files import replacing
from multibeta.metrics.posterior.active_units import THRESHOLD
from multibeta.results import CellFolder
from multibeta.stages.shared.codes import Codes, conditions, float_images, prior_codes, read_codes, require_all, usage
from multibeta.stages.shared.metric_rows import read_arrays
from multibeta.stages.shared.saving import save
from multibeta.stages.shared.specs import read_cell
from multibeta.stages.shared.titles import cell_title, condition_names
from multibeta.training.lock import unlocked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECONSTRUCTIONS, SAMPLES, PAIRS, PER_CLASS = 20, 50, 5, 10
#: Rows of conditional samples, at most.
MOST_CLASSES = 25
TRAVERSAL = np.arange(-3, 4, dtype=np.float32)
#: Of a traversal that moves.
FINE = np.linspace(-3, 3, 13, dtype=np.float32)
#: The recipe of directions of which strips are drawn, and those of which matrices are, with what they are.
EDIT = "mean_difference_alone"
EDITS = {
    EDIT: "difference of means, at equal others",
    "classifier_alone": "normal of a classifier, others projected out",
}
INTERPOLATION = np.linspace(0, 1, 7, dtype=np.float32)

#: Where the latents rest that are not moved: at the prior's mean, or at the code of one image.
Kind = Literal["prior", "posterior"]
Images = NDArray[np.float32]
Conditions = NDArray[np.int64] | None


def draw(folder: CellFolder, dataset: Dataset, require_ours: Callable[[], None] = unlocked) -> None:
    """Write the figures of a cell: its latents over all seeds, and what the model of its first finished seed makes.

    Traversals are written twice: as strips (PNG), and moving (WebP).

    Edits, and matrices of latents and factors, are drawn if the cell has been evaluated. A cell without a finished run
    gets an empty folder of figures.

    Args:
        folder: of a trained and encoded cell.
        dataset: the prepared dataset it was trained on.
        require_ours: called before anything is written; what it raises prevents that.

    Raises:
        FileNotFoundError: the cell is not trained or not encoded.
        ValueError: the codes are not of all finished runs of the cell.
    """
    from multibeta.model import load_cell
    from multibeta.training.devices import claim_device

    cell = read_cell(folder)
    name = cell_title(cell)
    with claim_device(cell.running.device) as device:
        runs = load_cell(folder, device)
        drawn: dict[str, Figure] = {}
        moving: dict[str, bytes] = {}
        if runs:
            codes = read_codes(folder)[1]
            require_all(folder, codes, runs)
            seed, run = next(iter(runs.items()))
            drawn["latents"] = _latents({seed: codes[seed] for seed in runs}, name)
            title = f"{name} · seed {seed}"
            drawing, arrays = Drawing(run, dataset, codes[seed], title), read_arrays(folder, seed)
            drawn |= drawing.figures() | drawing.edits(arrays) | matrices(arrays, dataset, title)
            moving = drawing.animations()
    require_ours()
    folder.figures.mkdir(parents=True, exist_ok=True)
    for figure_name, figure in drawn.items():
        save(figure, folder.figures, figure_name)
    for figure_name, animated in moving.items():
        with replacing(folder.figures / f"{figure_name}.webp") as temporary:
            temporary.write_bytes(animated)
    for file in [*folder.figures.glob("*.png"), *folder.figures.glob("*.webp")]:
        if file.stem not in (drawn if file.suffix == ".png" else moving):
            file.unlink()


@dataclass(frozen=True)
class Drawing:
    """One run drawn on images and noise that are the same for every cell of a dataset, so figures compare.

    Attributes:
        run: anything with ``encode``, ``decode``, ``latents`` and ``condition``, see `multibeta.model.Run`.
        codes: of the same run; tell how much each latent is used.
        title: stands above every figure.
    """

    run: Any
    dataset: Dataset
    codes: Codes
    title: str

    def figures(self) -> dict[str, Figure]:
        """By file name."""
        drawn = {
            "reconstructions": self.reconstructions(),
            "samples": self.samples(),
            "traversals_prior": self.traversals("prior"),
            "traversals_posterior": self.traversals("posterior"),
            "interpolations": self.interpolations(),
        }
        if self.run.condition is not None:
            drawn["conditional_samples"] = self.conditional_samples()
        return drawn

    def reconstructions(self) -> Figure:
        originals, condition = self._held_out(RECONSTRUCTIONS)
        return figures.reconstructions(
            originals, self._decode(self._means(originals, condition), condition), self.title
        )

    def samples(self) -> Figure:
        condition = conditions(self.dataset, self.run)
        generator = randomness.numpy_generator(0, "draw, conditions of samples")
        drawn = None if condition is None else generator.choice(condition, SAMPLES)
        return figures.samples(self._decode(self._noise(SAMPLES), drawn), self.title)

    def traversals(self, kind: Kind) -> Figure:
        use, measure, active = self._use()
        grid = self.strips(kind, np.arange(self.run.latents), TRAVERSAL)
        condition = self._held_out(1)[1]
        told = "" if condition is None else condition_names(self.dataset, self.run.condition.name)[int(condition[0])]
        return figures.traversals(grid, TRAVERSAL, use, kind, active, told, self.title, measure)

    def animations(self) -> dict[str, bytes]:
        """The traversals of the latents in most use, moving; by file name."""
        use, measure, active = self._use()
        shown = np.argsort(-use, kind="stable")[:MOST_LATENTS]
        labels = [f"z{j} {'KL' if measure == 'KL' else 'var'} {use[j]:.1f}" for j in shown]
        return {
            f"traversals_{kind}": animation(self.strips(kind, shown, FINE), FINE, labels, list(~active[shown]))
            for kind in get_args(Kind)
        }

    def strips(self, kind: Kind, latents: NDArray[np.int64], values: NDArray[np.float32]) -> Images:
        """Images (L, S, C, H, W) of each of the latents (L,) moved alone, over values (S,) or (L, S)."""
        original, condition = self._held_out(1)
        rest = np.zeros((1, self.run.latents), np.float32) if kind == "prior" else self._means(original, condition)
        count, steps = len(latents), values.shape[-1]
        z = np.tile(rest, (count, steps, 1))
        z[np.arange(count), :, latents] = values
        images = self._decode(z.reshape(-1, self.run.latents), _repeat(condition, count * steps))
        return images.reshape(count, steps, *images.shape[1:])

    def _use(self) -> tuple[NDArray[np.float64], Literal["KL", "variance"], NDArray[np.bool_]]:
        """How much each latent is used (D,), what that is, and which are active (D,)."""
        kl, variance = usage(self.codes)
        active = variance > THRESHOLD
        return (variance, "variance", active) if self.codes.are_points else (kl, "KL", active)

    def interpolations(self) -> Figure:
        originals, condition = self._held_out(2 * PAIRS)
        means = self._means(originals, condition)
        weight = INTERPOLATION[None, :, None]
        z = (1 - weight) * means[:PAIRS, None] + weight * means[PAIRS:, None]
        of_steps, note = None, ""
        if condition is not None:
            nearer = np.where(INTERPOLATION[None] < 0.5, condition[:PAIRS, None], condition[PAIRS:, None])
            of_steps, note = nearer.reshape(-1), "decoded with the condition of the nearer end"
        images = self._decode(z.reshape(-1, z.shape[2]), of_steps)
        grid = images.reshape(*z.shape[:2], *images.shape[1:])
        return figures.interpolations(grid, np.stack([originals[:PAIRS], originals[PAIRS:]], 1), note, self.title)

    def conditional_samples(self) -> Figure:
        told = self.run.condition
        names = condition_names(self.dataset, told.name, short=True)
        counts = np.bincount(self.dataset.column(told.name)[0], minlength=len(names))
        shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])
        images = self._decode(np.tile(self._noise(PER_CLASS), (len(shown), 1)), shown.repeat(PER_CLASS))
        grid = images.reshape(len(shown), PER_CLASS, *images.shape[1:])
        of_what = told.name.replace("+", ", ")
        return figures.conditional_samples(grid, [names[k] for k in shown], of_what, self.title, len(names))

    def edits(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Figure]:
        """One held-out image moved along the direction of each attribute, as far as edits were measured."""
        place = f"edit_effect/{EDIT}/edit"
        if f"{place}/steps" not in arrays:
            return {}
        steps, changes, attributes, seen = (
            arrays[f"{place}/{name}"] for name in ("steps", "changes", "attributes", "factors")
        )
        names = [factor.name for factor in self.dataset.factor_specs] or ["label"]
        sizes = [factor.size for factor in self.dataset.factor_specs] or [len(self.dataset.classes)]
        labels = [
            names[k] if value < 0 or sizes[k] == 2 else f"{names[k]} = {value}" for k, value in attributes.tolist()
        ]
        original, condition = self._held_out(1)
        z = self._means(original, condition)[:, None] + TRAVERSAL[:, None] * steps[:, None].astype(np.float32)
        images = self._decode(z.reshape(-1, z.shape[2]), _repeat(condition, z.shape[0] * z.shape[1]))
        own = [seen.tolist().index(k) for k, _ in attributes.tolist()]
        strips = images.reshape(*z.shape[:2], *images.shape[1:])
        return {"edits": edits(strips, TRAVERSAL, changes, own, labels, [names[k] for k in seen], self.title)}

    def _held_out(self, n: int) -> tuple[Images, Conditions]:
        """Images (n, C, H, W) and conditions (n,). A small held-out split comes round again."""
        generator = randomness.numpy_generator(0, "draw, held-out images")
        positions = np.resize(generator.permutation(self.dataset.held_out.nonzero()[0]), n)
        condition = conditions(self.dataset, self.run)
        return float_images(self.dataset, positions), None if condition is None else condition[positions]

    def _noise(self, n: int) -> NDArray[np.float32]:
        generator = randomness.numpy_generator(0, "draw, prior")
        return prior_codes(self.run, generator.standard_normal((n, self.run.latents), dtype=np.float32))

    def _means(self, images: Images, condition: Conditions) -> NDArray[np.float32]:
        means: NDArray[np.float32] = self.run.encode(images, condition)[0]
        return means

    def _decode(self, z: NDArray[np.float32], condition: Conditions) -> Images:
        images: Images = self.run.decode(z, condition)
        return images


def _latents(codes: dict[int, Codes], title: str) -> Figure:
    kl, variances = zip(*(usage(of_seed) for of_seed in codes.values()), strict=True)
    return latents(np.stack(kl), np.stack(variances), list(codes), THRESHOLD, title)


def matrices(arrays: Mapping[str, NDArray[Any]], dataset: Dataset, title: str) -> dict[str, Figure]:
    """What latents tell and do, as far as it was measured: DCI's importances and the effects of traversals."""
    names = [factor.name for factor in dataset.factor_specs] or ["label"]
    drawn = {}
    of_means = [name for name in arrays if re.fullmatch(r"dci_disentanglement/\w+/mean/importance", name)]
    if of_means:
        protocol = of_means[0].split("/")[1]
        drawn["importance"] = importance(arrays[of_means[0]], names, f"{title} · DCI, {protocol}")
    place = "controllability/traversal7/traversal"
    if f"{place}/effect" in arrays:
        drawn["control"] = control(arrays[f"{place}/effect"], arrays[f"{place}/score"], names, title)
    return drawn | _edit_matrix(arrays, names, title)


def _edit_matrix(arrays: Mapping[str, NDArray[Any]], names: Sequence[str], title: str) -> dict[str, Figure]:
    """What edits of each factor do to every factor, a mean over its attributes, as far as edits were measured."""
    found, edited, seen = {}, [], []
    for recipe, heading in EDITS.items():
        place = f"edit_effect/{recipe}/edit"
        if f"{place}/changes" in arrays:
            of_rows, seen = arrays[f"{place}/attributes"][:, 0], arrays[f"{place}/factors"].tolist()
            edited = np.unique(of_rows).tolist()
            found[heading] = np.stack([arrays[f"{place}/changes"][of_rows == k].mean(0) for k in edited])
    if not found:
        return {}
    own = [seen.index(k) for k in edited]
    return {"edit_matrix": edit_matrix(found, own, [names[k] for k in seen], title)}


def _repeat(condition: Conditions, n: int) -> Conditions:
    return None if condition is None else condition.repeat(n)
