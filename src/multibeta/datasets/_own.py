"""What datasets made of a user's own files share: where they lie, what they are called, and what is known of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import DataError, DatasetSource, Factor, _content, _splits
from multibeta.options import SplitOptions

NOT_STATED = "not stated"


class OwnOptions(registry.Options):
    """Where the files lie and what they are called."""

    path: str = Field(min_length=1, description="where the files lie; relative to the folder that commands start in")
    title: str | None = Field(None, description="of the dataset in reports; null: the name of its folder or file")
    licence: str = Field(NOT_STATED, description="of the images, for reports")
    source: str = Field(NOT_STATED, description="where the images come from, for reports")
    citation: str = Field("", description="a BibTeX entry, for reports")
    content: str | None = Field(
        None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="the hash that the files must have together; null: that which they have when a study is read",
    )


@dataclass(frozen=True)
class Known:
    """What the table or the small arrays say, without a look at the images.

    Attributes:
        factors: K of them.
        classes: names of the labels' classes.
        values: int64 (N, K), or None without factors.
        labels: int64 (N,), or None if there are none, or none yet.
        held_out: bool (N,), or None if nothing is known of the images one by one.
        names: of the N images, where they are files.
        grid: are the factors every combination once, the last factor fastest?
        shape: (C, H, W) of the images, where the files and no option decides it.
    """

    factors: tuple[Factor, ...] = ()
    classes: tuple[str, ...] = ()
    values: NDArray[np.int64] | None = None
    labels: NDArray[np.int64] | None = None
    held_out: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()
    grid: bool = False
    shape: tuple[int, int, int] | None = None


class OwnData(DatasetSource):
    """Base of the plug-ins for a user's own files; one writes `parts`, `describing`, `know`, `shape` and `build`."""

    #: What changes no image: where the files lie and what is said of them. Their content is in `digests`.
    identity_exclude = frozenset({"path", "title", "licence", "source", "citation", "content"})
    licence = NOT_STATED
    source = NOT_STATED

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.path = Path(self.options.path).expanduser()
        self.title = self.options.title or f"{type(self).title}: {self.path.resolve().name}"
        self.licence, self.source = self.options.licence, self.options.source
        self.citation = self.options.citation

    def parts(self) -> list[tuple[str, Path]]:
        """Each file of the content, with the name by which it counts; where it lies does not count."""
        raise NotImplementedError

    def describing(self) -> list[Path]:
        """The files and folders that `know` reads."""
        raise NotImplementedError

    def know(self) -> Known:
        """What is known without a look at the images.

        Raises:
            DataError: one line, naming the file.
        """
        raise NotImplementedError

    @property
    def known(self) -> Known:
        """As `know`, read once for as long as its files stay as they are: a study asks for it in every cell."""
        plug_in: Any = type(self)
        return _known(plug_in, self.options.model_dump_json(), stamps(self.describing()))

    @property
    def factors(self) -> tuple[Factor, ...]:  # type: ignore[override]
        return self.known.factors

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.known.classes

    @property
    def grid(self) -> bool:  # type: ignore[override]
        return self.known.grid

    def check_split(self, split: SplitOptions) -> None:
        super().check_split(split)
        if split.kind != "own" and self.known.held_out is not None:
            _splits.held_out_images(split, self.factors, self.known.values, len(self.known.held_out))

    def digests(self) -> list[str]:
        return [self.options.content or _content.digest(self.parts())]

    def pinned(self) -> dict[str, Any]:
        """The content that is there, as an option.

        Raises:
            DataError: it is not what the option ``content`` asks for.
        """
        found = _content.digest(self.parts())
        if self.options.content not in (None, found):
            raise DataError(
                f"{self.path} has changed: its content is {found}, not {self.options.content}; "
                "run the study again, or correct the option content"
            )
        return {"content": found}


@lru_cache(maxsize=16)
def _known(plug_in: Any, options: str, _stamps: tuple[Any, ...]) -> Known:
    known: Known = plug_in(plug_in.Options.model_validate_json(options)).know()
    return known


def stamps(paths: Iterable[Path]) -> tuple[tuple[str, int, int, int], ...]:
    """What changes when a file or folder does: place, size and both times.

    Raises:
        DataError: there is no such file.
    """
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from None
        found.append((os.path.abspath(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)
