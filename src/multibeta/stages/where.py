"""Stage where: from one number of a report back to the runs, the code, the weights and the commands that made it."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from multibeta import registry
from multibeta.files import reading
from multibeta.option_values import canonical_strength
from multibeta.records import CellRecord, ProvenanceRecord, read, read_study
from multibeta.report.behind import TABLES, Behind, Cells, Row, behind, cell_in_words
from multibeta.report.findings import Column, ordered
from multibeta.report.paper import KINDS
from multibeta.report.statistics import interval
from multibeta.results import CellFolder, StudyFolder
from multibeta.stages.shared.witnesses import file_digest

#: How a number is written in a table, and a macro in numbers.tex, under a comment that says what it is.
NUMBER = re.compile(r"-?\d+(\.\d*)?(e[+-]?\d+)?")
MACRO = re.compile(r"\\newcommand\{\\(\w+)\}\{(.*)\}")
#: Columns of strengths, which have one spelling in every table: 1, 1.0 and 1e0 are the same.
STRENGTHS = {"beta", "next_beta", "against_beta", "beaten_by_beta"}


def where(table: Path, row: str, column: str | None = None) -> list[str]:
    """Say what a number of a report is, and list the runs behind it with commit, hash of weights and command.

    Args:
        table: a CSV table of ``results/<study>``, its numbers.tex, or a table of numbers in its ``tables/``.
        row: number of a row, the first below the header being 1, or ``key=value,…`` of its columns; a part that is not
            asked for by ``factor`` is not meant. Of numbers.tex, a macro.
        column: its name; of a LaTeX table, that of the metric. None: of numbers.tex, which has none.

    Raises:
        FileNotFoundError: there is no such table, or no study around it.
        ValueError: no such row or column; the message names what there is.
    """
    around = table.parent if table.parent.name else table.parent.absolute()  # named from within its folder
    inside = around.name == "tables"
    study = StudyFolder(around.parent if inside else around)
    if not study.study.is_file():
        raise FileNotFoundError(
            f"{table}: no table of a study (study.json is missing beside it); give results/<study>/…"
        )
    if not table.is_file():
        names = (path.name for path in around.glob("*.tex")) if inside else (*TABLES, study.numbers.name)
        there = sorted(name for name in names if (around / name).is_file())
        if not there:
            report = f"multibeta report {shlex.quote(str(study.path))}"
            raise FileNotFoundError(f"{table}: no such table: no report is written yet, run {report}")
        raise FileNotFoundError(f"{table}: no such table{registry.nearest(table.name, there)}")
    if table.name == study.numbers.name:
        source, found, name, shown = _of_macro(study, row)
    elif inside:
        source, found, name, shown = _of_latex(study, table, row, column or "")
    elif table.name in TABLES:
        source, found, name = table, _row(table, list(_rows(table)), row), column or ""
        if name not in found:
            what = f"no column {name!r}" if name else "say which column"
            raise ValueError(f"{table}: {what}{registry.nearest(name, list(found))}")
        shown = found[name]
    else:
        raise ValueError(f"{table}: no table whose numbers have runs behind them; give one of {', '.join(TABLES)}")
    description = read_study(study.study)
    cells: Cells = {
        (cell["dataset"]["name"], cell["variant"]["name"], cell["strength"]): cell["seeds"]
        for cell in description["cells"]
    }
    siblings = _of_siblings(description) if source.name == "metrics.csv" else []
    about = behind(source.name, found, name, partial(_rows, source), cells, siblings)
    of = "" if source == table else f", from {source.name}"
    older = _gone(study, about) if about.gone else _older(study, source, found, name, about)
    return [f"{shown or '(empty)'}: {about.what}{of}", *older, *_runs(study, about), *_report(study, description)]


def _row(path: Path, rows: Sequence[Row], wanted: str) -> Row:
    if wanted.isascii() and wanted.isdigit():
        if not 1 <= int(wanted) <= len(rows):
            raise ValueError(f"{path}: no row {wanted}; it has {len(rows)}, the first below the header is 1")
        return rows[int(wanted) - 1]
    keys: dict[str, str] = {}
    for part in wanted.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            raise ValueError(f"{path}: row {wanted!r} must be a number, or key=value,… such as dataset=digits,beta=4")
        if rows and name not in rows[0]:
            raise ValueError(f"{path}: no column {name!r} to find a row by{registry.nearest(name, list(rows[0]))}")
        keys[name] = _as_written(value) if name in STRENGTHS else value
    if rows and "factor" in rows[0]:
        keys.setdefault("factor", "")
    found = [row for row in rows if all(row[name] == value for name, value in keys.items())]
    if not found:
        raise ValueError(f"{path}: no row has {wanted}")
    if len(found) > 1:
        apart = [name for name in found[0] if len({row[name] for row in found}) > 1 and name not in keys]
        raise ValueError(f"{path}: {len(found)} rows have {wanted}; say more, such as {apart[0]}={found[0][apart[0]]}")
    return found[0]


def _as_written(strength: str) -> str:
    """A strength in its one spelling; what is none, as it is."""
    try:
        return canonical_strength(strength)
    except ValueError:
        return strength


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a table, as text."""
    with reading(path, (csv.Error, UnicodeDecodeError)), path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, restval="")


Found = tuple[Path, Row, str, str]


def _of_macro(study: StudyFolder, macro: str) -> Found:
    """The row of summary.csv or comparisons.csv that a macro is made of, its column, and how the macro reads."""
    macro, about = macro.removeprefix("\\"), ""
    comments: dict[str, tuple[str, str]] = {}
    for line in study.numbers.read_text(encoding="utf-8").splitlines():
        if line.startswith("% "):
            about = line[2:]
        elif (found := MACRO.match(line)) is not None:
            comments[found[1]] = about, found[2]
    if macro not in comments:
        raise ValueError(f"{study.numbers}: no macro \\{macro}{registry.nearest(macro, list(comments))}")
    about, shown = comments[macro]
    source = study.comparisons if about.startswith("difference in ") else study.summary
    for row in _rows(source):
        if not row.get("factor") and _about(row) == about:
            # A number's name ends in a digit spelled out, so only the macro of its p value ends in P.
            return source, row, "p_holm" if source == study.comparisons and macro.endswith("P") else "mean", shown
    raise ValueError(f"{source}: no row is {about}; the report is of two times, write it anew")


def _about(row: Row) -> str:
    """What the comment above a macro says of a row, as `multibeta.report.numbers` writes it."""
    what = f"{row['metric']} ({row['protocol']}, {row['representation']})"
    if "against_beta" not in row:
        return f"{what} of {row['dataset']}, {row['variant']}, {row['beta']}"
    beta = f", {row['beta']}" if row["beta"] else ""
    against = f"{row['against_variant']}, {row['against_beta']}"
    return f"difference in {what} of {row['dataset']}, {row['variant']}{beta} from {against} ({row['kind']})"


def _of_latex(study: StudyFolder, table: Path, row: str, metric: str) -> Found:
    """The row of summary.csv or comparisons.csv that a number of a LaTeX table is made of."""
    for dataset, kind in _tables_of(study):
        if table.stem != f"{dataset}_{f'differences_{KINDS[kind]}' if kind else 'core'}":
            continue
        source = study.comparisons if kind else study.summary
        own = [
            each
            for each in _rows(source)
            if each["dataset"] == dataset and not each.get("factor") and each.get("kind", "") == kind
        ]
        # A table shows the first column of a measure that has a number, as the report's figures do.
        columns = {
            Column(each["metric"], each["protocol"], each["representation"])
            for each in own
            if each["metric"] == metric and each.get("seeds") != "0"
        }
        if not columns:
            raise ValueError(
                f"{table}: no column {metric!r}{registry.nearest(metric, sorted({r['metric'] for r in own}))}"
            )
        first = ordered(columns)[0]
        rows = [each for each in own if (each["metric"], each["protocol"], each["representation"]) == first]
        found = _row(table, rows, row)
        return source, found, "mean", found["mean"]
    raise ValueError(f"{table}: no table of numbers; give <dataset>_core.tex or <dataset>_differences_<kind>.tex")


def _tables_of(study: StudyFolder) -> Iterator[tuple[str, str]]:
    """Dataset and kind of each table of the report, also of a dataset that is no longer in the study."""
    datasets = [cell["dataset"]["name"] for cell in read_study(study.study)["cells"]]
    reported = [row["dataset"] for row in _rows(study.summary)] if study.summary.is_file() else []
    for dataset in dict.fromkeys([*datasets, *reported]):
        for kind in ("", *KINDS):
            yield dataset, kind


def _of_siblings(study: Mapping[str, Any]) -> list[str]:
    """The scores of metrics that look at all seeds of a cell together."""
    for path in study["config"].get("plugins", []):
        registry.load_file(path)
    metrics = [registry.find("metric", name) for name in registry.names("metric")]
    return [score for metric in metrics if "sibling_means" in metric.needs for score in metric.all_scores()]


def _runs(study: StudyFolder, about: Behind) -> Iterator[str]:
    count = sum(map(len, about.cells.values()))
    yield f"behind it: {count} run{'s' * (count != 1)} of {len(about.cells)} cell{'s' * (len(about.cells) != 1)}"
    for place, seeds in about.cells.items():
        files = study.cell(*place)
        facts = read(files.cell, CellRecord)["runs"] if files.cell.is_file() else {}
        values = _values(files, about) if about.measure is not None else {}
        yield cell_in_words(place)
        for seed in seeds:
            run = facts.get(str(seed))
            if run is None:
                yield f"  seed {seed}: not trained yet"
                continue
            value = f", {values[str(seed)]}" if str(seed) in values else ""
            commit = run.get("git_commit") or "not known"
            yield f"  seed {seed}: {run['status']}{value}; fingerprint {run['fingerprint']}, commit {commit}"
        if files.models.is_file():
            yield f"  weights  {files.models}, sha256 {file_digest(files.models)}"
        folder = shlex.quote(str(files.path))
        yield f"  made by  multibeta train {folder} && multibeta measure {folder}"


def _values(files: CellFolder, about: Behind) -> dict[str, str]:
    """What each run of a cell scores, or why it does not, by seed."""
    found = {}
    for row in _rows(files.metrics) if files.metrics.is_file() else ():
        if (row["metric"], row["protocol"], row["representation"]) != about.measure:
            continue
        if row["factor"] == about.factor or row["status"] != "done":
            found[row["seed"]] = row["value"] or row["status"]
    return found


def _older(study: StudyFolder, source: Path, row: Row, column: str, about: Behind) -> Iterator[str]:
    """A line where a score or a mean is not what the cells now hold."""
    if (source.name, column) not in (("metrics.csv", "value"), ("summary.csv", "mean")) or not row[column]:
        return
    place = (row["dataset"], row["variant"], row["beta"])
    by_seed = _values(study.cell(*place), about)
    seeds = [row["seed"]] if "seed" in row else list(map(str, about.cells.get(place, ())))
    values = [float(by_seed[seed]) for seed in seeds if re.fullmatch(NUMBER, by_seed.get(seed, ""))]
    now = interval(values)[0]
    if now != float(row[column]):
        yield f"the cell now says {now!r}: the report is older, or one of them was altered"


def _gone(study: StudyFolder, about: Behind) -> Iterator[str]:
    """A line for each cell that the number is of and study.json no longer names."""
    report = f"multibeta report {shlex.quote(str(study.path))}"
    for place in about.gone:
        yield f"{cell_in_words(place)}: no longer in the study; the report is older than study.json, run {report}"


def _report(study: StudyFolder, description: Mapping[str, Any]) -> Iterator[str]:
    provenance: Mapping[str, Any] = {}
    if study.provenance.is_file():
        provenance = read(study.provenance, ProvenanceRecord)
    commit = provenance.get("git_commit") or "not known"
    yield f"report: multibeta report {shlex.quote(str(study.path))}, commit {commit}"
    command = provenance.get("command") or f"snakemake --cores all --configfile {description['config_file']}"
    yield f"all of it: {command}"
