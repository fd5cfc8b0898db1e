"""The frame of the report: is it complete, what was studied, the figures of the trade-off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multibeta.report.findings import PANELS, CellKey, Column, Findings
from multibeta.report.text import code, listed, long_table, picture, plain

#: What the figures of `PANELS` are called where they cannot be seen.
ALTERNATIVES = {"tradeoff": "Measures", "disentanglement": "Disentanglement and control"}


def completeness(findings: Findings) -> str:
    """How many of the study's runs are done, and which are not and why."""
    runs = findings.runs
    done = int((runs.status == "done").sum())
    unmeasured = runs[(runs.status == "done") & ~runs.evaluated]
    undrawn = [
        cell for cell in findings.cells if _should_be_drawn(findings, cell) and not findings.pictures[cell.place]
    ]
    if done == len(runs) and unmeasured.empty:
        lines = [f"> **Complete.** All {done} runs of the study are done and measured."]
    else:
        lines = [f"> **Incomplete: {done} of {len(runs)} runs done.** The rest is left out of every mean below."]
    for status, group in runs[runs.status != "done"].groupby("status", sort=False):
        for reason, same in group.groupby("reason", sort=False):
            why = f" ({plain(reason)})" if reason else ""
            lines.append(f"> - **{plain(str(status).replace('_', ' '))}**{why}: {_places(findings, same)}")
    if not unmeasured.empty:
        lines.append(f"> - **trained, not measured**: {_places(findings, unmeasured)}")
    if undrawn:
        lines.append(f"> - **no figures**: {listed([_place(findings, cell) for cell in undrawn])}")
    return "\n".join(lines)


def cited(findings: Findings) -> str:
    """Which of the numbers that a text cites have moved, where a lock of them lies beside the report."""
    found = findings.cited
    if found is None:
        return ""
    if found.damage:
        return f"> **The lock of cited numbers cannot be read**: {plain(found.damage)}"
    if not found.moved:
        return f"All {found.total} numbers locked in {code(found.file)} are as they were cited."
    lines = [f"> **Cited numbers have moved: {len(found.moved)} of {found.total}** locked in {code(found.file)}."]
    return "\n".join([*lines, *(f"> - {plain(line)}" for line in found.moved)])


def study(findings: Findings) -> str:
    """Datasets, variants, strengths, seeds and training, in words and one table."""
    variants = dict.fromkeys(cell.variant for cell in findings.cells)
    lines = [
        f"{len(findings.cells)} cells, {len(findings.runs)} runs: every dataset with every variant at every strength, "
        "one run per seed, unless the table says otherwise."
    ]
    rows = []
    for dataset in findings.datasets:
        for variant in variants:
            cells = [cell for cell in findings.of_dataset(dataset) if cell.variant == variant]
            if cells:
                rows.append((dataset, findings.variants[variant], *_sweep(findings, cells)))
    headers = ["dataset", "variant", "condition", "strengths", "seeds", "architecture", "training"]
    lines.append(long_table("Every sweep", headers, rows, len(headers)))
    lines += [dataset_facts(dataset, findings.cards.get(dataset, {})) for dataset in findings.datasets]
    return "## The study\n\n" + "\n\n".join(lines)


def tradeoffs(findings: Findings) -> str:
    """The figures of `against_strength`, and that of rate and distortion; nothing where there is none of them."""
    symbol = findings.symbol
    parts: list[str] = []
    for name in against_strength(findings):
        shown = _panels(findings, name)
        parts += [
            picture(f"figures/{name}.png", f"{ALTERNATIVES[name]} against {symbol}", "100%"),
            f"The same for {shown}. {_files(name)}"
            if parts
            else f"{shown[0].upper()}{shown[1:]} against {symbol} on a log axis: seeds as points, their mean as a "
            "line, the 95 % interval of the mean (Student's t) as bars, which may leave a panel; of more than 12 "
            f"strengths as bands, without seeds. ↑ higher is better, ↓ lower is better. {_files(name)}",
        ]
    if has_rate_distortion(findings):
        parts += [
            picture("figures/rate_distortion.png", "Rate and distortion", "100%"),
            f"Rate and distortion: reconstruction against KL, both in nats per image, numbers are {symbol}; lower left "
            "is better. Models are fairly compared at equal rate; that of a conditional model leaves out what it is "
            f"told. {_files('rate_distortion')}",
        ]
    return "\n\n".join(["## Trade-off", *parts]) if parts else ""


def against_strength(findings: Findings) -> list[str]:
    """The figures of `PANELS` that show a measure which none before them shows."""
    names: list[str] = []
    shown: set[str] = set()
    for name in PANELS:
        panels = set(panel_columns(findings, name))
        names += [name] * bool(panels - shown)
        shown |= panels
    return names


def has_rate_distortion(findings: Findings) -> bool:
    """Is any cell to be measured by both?"""
    return {"kl", "reconstruction"} <= set(findings.asked)


def panel_columns(findings: Findings, figure: str) -> dict[str, Column | None]:
    """Which column each panel of a figure against the strength shows, of the measures that the study asks for.

    None where no cell has a number.
    """
    return {metric: findings.column(metric) for metric in PANELS[figure] if metric in findings.asked}


def _panels(findings: Findings, figure: str) -> str:
    shown = [column for column in panel_columns(findings, figure).values() if column]
    return plain(", ".join(findings.label(column.metric) for column in shown)) or "no measure yet"


def dataset_facts(name: str, card: Mapping[str, Any]) -> str:
    """A dataset in one sentence, from its card."""
    if not card:
        return f"**{plain(name)}**: not prepared yet."
    channels, height, width = card["shape"]
    facts = [f"{card['images']} images of {height}×{width}×{channels}, {card['held_out']} held out from training"]
    if "split" in card:
        facts.append(f"split: {plain(card['split'])}")
    if card["factors"]:
        factors = ", ".join(f"{plain(f['name'])} {f['size']}" for f in card["factors"])
        facts.append(f"factors {factors}")
    if card["classes"]:
        facts.append(f"{len(card['classes'])} classes")
    # What the card says itself is not repeated, nor that an option is not used.
    options = {name: value for name, value in card["options"].items() if name not in card and value not in (None, {})}
    if options:
        facts.append("options " + ", ".join(f"{name} {plain(str(value))}" for name, value in options.items()))
    if "left_out" in card:
        facts.append(f"{card['left_out']['count']} left out, named in left_out.csv of the prepared dataset")
    facts += [f"licence: {plain(card['licence'])}", f"source: {plain(card['source'])}"]
    kept = "bits" if "bits" in card["sha256"] else "images"
    facts.append(f"{kept} sha256 {code(card['sha256'][kept])}")
    return f"**{plain(name)}** – {plain(card['title'])}: {'; '.join(facts)}."


def _sweep(findings: Findings, cells: list[CellKey]) -> list[str]:
    symbol = findings.symbols[cells[0].variant]
    specs = [findings.specs[cell.place] for cell in cells]
    seeds = dict.fromkeys(", ".join(map(str, cell.seeds)) for cell in cells)
    training = [spec["training"] for spec in specs]
    return [
        " or ".join(dict.fromkeys(spec["condition"] or "none" for spec in specs)),
        f"{symbol} = {', '.join(cell.beta for cell in cells)}",
        " or ".join(seeds),
        " or ".join(dict.fromkeys(f"{t['architecture']}, {t['latents']} latents" for t in training)),
        " or ".join(dict.fromkeys(f"{t['budget']}, batch {t['batch_size']}, {t['likelihood']}" for t in training)),
    ]


def _should_be_drawn(findings: Findings, cell: CellKey) -> bool:
    if not findings.specs[cell.place]["evaluation"]["figures"]:
        return False
    runs = findings.runs
    own = (runs.dataset == cell.dataset) & (runs.variant == cell.variant) & (runs.beta == cell.beta)
    return bool((runs[own].status == "done").any())


def _place(findings: Findings, cell: CellKey) -> str:
    return f"{cell.dataset} · {findings.variants[cell.variant]} · {findings.strength(cell)}"


def _places(findings: Findings, runs: Any) -> str:
    """Runs by cell: ``sprites · β-VAE · β = 4 (seeds 0, 2)``."""
    found = []
    for cell in findings.cells:
        own = (runs.dataset == cell.dataset) & (runs.variant == cell.variant) & (runs.beta == cell.beta)
        seeds = runs[own].seed.tolist()
        if seeds:
            which = (
                "" if len(seeds) == len(cell.seeds) else f" (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))})"
            )
            found.append(_place(findings, cell) + which)
    return plain(listed(found))


def _files(name: str) -> str:
    return f"[SVG](figures/{name}.svg) · [PDF](figures/{name}.pdf)"
