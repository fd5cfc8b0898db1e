"""The reproducible benchmark of β-VAEs and their relatives.

`evaluate` scores anybody's model, `load_run` gives a trained one back, `load_study` the tables of a study,
`load_dataset` a dataset. Everything else is the command line's business: ``multibeta --help``.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["evaluate", "load_dataset", "load_run", "load_study"]


def __getattr__(name: str) -> Any:
    """Import the public functions when they are first asked for: they bring PyTorch with them."""
    if name == "evaluate":
        from multibeta.api import evaluate

        return evaluate
    if name == "load_dataset":
        from multibeta.api import load_dataset

        return load_dataset
    if name == "load_study":
        from multibeta.api import load_study

        return load_study
    if name == "load_run":
        from multibeta.model import load_run

        return load_run
    raise AttributeError(f"module 'multibeta' has no attribute {name!r}")
