"""The methods paragraph of a paper, written from the study's own options and results, in Markdown and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from multibeta.report.bibliography import Entry, bibtex, entries_of, entry_of_citation, known
from multibeta.report.findings import Findings
from multibeta.report.latex import escape
from multibeta.report.text import duration, plain

#: What a busy core is taken to draw, in watts, with its share of the rest of the machine; an assumption, and called so.
CORE_WATTS = 10
#: Board power of GPUs in watts, by a word of their name (their makers' data sheets), and of those not listed.
GPU_WATTS = {"H200": 700, "H100": 700, "A100": 400, "V100": 300, "A40": 300, "T4": 70, "4090": 450, "3090": 350}
OTHER_GPU_WATTS = 300
LIKELIHOODS = {
    "bernoulli": "a Bernoulli likelihood of each pixel",
    "gaussian": "a Gaussian likelihood of fixed standard deviation",
    "gaussian_learned": "a Gaussian likelihood whose standard deviation is learnt",
}
#: By label in sources.bib, all that a study rests on, cited in the paragraph or not.
SOFTWARE = (
    *("Paszke et al. 2019", "Mölder et al. 2021", "Harris et al. 2020", "Virtanen et al. 2020"),
    *("Pedregosa et al. 2011", "McKinney 2010", "Hunter 2007"),
)
#: Options that a sentence of its own says, or that change no result.
SAID = frozenset(
    {
        *("architecture", "architecture_options", "latents", "likelihood", "noise_std", "budget", "batch_size"),
        *("learning_rate", "adam_betas", "strength_schedule", "schedule_steps", "schedule_start", "initial_weights"),
        *("log_every", "validate_every"),
    }
)

#: Text, with entries where it cites.
Text = list[str | Entry]
#: What a sentence says of one cell's spec.
Says = Callable[[Mapping[str, Any]], str]


def methods(findings: Findings) -> str:
    """The section of the report: the paragraph, and where its LaTeX and BibTeX are."""
    body = "".join(_together(paragraph(findings), plain_text, _called))
    return (
        "## Methods\n\n" + body + "\n\nThe same for a paper: [methods.tex](tables/methods.tex), with "
        "[references.bib](references.bib) of the variants, metrics, datasets, nets and software."
    )


def methods_latex(findings: Findings) -> str:
    """The paragraph with ``\\cite`` of keys in `references`."""
    text = "".join(_together(paragraph(findings), escape_text, _cite))
    return "% Written from the options of the study; the keys are those of references.bib.\n" + text + "\n"


def references(findings: Findings) -> str:
    """BibTeX of everything the study uses, also what the paragraph does not name: each metric, all software."""
    every = [entry for name, source in findings.sources.items() for entry in entries_of(source, name[1])]
    software = [known()[label] for label in SOFTWARE]
    cited = [part for part in paragraph(findings) if isinstance(part, Entry)]
    return bibtex([*every, *_of_datasets(findings).values(), *software, *cited])


def paragraph(findings: Findings) -> Text:
    """What was done, sentence by sentence."""
    parts: Text = [*_swept(findings), *_nets(findings), *_trained(findings), *_measured(findings), *_compared(findings)]
    return [*parts, *_cost(findings)]


def _swept(findings: Findings) -> Text:
    sources = findings.sources
    names = list(dict.fromkeys(cell.variant for cell in findings.cells))
    parts: Text = ["We trained "]
    for position, name in enumerate(names):
        plug_in = _plug_in(findings, "variant", name)
        parts += [_joint(position, len(names)), findings.variants[name]]
        parts += entries_of(sources.get(("variant", plug_in), ""), plug_in)
    parts.append(" on ")
    cited = _of_datasets(findings)
    for position, dataset in enumerate(findings.datasets):
        images = findings.cards.get(dataset, {}).get("images")
        parts += [_joint(position, len(findings.datasets)), dataset]
        parts += [cited[dataset]] if dataset in cited else []
        parts += [f" ({images:,} images)"] if images else []
    sweeps: dict[tuple[str, str], list[str]] = {}
    for cell in findings.cells:
        sweeps.setdefault((cell.dataset, cell.variant), []).append(cell.beta)
    grids = _each(findings, lambda place: f"{findings.symbols[place[1]]} = {', '.join(sweeps[place[:2]])}")
    seeds = _each(findings, lambda place: _count(len(_cell(findings, place).seeds), "seed"))
    runs = len(findings.runs)
    return [*parts, f", at {grids}, with {seeds}: {len(findings.cells)} cells, {runs} runs."]


def _nets(findings: Findings) -> Text:
    parts: Text = [" Encoder and decoder are "]
    nets = dict.fromkeys(findings.specs[cell.place]["training"]["architecture"] for cell in findings.cells)
    if len(nets) == 1:
        (name,) = nets
        parts += [f"the nets {name}", *entries_of(findings.sources.get(("architecture", name), ""), name)]
    else:
        parts.append(f"the nets {_options(findings, lambda t: str(t['architecture']))}")
        cited = [entry for name in nets for entry in entries_of(findings.sources.get(("architecture", name), ""), name)]
        parts += list({entry.key: entry for entry in cited}.values())
    latents = _options(findings, lambda t: _count(t["latents"], "latent"))
    likelihood = _options(findings, lambda t: LIKELIHOODS[t["likelihood"]])
    parts.append(f", with {latents} and {likelihood}; initial weights are ")
    he = {findings.specs[cell.place]["training"]["initial_weights"] == "he" for cell in findings.cells}
    if he == {True}:
        return [*parts, "those of", known()["He et al. 2015"], "."]
    if he == {False}:
        return [*parts, "PyTorch's default ones."]
    return [*parts, _options(findings, lambda t: "He's" if t["initial_weights"] == "he" else "PyTorch's"), "."]


def _trained(findings: Findings) -> Text:
    budget = _options(findings, lambda t: str(t["budget"]))
    batch = _options(findings, lambda t: str(t["batch_size"]))
    rate = _options(findings, lambda t: f"{t['learning_rate']:g}")
    betas = _options(findings, lambda t: f"({t['adam_betas'][0]:g}, {t['adam_betas'][1]:g})")
    parts: Text = [
        " Each run was trained with Adam",
        known()["Kingma & Ba 2015"],
        f" for {budget}, at learning rate {rate} ",
    ]
    parts.append(f"with decay rates {betas}, in batches of {batch}. The strength {_options(findings, _schedule)}.")
    others = [name for name in findings.specs[findings.cells[0].place]["training"] if name not in SAID]
    changed = [
        (name, _options(findings, lambda t, name=name: str(t[name])))  # type: ignore[misc]
        for name in others
        if any(findings.specs[cell.place]["training"][name] != _default(name) for cell in findings.cells)
    ]
    if changed:
        parts.append(" Further options: " + "; ".join(f"{name} {value}" for name, value in changed) + ".")
    return parts


def _schedule(training: Mapping[str, Any]) -> str:
    kind, steps, start = (training[name] for name in ("strength_schedule", "schedule_steps", "schedule_start"))
    if kind == "constant" or not steps:
        return "is constant"
    over = f"the first {steps:g} steps" if steps >= 1 else f"the first {100 * steps:g} % of the training"
    if kind == "cyclic":
        length = f"{steps:g} steps" if steps >= 1 else f"{100 * steps:g} % of the training"
        return f"rises from {start:g} to 1 times its value over and over, every {length}"
    way = {"linear": "linearly", "cosine": "along a cosine"}[kind]
    return f"goes {way} from {start:g} to 1 times its value over {over}"


def _measured(findings: Findings) -> Text:
    evaluation = [findings.specs[cell.place]["evaluation"] for cell in findings.cells]
    codes, held_out, samples = (
        " or ".join(dict.fromkeys(f"{each[name]:,}" for each in evaluation))
        for name in ("codes", "held_out", "samples")
    )
    parts: Text = [
        f" Codes are measured on at most {codes} images of the whole dataset, reconstructions on at most {held_out} "
        f"held-out ones, samples on {samples} draws of the prior"
    ]
    done = findings.summary[findings.summary.seeds > 0] if len(findings.summary) else findings.summary
    protocols = [name for name in ("dlib19", "dlib19_sklearn", "chen18", "ours") if name in set(done.protocol)]
    cited: dict[str, Entry] = {}
    scores = list(dict.fromkeys(done.metric)) if len(done) else []
    for score in scores:
        cited |= {entry.key: entry for entry in entries_of(findings.sources.get(("metric", score), ""), score)}
    if protocols:
        parts.append(
            f"; disentanglement measures follow the protocol{'s' * (len(protocols) > 1)} {', '.join(protocols)}"
        )
    if cited:
        parts += ["; the measures are those of the literature", *cited.values()]
    return [*parts, "."]


def _compared(findings: Findings) -> Text:
    return [
        " Intervals are 95 % ones of Student's t over seeds. Cells are compared within seeds, which share batch order "
        "and, where the nets are the same, initial weights and noise; p values are corrected for all comparisons of a "
        "question",
        known()["Holm 1979"],
        ".",
    ]


def _cost(findings: Findings) -> Text:
    runs, facts = findings.runs[findings.runs.seconds.notna()], findings.provenance
    if runs.empty:
        return [" No run has been trained yet."]
    machines = "; ".join(dict.fromkeys(map(_machine, facts["hardware"])))
    trainings = findings.trainings
    on_gpu = ~trainings.device.astype(str).str.startswith("cpu")
    trained, measured = float(trainings.seconds.sum()), float(runs.evaluation_seconds.fillna(0).sum())
    # A training on a CPU and the measuring keep one core busy each; one on a GPU is taken to use all of its power.
    gpu_watts = _gpu_watts(facts["hardware"])
    gpu_seconds = float(trainings.seconds[on_gpu].sum())
    joules = gpu_watts * gpu_seconds + CORE_WATTS * (trained - gpu_seconds + measured)
    assumed = f"{CORE_WATTS} W for a busy core" + (f" and {gpu_watts} W for a GPU" if gpu_seconds else "")
    wanted = ("multibeta", "python", "torch", "numpy", "snakemake")
    versions = [f"{name} {each[name]}" for each in facts["versions"][:1] for name in wanted if name in each]
    return [
        f" On {machines}, training took {duration(trained)} in all ({duration(trained / len(trainings))} a run), "
        f"measuring {duration(measured)}: about {_energy(joules)}, assuming {assumed}. "
        f"Versions: {', '.join(versions)}; sweep and report by multibeta with PyTorch",
        known()["Paszke et al. 2019"],
        " and Snakemake",
        known()["Mölder et al. 2021"],
        ".",
    ]


def _machine(facts: Mapping[str, Any]) -> str:
    cores = [_count(facts["cores"], "core")] if "cores" in facts else []
    gpus = [] if facts.get("gpus", "none") == "none" else [facts["gpus"]]
    return ", ".join([facts["processor"], *cores, *gpus])


def _gpu_watts(hardware: Sequence[Mapping[str, Any]]) -> int:
    named = " ".join(str(each.get("gpus", "")) for each in hardware)
    return next((watts for word, watts in GPU_WATTS.items() if word in named), OTHER_GPU_WATTS)


def _energy(joules: float) -> str:
    hours = joules / 3600
    return f"{hours:.2g} Wh" if hours < 1000 else f"{hours / 1000:.2g} kWh"


def _options(findings: Findings, says: Says) -> str:
    """What is said of the training options of each cell."""
    return _each(findings, lambda place: says(findings.specs[place]["training"]))


def _each(findings: Findings, says: Callable[[tuple[str, str, str]], str]) -> str:
    """One phrase where all cells agree; else a phrase for each dataset, variant or both, whatever tells them apart."""
    phrases = {cell.place: says(cell.place) for cell in findings.cells}
    if len(set(phrases.values())) == 1:
        return next(iter(phrases.values()))
    for key, called in (
        (lambda place: place[:1], lambda key: f"on {key[0]}"),
        (lambda place: place[1:2], lambda key: f"for {findings.variants[key[0]]}"),
        (lambda place: place[:2], lambda key: f"on {key[0]} for {findings.variants[key[1]]}"),
        (lambda place: place, lambda key: f"on {key[0]} for {findings.variants[key[1]]} at {key[2]}"),
    ):
        groups: dict[Any, set[str]] = {}
        for place, phrase in phrases.items():
            groups.setdefault(key(place), set()).add(phrase)
        if all(len(group) == 1 for group in groups.values()):
            by_phrase: dict[str, list[str]] = {}
            for name, (phrase,) in groups.items():
                by_phrase.setdefault(phrase, []).append(called(name))
            return _listed([f"{phrase} {_listed(names)}" for phrase, names in by_phrase.items()])
    raise AssertionError("a cell has one phrase")


def _default(name: str) -> Any:
    from multibeta.options import TrainingOptions

    return TrainingOptions().model_dump(mode="json")[name]


def _cell(findings: Findings, place: tuple[str, str, str]) -> Any:
    return next(cell for cell in findings.cells if cell.place == place)


def _plug_in(findings: Findings, kind: str, name: str) -> str:
    return next(
        str(findings.specs[cell.place][kind]["plug_in"]) for cell in findings.cells if getattr(cell, kind) == name
    )


def _of_datasets(findings: Findings) -> dict[str, Entry]:
    found = {name: entry_of_citation(card.get("citation", "")) for name, card in findings.cards.items()}
    return {name: entry for name, entry in found.items() if entry}


def _listed(items: Sequence[str]) -> str:
    return "".join(_joint(position, len(items)) + item for position, item in enumerate(items))


def _joint(position: int, count: int) -> str:
    return "" if position == 0 else " and " if position == count - 1 else ", "


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _together(parts: Text, say: Callable[[str], str], cite: Callable[[list[Entry]], str]) -> Iterator[str]:
    """The text piece by piece, entries that follow each other in one citation."""
    for cited, group in groupby(parts, key=lambda part: isinstance(part, Entry)):
        some = list(group)
        if cited:
            yield cite([part for part in some if isinstance(part, Entry)])
        else:
            yield say("".join(part for part in some if isinstance(part, str)))


def _called(entries: list[Entry]) -> str:
    return f" ({plain('; '.join(entry.label for entry in entries))})"


def _cite(entries: list[Entry]) -> str:
    return f"~\\cite{{{','.join(entry.key for entry in entries)}}}"


def _keeping_ends(safe: Callable[[str], str]) -> Callable[[str], str]:
    """Text made safe, with the blanks at its ends, which join it to what is cited."""
    return lambda text: re.sub(r"\S(?:.*\S)?", lambda found: safe(found[0]), text, count=1, flags=re.DOTALL)


plain_text, escape_text = _keeping_ends(plain), _keeping_ends(escape)
