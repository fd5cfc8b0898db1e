"""Stage by hand: two studies, as far as they exist, become one page of what differs between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from multibeta import registry
from multibeta.files import write_table, write_text
from multibeta.records import ProvenanceRecord, read
from multibeta.report.compared import differences_between
from multibeta.report.compared_text import compared
from multibeta.report.findings import Findings
from multibeta.report.html import page
from multibeta.results import StudyFolder
from multibeta.stages.shared.gather import gather


def compare(one: Path, other: Path, out: Path | None = None) -> Path:
    """Write compare.md, compare.html and compare.csv of two studies, and return the path of compare.html.

    Differences are of ``other`` minus ``one``. Nothing is written but these three.

    Args:
        one, other: ``results/<study>``, finished or not.
        out: the folder to write to; ``compare-<one>-<other>`` below the current one if not given.

    Raises:
        FileNotFoundError: one of them holds no study.
        ValueError: they are one study, one cannot be read, or ``out`` lies inside one of them.
    """
    if one.resolve() == other.resolve():
        raise ValueError(f"{other}: is the same study as {one}; give two")
    names = [folder.resolve().name for folder in (one, other)]
    out = out or Path("compare-{}-{}".format(*names))
    # Namesakes are told apart by their paths.
    names = names if names[0] != names[1] else list(map(str, (one, other)))
    first, second = (replace(_read(folder), name=name) for folder, name in zip((one, other), names, strict=True))
    for folder in (one, other):
        if out.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{out}: lies inside the study {folder}; give another folder with --out")
    found = differences_between(first, second)
    text = compared(first, second, found, _of_siblings())
    write_table(out / "compare.csv", found)
    write_text(out / "compare.md", text)
    write_text(out / "compare.html", page(text, lambda path: (out / path).read_bytes()))
    return out / "compare.html"


def _read(path: Path) -> Findings:
    """A study's findings; the commit is that of its own report, if it has one, and not of this process."""
    folder = StudyFolder(path)
    try:
        found = gather(folder)
        reported = read(folder.provenance, ProvenanceRecord) if folder.provenance.is_file() else {}
        return replace(found, provenance={**found.provenance, "git_commit": reported.get("git_commit", "")})
    except registry.PlugInError as error:
        raise ValueError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path}: cannot be read as a study ({why})") from error


def _of_siblings() -> list[str]:
    """The scores of metrics that look at all seeds of a cell together."""
    metrics = [registry.find("metric", name) for name in registry.names("metric")]
    return [score for metric in metrics if "sibling_means" in metric.needs for score in metric.all_scores()]
