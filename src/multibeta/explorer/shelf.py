"""What lies in a study's folder: its cells, which of their runs can be opened, and in one line why others cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from multibeta.cell import Cell
from multibeta.config_errors import first_line
from multibeta.files import read_json
from multibeta.plain import in_one_line
from multibeta.records import CellRecord, read
from multibeta.results import CellFolder, StudyFolder

#: Studies of what is trained from the explorer begin so; they are shown beside every study of the same results.
OWN = "explorer-"
#: What content that is not ours may raise while it is read.
DAMAGES = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError)


@dataclass(frozen=True)
class Shelved:
    """One cell on disk.

    Attributes:
        cell: what its spec.json says; None if it cannot be read.
        runs: status and reason by seed; empty while the cell is not trained.
        problem: in one line why none of its runs can be opened, though the cell should be there.
    """

    folder: CellFolder
    cell: Cell | None
    runs: Mapping[int, tuple[str, str]]
    problem: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Dataset, variant and β, as the path says them."""
        dataset, variant, beta = self.folder.path.parts[-3:]
        return dataset, variant, beta.removeprefix("beta~")

    @property
    def study(self) -> str:
        return self.folder.path.parts[-5]

    @property
    def is_own(self) -> bool:
        """Was it trained from the explorer?"""
        return self.study.startswith(OWN)

    @property
    def finished(self) -> list[int]:
        """The seeds that can be opened."""
        return [] if self.problem else [seed for seed, (status, _) in self.runs.items() if status == "done"]

    @property
    def modified(self) -> int:
        """When its models were written, ns."""
        return self.folder.models.stat().st_mtime_ns


@dataclass(frozen=True)
class Shelf:
    """The cells of a study, in its order, and those trained from the explorer behind them.

    Attributes:
        problem: what is wrong with study.json, which is not needed.
    """

    path: Path
    cells: tuple[Shelved, ...]
    problem: str = ""

    @property
    def openable(self) -> list[Shelved]:
        return [each for each in self.cells if each.finished]

    @property
    def problems(self) -> list[str]:
        """A line for each cell that is damaged."""
        found = [f"{' · '.join(each.place)}: {each.problem}" for each in self.cells if each.problem]
        return ([f"study.json: {self.problem}"] if self.problem else []) + found

    @property
    def waiting(self) -> int:
        """How many cells of the study are not trained yet."""
        return sum(not each.runs and not each.problem for each in self.cells)

    @property
    def failures(self) -> list[str]:
        """A line for each run that ended without a model."""
        return [
            in_one_line(f"{' · '.join(each.place)}, seed {seed}: {status}{f', {reason}' if reason else ''}")
            for each in self.cells
            for seed, (status, reason) in each.runs.items()
            if status != "done"
        ]


def read_shelf(study: Path, plugins: Collection[Path] = ()) -> Shelf:
    """What the folder of a study holds.

    Args:
        plugins: files that were named by the user and are loaded; no file that a result names is.

    Raises:
        FileNotFoundError: there is no study; the message is one line.
    """
    require_study(study)
    folder = StudyFolder(study)
    order, problem = _order(folder)
    own = sorted(each for each in folder.path.absolute().parent.glob(f"{OWN}*") if each.name != study.absolute().name)
    found = [_cells(study.absolute(), plugins)] + [_cells(each, plugins) for each in own]
    found[0].sort(key=lambda each: order.get(each.place, len(order)))  # stable: what study.json leaves out stays sorted
    return Shelf(study, tuple(cell for cells in found for cell in cells), problem)


def require_study(study: Path) -> None:
    """Raise a `FileNotFoundError`, of one line, unless the folder holds cells of a study."""
    if not study.is_dir():
        raise FileNotFoundError(
            f"{study}: {'is a file' if study.exists() else 'there is no such folder'}; {_give(study)}"
        )
    if not any(study.glob("cells/*/*/beta~*")):
        raise FileNotFoundError(f"{study}: holds no study (no cells/<dataset>/<variant>/beta~<β>); {_give(study)}")


def _give(path: Path) -> str:
    """Which folder might have been meant."""
    for folder in (path, path.absolute().parent):
        studies = sorted(each.parent.name for each in folder.glob("*/cells") if each.is_dir())
        if studies:
            place = folder if folder == path else path.parent
            return f"give {' or '.join(str(place / name) for name in studies[:5])}"
    return "give results/<study>, or train one: multibeta train --dataset sprites"


def _order(folder: StudyFolder) -> tuple[dict[tuple[str, str, str], int], str]:
    """The places of the cells in study.json, and what is wrong with it."""
    if not folder.study.is_file():
        return {}, ""
    try:
        specs = read_json(folder.study)["cells"]
        places = [(spec["dataset"]["name"], spec["variant"]["name"], spec["strength"]) for spec in specs]
    except DAMAGES as error:
        return {}, _told(error, folder.path)
    return {place: position for position, place in enumerate(places)}, ""


def _cells(study: Path, plugins: Collection[Path]) -> list[Shelved]:
    folders = [path for path in study.glob("cells/*/*/beta~*") if path.is_dir()]
    found = [_read(CellFolder(path), plugins) for path in folders]
    return sorted(found, key=lambda each: (each.place[:2], _number(each.place[2])))


def _read(folder: CellFolder, plugins: Collection[Path]) -> Shelved:
    try:
        cell = Cell.model_validate(_json(folder.spec))
        _refuse_unnamed(cell, plugins)
    except ValidationError as error:
        return Shelved(folder, None, {}, in_one_line(f"spec.json: {first_line(error, Cell)}"))
    except DAMAGES as error:
        return Shelved(folder, None, {}, _told(error, folder.path))
    if not folder.cell.is_file():
        return Shelved(folder, cell, {})
    try:
        runs = {
            int(seed): _status(cell, int(seed), run) for seed, run in _json(folder.cell, CellRecord)["runs"].items()
        }
        _check_weights(folder, [seed for seed, (status, _) in runs.items() if status == "done"])
    except DAMAGES as error:
        return Shelved(folder, cell, {}, _told(error, folder.path))
    return Shelved(folder, cell, runs)


def _json(path: Path, form: type[BaseModel] | None = None) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing")
    return read_json(path) if form is None else read(path, form)


def _refuse_unnamed(cell: Cell, plugins: Collection[Path]) -> None:
    """A file of Python is run only if the user names it, not because a result does."""
    for plugin in cell.plugins:
        if Path(plugin).resolve() not in plugins:
            raise ValueError(f"is made with {plugin}; if you trust that file, start with --plugin {plugin}")


def _status(cell: Cell, seed: int, run: Mapping[str, Any]) -> tuple[str, str]:
    if run["fingerprint"] != cell.run_fingerprint(seed):
        return "missing", "what lies there was trained from another spec"
    return run["status"], run["reason"]


def _check_weights(folder: CellFolder, seeds: list[int]) -> None:
    """Raise unless the file is whole, as its head tells, and has weights of the seeds."""
    from safetensors import SafetensorError, safe_open

    if not folder.models.is_file():
        raise FileNotFoundError("models.safetensors is missing")
    try:
        with safe_open(folder.models, framework="np") as file:
            found = {name.split("/")[0] for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise ValueError(f"models.safetensors: damaged ({error})") from None
    for seed in seeds:
        if f"seed{seed}" not in found:
            raise ValueError(f"models.safetensors: has no weights of seed {seed}")


def _told(error: Exception, folder: Path) -> str:
    """The message in one line, files by their names below the folder."""
    text = str(error) if str(error) else type(error).__name__
    if isinstance(error, LookupError | TypeError | AttributeError):
        text = f"cell.json or spec.json lacks or mistakes an entry ({type(error).__name__}: {error})"
    return in_one_line(text.replace(f"{folder}/", ""))


def _number(beta: str) -> tuple[float, str]:
    try:
        return float(beta), beta
    except ValueError:
        return float("inf"), beta
