"""What the models make, in pictures: each kind of figure side by side over the strengths of a variant."""

from __future__ import annotations

from multibeta.report.findings import GALLERIES, CellKey, Findings
from multibeta.report.text import fold, listed, picture, plain

#: Pictures of cells that the page holds; of more it holds none, and links to all. A hundred are about 6 MB.
MOST_EMBEDDED = 300
LINKED = (
    "These are {count} pictures, more than the {most} that report.html would hold: it links to them, and shows them "
    "where the folder `cells/` lies beside it."
)


def embeds(findings: Findings) -> bool:
    """Does the page hold the pictures of the gallery, or only link to them?"""
    return _count(findings) <= MOST_EMBEDDED


def _count(findings: Findings) -> int:
    return sum(map(len, findings.pictures.values()))


def gallery(findings: Findings) -> str:
    """For every dataset and variant one foldable block per kind of figure; the first is open."""
    parts = [
        "## Gallery",
        "The first finished seed of every cell, on the same held-out images and the same noise. Rows of traversals are "
        "sorted by KL; latents in grey are inactive by the threshold that the figure of KL and variance shows. In "
        "matrices of latents and factors a frame marks the latent that each factor is given, one each, so that their "
        "sum is greatest; bars say the latent's share of all importance, or its score as a knob. In matrices of edits "
        "a row is what was edited, and the frame marks how much of it there came to be.",
    ]
    if not embeds(findings):
        parts.append(LINKED.format(count=_count(findings), most=MOST_EMBEDDED))
    for dataset in findings.datasets:
        parts.append(f"### {plain(dataset)}: gallery")
        cells = findings.of_dataset(dataset)
        for variant in dict.fromkeys(cell.variant for cell in cells):
            parts.append(f"#### {plain(dataset)}, {plain(findings.variants[variant])}")
            parts += _blocks(findings, [cell for cell in cells if cell.variant == variant])
    return "\n\n".join(parts)


def _blocks(findings: Findings, cells: list[CellKey]) -> list[str]:
    blocks: list[str] = []
    for name, title in GALLERIES.items():
        drawn = [cell for cell in cells if name in findings.pictures[cell.place]]
        if not drawn:
            continue
        symbol = findings.symbols[cells[0].variant]
        heading = f"{title}: {symbol} = {', '.join(cell.beta for cell in drawn)}"
        images = "\n".join(picture(_path(cell, name), _alternative(findings, cell, title), "49%") for cell in drawn)
        body = f"<p>\n{images}\n</p>{_moving(findings, drawn, name)}"
        blocks.append(fold(heading, body, opened=not blocks and embeds(findings)))
    missing = [cell.beta for cell in cells if not findings.pictures[cell.place]]
    if missing:
        blocks.append(f"No figures of {findings.symbols[cells[0].variant]} = {listed(missing)}.")
    return blocks


def _moving(findings: Findings, cells: list[CellKey], name: str) -> str:
    """Links to the pictures that move, as far as there are any."""
    moving = [cell for cell in cells if name in findings.animations.get(cell.place, ())]
    if not moving:
        return ""
    links = " · ".join(f"[{findings.strength(cell)}]({_path(cell, name, 'webp')})" for cell in moving)
    return f"\n\nMoving: {links}"


def _path(cell: CellKey, name: str, kind: str = "png") -> str:
    return f"cells/{cell.dataset}/{cell.variant}/beta~{cell.beta}/figures/{name}.{kind}"


def _alternative(findings: Findings, cell: CellKey, title: str) -> str:
    return f"{title}: {cell.dataset}, {findings.variants[cell.variant]}, {findings.strength(cell)}"
