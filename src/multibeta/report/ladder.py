"""The section of traversal ladders, and the rule by which runs are chosen for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multibeta.report.comparisons import reference_strength
from multibeta.report.findings import CellKey, Findings, Ladder
from multibeta.report.matching import THRESHOLD
from multibeta.report.text import listed, picture, plain

#: Rows of a ladder, strips in all, and latents, at most.
MOST_RUNS, MOST_STRIPS, MOST_LATENTS = 30, 120, 8
ABOUT = (
    "Latents have no order that two runs share. Here each run's are matched to those of a reference by the correlation "
    "of their codes, over the same images for all (Hungarian method: one partner each, the sum of |r| greatest). The "
    "number beside a strip is that correlation; where it is negative the strip is drawn the other way round, so a "
    f"column means one direction. *No match*: |r| is below {THRESHOLD:g}. *No latent left*: the run has fewer active "
    "latents than the reference. Strips go from −3 to 3 standard deviations of the prior, other latents at the code of "
    f"one held-out image, the same for all. Of more than {MOST_RUNS} runs, the strengths of each variant are thinned "
    "out evenly, the smallest and the largest kept, and then as many seeds shown of each cell as there is room for."
)


def ladders(findings: Findings) -> str:
    """A figure for each dataset: the same latents from a small strength to a large one."""
    parts = ["## Traversal ladder", ABOUT]
    for dataset in findings.datasets:
        found = findings.ladders.get(dataset)
        if found is None:
            continue
        parts.append(f"### {plain(dataset)}: ladder")
        parts.append(f"No ladder: {plain(found.missing)}." if found.missing else _shown(dataset, found))
        if found.left_out:
            parts.append(f"Left out: {plain(listed(found.left_out))}.")
    return "\n\n".join(parts) if len(parts) > 2 else ""


def ladder_name(dataset: str) -> str:
    """The name of a dataset's ladder, without its ending."""
    return f"ladder_{dataset}"


def _shown(dataset: str, found: Ladder) -> str:
    name = ladder_name(dataset)
    runs = "All finished runs" if found.runs == found.among else f"{found.runs} of {found.among} finished runs"
    latents = (
        f"all {found.active} active latents"
        if found.latents == found.active
        else f"{found.latents} of {found.active} active latents, those in most use"
    )
    return (
        f"{picture(f'figures/{name}.png', f'The same latents in the runs of {dataset}', '100%')}\n\n"
        f"Reference: {plain(found.reference)}. {runs}; {latents} of the reference. {found.matched} of {found.strips} "
        f"strips of the other runs are matched. [SVG](figures/{name}.svg) · [PDF](figures/{name}.pdf)"
    )


def chosen(
    cells: Sequence[CellKey], finished: Mapping[tuple[str, str, str], Sequence[int]], most: int = MOST_RUNS
) -> list[tuple[CellKey, int]]:
    """Cells of one dataset and seeds for the rows of a ladder, by variant, strength and seed.

    Of each variant, in the order given, evenly spaced strengths with the smallest and the largest, or the reference
    strength alone if there is room for one; then as many seeds of each cell as there is room for.

    Args:
        cells: of one dataset.
        finished: seeds by `CellKey.place`; a cell without any is not chosen.
        most: runs.
    """
    by_variant: dict[str, list[CellKey]] = {}
    for cell in cells:
        if finished.get(cell.place):
            by_variant.setdefault(cell.variant, []).append(cell)
    variants = list(by_variant.values())[:most]
    room = most // max(len(variants), 1)
    thinned = [cell for of_variant in variants for cell in _thinned(of_variant, room)]
    seeds = most // max(len(thinned), 1)
    return [(cell, seed) for cell in thinned for seed in finished[cell.place][:seeds]]


def _thinned(cells: Sequence[CellKey], most: int) -> list[CellKey]:
    ordered = sorted(cells, key=lambda cell: float(cell.beta))
    if len(ordered) <= most:
        return ordered
    if most == 1:
        reference = reference_strength([cell.beta for cell in cells])
        return [cell for cell in ordered if cell.beta == reference]
    last = len(ordered) - 1
    return [ordered[round(k * last / (most - 1))] for k in range(most)]
