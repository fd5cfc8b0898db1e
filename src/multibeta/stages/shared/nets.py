"""The nets of a study that differ in what a step costs, and what it takes of each on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from multibeta.cell import Cell, fingerprint
from multibeta.training.pace import Pace

#: Options of a training that change what a net becomes, and not how long its step takes.
WITHOUT_COST = {
    *("budget", "learning_rate", "adam_betas", "noise_std", "pretrained", "initial_weights", "log_every"),
    *("strength_schedule", "schedule_steps", "schedule_start", "learning_rate_schedule", "learning_rate_warmup"),
    *("plateau_factor", "validate_every", "held_out_loss"),
}
#: Dataset and variant: all their cells have one net and one budget.
Entry = tuple[str, str]


@dataclass(frozen=True)
class Net:
    """What a step takes in all cells of one net.

    Attributes:
        entries: the datasets and variants that share it.
        cells, runs: of the study.
    """

    entries: Sequence[Entry]
    architecture: str
    pace: Pace
    cells: int
    runs: int


def entry_of(cell: Cell) -> Entry:
    return cell.dataset.name, cell.variant.name


def nets_of(cells: Sequence[Cell], device: str, measure: Callable[[Cell, str], Pace]) -> list[Net]:
    """Those of a study, each measured by its first cell.

    Args:
        device: ``cpu`` or ``cuda:<i>``.
        measure: what a training of a cell takes on a device.

    Raises:
        ValueError: one cannot be trained; the message names it.
    """
    nets: dict[str, Net] = {}
    keys: dict[Entry, str] = {}
    for cell in cells:
        entry = entry_of(cell)
        if entry not in keys:
            keys[entry] = _costs(cell)
            if keys[entry] not in nets:
                nets[keys[entry]] = Net((), cell.training.architecture, _measured(cell, device, measure), 0, 0)
            known = nets[keys[entry]]
            nets[keys[entry]] = replace(known, entries=(*known.entries, entry))
        net = nets[keys[entry]]
        nets[keys[entry]] = replace(net, cells=net.cells + 1, runs=net.runs + len(cell.seeds))
    return list(nets.values())


def _costs(cell: Cell) -> str:
    """A hash of all that a step's cost depends on."""
    source = cell.dataset.make("dataset")
    training = cell.training.model_dump(mode="json", exclude=WITHOUT_COST)
    return fingerprint([source.shape, source.binary, cell.condition_size(), cell.variant.identity("variant"), training])


def _measured(cell: Cell, device: str, measure: Callable[[Cell, str], Pace]) -> Pace:
    try:
        return measure(cell, device)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{' '.join(entry_of(cell))}: cannot be trained ({type(error).__name__}: {reason})") from error
