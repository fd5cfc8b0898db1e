"""The traversal ladders of a report: the latents of runs matched by their codes, and decoded, as far as these exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multibeta.figures.ladder import Rung, ladder
from multibeta.metrics.posterior.active_units import THRESHOLD as ACTIVE
from multibeta.report.comparisons import reference_strength
from multibeta.report.findings import CellKey, Findings, Ladder
from multibeta.report.ladder import MOST_LATENTS, MOST_STRIPS, chosen, ladder_name
from multibeta.report.matching import Matching, match
from multibeta.results import StudyFolder
from multibeta.stages.draw import Drawing
from multibeta.stages.shared.codes import Codes, EvaluationImages, read_codes, usage
from multibeta.stages.shared.opened import open_dataset
from multibeta.stages.shared.saving import save
from multibeta.stages.shared.specs import read_cell

#: Where each latent is put, in standard deviations of the prior.
VALUES = np.linspace(-3, 3, 5, dtype=np.float32)
#: Images that two code tables share, at least.
LEAST = 100
KINDS = ("png", "svg", "pdf")
PLACE = ["dataset", "variant", "beta"]


class Shown(NamedTuple):
    """A run of a ladder, by its cell and its seed, with its codes."""

    key: CellKey
    seed: int
    images: EvaluationImages
    codes: Codes

    @property
    def use(self) -> NDArray[np.float64]:
        """(D,), what latents are ordered by: KL, or the variance of codes that are points."""
        kl, variance = usage(self.codes)
        return variance if self.codes.are_points else kl

    @property
    def active(self) -> NDArray[np.bool_]:
        """(D,)."""
        return usage(self.codes)[1] > ACTIVE


def draw_ladders(study: StudyFolder, findings: Findings) -> dict[str, Ladder]:
    """Write ``figures/ladder_<dataset>`` for each dataset that has runs to show, and return what they show.

    PyTorch is imported only if there is something to decode. What is damaged or missing is left out and named.
    """
    return {dataset: _of_dataset(study, findings, dataset) for dataset in findings.datasets}


def _of_dataset(study: StudyFolder, findings: Findings, dataset: str) -> Ladder:
    finished = _finished(study, findings, dataset)
    runs, left_out = _with_codes(study, findings, chosen(findings.of_dataset(dataset), finished))
    reference, why = _reference(findings, dataset, runs)
    if reference is None:
        missing = "none of the runs has an active latent" if runs else "no finished run with its weights and codes"
        return Ladder(missing=missing, left_out=left_out)
    active = np.flatnonzero(reference.active)
    order = active[np.argsort(-reference.use[active], kind="stable")]
    shown = order[: min(MOST_LATENTS, max(1, MOST_STRIPS // len(runs)))]
    matched: list[tuple[Shown, Matching]] = []
    for run in runs:
        try:
            matched.append((run, _matched(reference, order, run)))
        except ValueError as error:
            left_out.append(f"{_words(findings, run.key)}, seed {run.seed} ({error})")
    rungs = _decoded(study, findings, matched, len(shown), reference, left_out)
    if not any(run is reference for run, _ in rungs):
        return Ladder(missing="its reference cannot be decoded", left_out=left_out)
    others = [rung.matched for run, rung in rungs if run is not reference]
    names = [_heading(reference, latent) for latent in shown]
    title = f"{dataset}: the same latents, matched to those of {_words(findings, reference.key)}, seed {reference.seed}"
    note = "numbers: correlation of codes with the reference (bold); negative: drawn the other way round; from −3 to 3"
    figure = ladder([rung for _, rung in rungs], names, f"{note} standard deviations of the prior", title)
    save(figure, study.figures, ladder_name(dataset), KINDS)
    return Ladder(
        reference=f"{_words(findings, reference.key)}, seed {reference.seed}, {why}",
        runs=len(rungs),
        among=sum(map(len, finished.values())),
        latents=len(shown),
        active=len(order),
        matched=int(np.sum(others)),
        strips=len(others) * len(shown),
        left_out=left_out,
    )


def _finished(study: StudyFolder, findings: Findings, dataset: str) -> dict[tuple[str, str, str], list[int]]:
    """The finished seeds of every cell that has figures, weights and codes."""
    done = findings.runs[(findings.runs.dataset == dataset) & (findings.runs.status == "done")]
    seeds: dict[Any, list[int]] = {place: rows.tolist() for place, rows in done.groupby(PLACE, sort=False).seed}
    found = {}
    for key in findings.of_dataset(dataset):
        folder = study.cell(*key.place)
        drawn = findings.specs[key.place]["evaluation"]["figures"]
        if drawn and key.place in seeds and folder.models.is_file() and folder.codes.is_file():
            found[key.place] = seeds[key.place]
    return found


def _with_codes(
    study: StudyFolder, findings: Findings, runs: Sequence[tuple[CellKey, int]]
) -> tuple[list[Shown], list[str]]:
    """The runs whose codes can be read, and what cannot be shown."""
    found, left_out = [], []
    for key, seeds in _by_cell(runs).items():
        try:
            images, codes = read_codes(study.cell(*key.place))
        except ValueError as error:
            left_out.append(f"{_words(findings, key)} ({error})")
            continue
        found += [Shown(key, seed, images, codes[seed]) for seed in seeds if seed in codes]
    return found, left_out


def _reference(findings: Findings, dataset: str, runs: Sequence[Shown]) -> tuple[Shown | None, str]:
    """The run of the study's first variant that the others are matched to, and why it is the one."""
    usable = [run for run in runs if run.active.any()]
    if not usable:
        return None, ""
    own = [run for run in usable if run.key.variant == usable[0].key.variant]
    scores = _mig(findings, dataset)
    if scored := [run for run in own if (*run.key.place, run.seed) in scores]:
        best = max(scored, key=lambda run: scores[*run.key.place, run.seed])
        return best, f"of that variant's runs shown the one of highest {findings.label('mig')}"
    strength = reference_strength([run.key.beta for run in own])
    return next(run for run in own if run.key.beta == strength), "the first run at the reference strength"


def _mig(findings: Findings, dataset: str) -> dict[Any, float]:
    """By dataset, variant, strength and seed, as far as it was computed."""
    column = findings.column("mig", dataset)
    if column is None:
        return {}
    scores: dict[Any, float] = findings.runs_of(column, dataset).set_index([*PLACE, "seed"]).value.to_dict()
    return scores


def _matched(reference: Shown, latents: NDArray[np.int64], run: Shown) -> Matching:
    """Partners of the reference's latents (A,) among those of a run, by the images that both have codes of.

    Raises:
        ValueError: these are too few, or codes are not finite.
    """
    common, own, others = np.intersect1d(
        reference.images.code_table, run.images.code_table, assume_unique=True, return_indices=True
    )
    if len(common) < min(LEAST, len(reference.images.code_table)):
        raise ValueError(f"its codes share {len(common)} images with the reference")
    return match(reference.codes.mean[own][:, latents], run.codes.mean[others], run.active)


def _decoded(
    study: StudyFolder,
    findings: Findings,
    matched: Sequence[tuple[Shown, Matching]],
    latents: int,
    reference: Shown,
    left_out: list[str],
) -> list[tuple[Shown, Rung]]:
    """Every run that can be decoded, with the strips of its partners of the reference's first latents."""
    from multibeta.model import load_cell

    rungs = []
    matchings = {(run.key, run.seed): (run, matching) for run, matching in matched}
    for key, seeds in _by_cell(list(matchings)).items():
        folder = study.cell(*key.place)
        try:
            models, dataset = load_cell(folder, seeds=seeds), open_dataset(read_cell(folder), study.root)
        except (OSError, RuntimeError, ValueError) as error:
            left_out.append(f"{_words(findings, key)} ({error})")
            continue
        for seed in (seed for seed in seeds if seed in models):
            run, matching = matchings[key, seed]
            strips = _strips(Drawing(models[seed], dataset, run.codes, ""), matching, latents)
            name = f"{findings.strength(key)}, seed {seed}"
            told = matching.correlation[:latents], matching.matched[:latents]
            rungs.append((run, Rung(findings.variants[key.variant], name, strips, *told, run is reference)))
    return rungs


def _strips(drawing: Drawing, matching: Matching, latents: int) -> NDArray[np.float32]:
    """Images (L, S, C, H, W) of the matched partners, moved the way the reference's latents go; 0 for the others."""
    strips = np.zeros((latents, len(VALUES), *drawing.run.shape), np.float32)
    shown = np.flatnonzero(matching.matched[:latents])
    if len(shown):
        strips[shown] = drawing.strips("posterior", matching.partner[shown], matching.sign[shown, None] * VALUES)
    return strips


def _by_cell(runs: Sequence[tuple[CellKey, int]]) -> dict[CellKey, list[int]]:
    seeds: dict[CellKey, list[int]] = {}
    for key, seed in runs:
        seeds.setdefault(key, []).append(seed)
    return seeds


def _heading(reference: Shown, latent: int) -> str:
    return f"z{latent}  {'variance' if reference.codes.are_points else 'KL'} {reference.use[latent]:.2f}"


def _words(findings: Findings, key: CellKey) -> str:
    return f"{findings.variants[key.variant]}, {findings.strength(key)}"
