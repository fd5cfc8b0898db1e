"""How many seeds a study would need to see a difference, from the spread of those it has."""

from __future__ import annotations

from pathlib import Path

from multibeta import registry
from multibeta.report.comparisons import seeds_for
from multibeta.report.differences import seeds_in_words
from multibeta.results import StudyFolder
from multibeta.stages.shared.gather import gather


def power(study_folder: Path, metric: str, wanted: float) -> str:
    """A line for each dataset and variant, as text.

    Args:
        study_folder: ``results/<study>``, finished or not.
        metric: a score's name, such as ``mig``.
        wanted: the difference between two strengths that is to be seen.

    Raises:
        FileNotFoundError: the folder holds no study.
        ValueError: no cell has a number of that metric, or no two strengths share two seeds.
    """
    if not wanted > 0:
        raise ValueError(f"--difference {wanted:g}: must be above 0")
    findings = gather(StudyFolder(study_folder))
    known = list(dict.fromkeys(column.metric for column in findings.columns()))
    if metric not in known:
        hint = registry.nearest(metric, known) if known else "; nothing is measured yet"
        raise ValueError(f"{study_folder}: no cell has a number of metric {metric!r}{hint}")
    rows = [
        (dataset, variant, f"{std:.3g}", str(pairs), seeds_in_words(needed))
        for dataset, variant, std, pairs, needed in seeds_for(findings, metric, wanted)
    ]
    if not rows:
        raise ValueError(f"{study_folder}: no two strengths of a variant have {metric} for the same two seeds")
    lines = [("dataset", "variant", "spread", "pairs", f"to see {wanted:g} in {metric}"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return (
        f"{text}\n\nspread: standard deviation of the differences between strengths within seeds. A paired t-test at "
        "5 % finds the difference in four of five studies with that many seeds."
    )
