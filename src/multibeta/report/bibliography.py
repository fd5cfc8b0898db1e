"""BibTeX of what a study uses: entries of `sources.bib` by the names in the sources of plug-ins, and their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

ENTRY = re.compile(r"@(\w+)\{([^,\s]+),\n(.*?)^\}", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"https?://[^\s;,]+")


class Entry(NamedTuple):
    """A BibTeX entry: its key, how a text calls it without BibTeX, and all of it."""

    key: str
    label: str
    text: str


@cache
def known() -> dict[str, Entry]:
    """The entries of ``sources.bib`` by label."""
    text = resources.files("multibeta.report").joinpath("sources.bib").read_text(encoding="utf-8")
    found = {}
    for match in ENTRY.finditer(text):
        label = re.search(r"label = \{(.*)\}", match[3])
        if label is None:
            raise ValueError(f"sources.bib: {match[2]} has no label")
        found[label[1]] = Entry(match[2], label[1], match[0])
    return found


def entries_of(source: str, name: str = "") -> list[Entry]:
    """What a plug-in's ``source`` names: each known label in it, in its order.

    A source without any, as of one's own plug-in, is an entry of its own under ``name``, with its link if it has one;
    nothing where the source says that there is none ("this project", "own", "not stated").

        >>> [entry.key for entry in entries_of("Kim & Mnih 2018, https://arxiv.org/abs/1802.05983")]
        ['kim18']
    """
    labels = sorted((label for label in known() if label in source), key=source.index)
    if labels:
        return [known()[label] for label in labels]
    if not name or re.match(r"this project|own\b|not stated|rendered by this project", source):
        return []
    key = re.sub(r"\W", "", name.lower())
    link = LINK.search(source)
    title = (source.replace(link[0], "") if link else source).strip(" ,;:") or name
    fields = [f"  title = {{{_escaped(title)}}},"] + ([f"  howpublished = {{\\url{{{link[0]}}}}},"] if link else [])
    return [Entry(key, title, "\n".join([f"@misc{{{key},", *fields, "}"]))]


def entry_of_citation(citation: str) -> Entry | None:
    """The BibTeX entry that a dataset declares; None where it declares none."""
    match = re.match(r"@\w+\{([^,\s]+),", citation)
    return Entry(match[1], _label(citation, match[1]), citation) if match else None


def bibtex(entries: Iterable[Entry]) -> str:
    """Each entry once, by key."""
    by_key = {entry.key: entry.text for entry in entries}
    return "".join(f"{by_key[key]}\n\n" for key in sorted(by_key))


def _label(citation: str, key: str) -> str:
    """First author's name and year."""
    author, year = re.search(r"author = \{(.*?)\},? ", citation), re.search(r"year = \{(\d+)\}", citation)
    if not author or not year:
        return key
    names = [person.split()[-1] for person in author[1].split(" and ")]
    first = names[0] if len(names) == 1 else f"{names[0]} & {names[1]}" if len(names) == 2 else f"{names[0]} et al."
    return re.sub(r"[{}\\'\"]", "", first) + f" {year[1]}"


def _escaped(text: str) -> str:
    return re.sub(r"([#$%&_])", r"\\\1", text)
