"""What a dataset is, twice: the plug-in that makes it (`DatasetSource`) and the folder that others read (`Dataset`).

A dataset is one file here with one subclass of `DatasetSource`: declarative lines (title, licence, shape, factors,
files with hashes) and `build`, which turns verified files, or nothing, into arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from multibeta import registry
from multibeta.datasets import _splits, _storage
from multibeta.options import SplitOptions
from multibeta.records import ArraysRecord, held_to, read
from multibeta.registry import PlugIn


class DataError(RuntimeError):
    """Data that is missing, altered or not what its dataset declares; the message is one line."""


@dataclass(frozen=True)
class Factor:
    """A ground-truth factor of variation with values 0 … size − 1."""

    name: str
    size: int
    kind: Literal["categorical", "ordinal", "periodic"]


@dataclass(frozen=True)
class File:
    """A file of the official source and the hash that it must have.

    Attributes:
        name: of the file, in the mirror and in the cache.
        url: the official address.
        sha256: of the file, or of its decompressed content if ``gzip`` is set.
        git_blob: the SHA-1 by which git names the file's content, for a source that publishes no sha256.
        md5: for a source that publishes neither.
        mirrors: further addresses, tried in order when the official one does not give the file.
        of: the dataset in whose folder of mirror and cache the file lies, for one that is derived from another's.
        starts: the first bytes of a file whose source publishes no hash at all, which is then all that is verified.
    """

    name: str
    url: str
    sha256: str = ""
    gzip: bool = False
    git_blob: str = ""
    md5: str = ""
    mirrors: tuple[str, ...] = ()
    of: str = ""
    starts: bytes = b""

    @property
    def digest(self) -> str:
        """The hash with its kind: ``sha256:…``, ``git-blob:…`` or ``md5:…``; without any, ``starts:…``."""
        given = {"sha256": self.sha256, "git-blob": self.git_blob, "md5": self.md5, "starts": self.starts.hex()}
        return next(f"{kind}:{value}" for kind, value in given.items() if value)


@dataclass
class Arrays:
    """What `DatasetSource.build` makes of N images.

    Attributes:
        images: uint8 (N, H, W, C), or arrays (n, H, W, C) of them one after the other, for more than fit into memory.
        held_out: bool (N,), True for the images kept from training.
        factors: int (N, K) or None.
        labels: int (N,) or None.
        extras: further arrays by name, kept beside the images for `DatasetSource.derive`.
        left_out: what of the source is not among the images, by name, and why.
    """

    images: NDArray[np.uint8] | Iterable[NDArray[np.uint8]]
    held_out: NDArray[np.bool_]
    factors: NDArray[np.int64] | None = None
    labels: NDArray[np.int64] | None = None
    extras: dict[str, NDArray[Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class DatasetSource(PlugIn, kind="dataset"):
    """Base of every dataset plug-in.

    Declare ``title``, ``licence``, ``source``, ``citation`` (a BibTeX entry, if there is something to cite) and,
    where they exist, ``factors``, ``classes`` (names of the labels' classes, in order) and ``files``; the facts that
    depend on options may be properties instead.

    Example:
        >>> class Halves(DatasetSource):
        ...     title, licence, source = "Halves", "CC0-1.0", "drawn here"
        ...     factors = (Factor("white", 2, "categorical"),)
        ...     shape = (1, 4, 4)
        ...
        ...     def build(self, files):
        ...         images = np.zeros((2, 4, 4, 1), np.uint8)
        ...         images[0, :2] = images[1, 2:] = 255
        ...         return Arrays(images, np.array([False, True]), np.array([[0], [1]]))
        >>> Halves().build({}).images[1, :, 0, 0].tolist()
        [0, 0, 255, 255]
    """

    title: str
    licence: str
    source: str
    citation: str = ""
    factors: tuple[Factor, ...] = ()
    classes: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    #: True if the images are the full factorial grid of the factors, last factor fastest.
    grid: bool = False
    #: True if every pixel that `build` gives is 0 or 255: it is then kept as a bit.
    binary: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        raise NotImplementedError

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images that `build` gives, where `derive` makes others of them."""
        return self.shape

    def digests(self) -> list[str]:
        """The hashes, each with its kind, of all that the content is made of beside this plug-in and its options."""
        return [file.digest for file in self.files]

    def pinned(self) -> dict[str, Any]:
        """Options by which a study means the content that is there when it is read, and no other.

        Raises:
            DataError: the content is missing, or not the one that is asked for.
        """
        return {}

    def build(self, files: dict[str, Path]) -> Arrays:
        """The images and what is known of them, from the verified ``files`` by name. The same bytes on every call."""
        raise NotImplementedError

    def derive(
        self, images: NDArray[np.uint8], positions: NDArray[np.int64], extras: Mapping[str, NDArray[Any]]
    ) -> NDArray[np.uint8]:
        """The images (n, H, W, C) that are seen, made of stored ones whenever they are read: the same for a position.

        Args:
            images: the stored images (n, H, W, C) at the ``positions`` (n,).
            extras: of `Arrays`.
        """
        raise NotImplementedError

    def check_split(self, split: SplitOptions) -> None:
        """Raise a ValueError that begins with the option's path if the declarations say that this split cannot be."""
        _splits.check(split, self.factors)
        if self.grid and split.kind != "own":
            values = grid_factors(self.factors)
            _splits.held_out_images(split, self.factors, values, len(values))

    @classmethod
    def derives(cls) -> bool:
        """Are other images seen than those that `build` gives?"""
        return cls.derive is not DatasetSource.derive


def random_held_out(n: int, fraction: float = 0.1, most: int = 10_000) -> NDArray[np.bool_]:
    """A fixed split (n,) where there is no official one: True for ``fraction`` of the images, one to ``most``."""
    chosen = np.random.default_rng(0).permutation(n)[: min(most, max(1, round(n * fraction)))]
    held_out = np.zeros(n, dtype=bool)
    held_out[chosen] = True
    return held_out


def grid_factors(factors: Sequence[Factor]) -> NDArray[np.int64]:
    """The values (N, K) of all N combinations of K factors, the last factor fastest."""
    sizes = [factor.size for factor in factors]
    return np.indices(sizes, dtype=np.int64).reshape(len(sizes), -1).T


class Dataset:
    """A prepared dataset: the folder that ``multibeta prepare`` writes, memory-mapped, and split when it is opened.

    Args:
        split: what is held out and trained on; by default what the folder says. The images are the same for all.

    Attributes:
        card: title, licence, source, sizes, factors, classes and sha256 of the images, as in ``card.json``; ``split``
            says in words how it was split, unless by default.
        images: uint8 (N, H, W, C), read-only: `multibeta.datasets._storage.Images`, indexed as an array.
        held_out: bool (N,), of the images that no model is trained on.
        own_held_out: bool (N,), of those that the dataset's own split holds out.
        train: int64 (M,), positions of the images that models are trained on, in order; one may come several times.
        factors: int (N, K) or None; its columns are described by ``factor_specs``.
        labels: int (N,) or None.

    Raises:
        FileNotFoundError: the folder holds no prepared dataset.
        DataError: a file of it is damaged, or it cannot be split so.
    """

    def __init__(self, folder: str | Path, split: SplitOptions | None = None) -> None:
        self.folder = Path(folder)
        self.card = self._card()
        self.images: NDArray[np.uint8] = self._images()
        self.own_held_out: NDArray[np.bool_] = self._read("held_out.npy")
        self.factors: NDArray[np.int64] | None = self._read("factors.npy") if self.card["factors"] else None
        self.labels: NDArray[np.int64] | None = self._read("labels.npy") if self.card["classes"] else None
        self.factor_specs = tuple(Factor(**factor) for factor in self.card["factors"])
        self._check()
        self.held_out, self.train = self._split(split or SplitOptions())

    def _check(self) -> None:
        """Raise a DataError unless the arrays are of the form that the card says."""
        count, specs = len(self.images), self.factor_specs
        for name, array, kind, shape in (
            ("held_out", self.own_held_out, "b", (count,)),
            ("factors", self.factors, "i", (count, len(specs))),
            ("labels", self.labels, "i", (count,)),
        ):
            if array is not None and (array.dtype.kind != kind or array.shape != shape):
                self._damaged(f"{name}.npy", f"it holds {array.dtype} {array.shape}, not {shape}")
        sizes = {"factors": [spec.size for spec in specs], "labels": [len(self.classes)]}
        for name, array in (("factors", self.factors), ("labels", self.labels)):
            if array is not None and ((array < 0) | (array >= sizes[name])).any():
                self._damaged(f"{name}.npy", "it holds values that the card does not know")
        if self.card.get("shape") not in (None, list(self.shape)):
            self._damaged("card.json", f"its shape is {self.card['shape']}, that of the images {list(self.shape)}")

    def _card(self) -> dict[str, Any]:
        try:
            return read(self.folder / "card.json", ArraysRecord)
        except ValueError as error:
            raise DataError(f"{error}: multibeta prepare {self.folder}") from None

    def _damaged(self, name: str, why: str) -> NoReturn:
        raise DataError(
            f"{self.folder / name} is damaged ({why}); remove it and run multibeta prepare {self.folder}"
        ) from None

    def _split(self, split: SplitOptions) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """What is held out (N,) and what is trained on (M,); the card says it."""
        held_out, known = self.own_held_out, (self.factor_specs, self.factors)
        try:
            _splits.check(split, self.factor_specs)
            if split.kind != "own":
                held_out = _splits.held_out_images(split, *known, len(held_out))
        except ValueError as error:
            raise DataError(f"dataset {self.name}: {error}") from None
        train = _splits.training_images(split, *known, held_out)
        if split != SplitOptions():
            words = _splits.in_words(split, self.factor_specs, train)
            self.card |= {"held_out": int(held_out.sum()), "split": words}
        return held_out, train

    def _images(self) -> Any:
        card = {"binary": False, "derived": False, **self.card}
        stored = self._read(_storage.BITS if card["binary"] else _storage.BYTES)
        if not card["binary"] and not card["derived"]:
            return _storage.Images(stored, stored.shape[1:], stored.shape[1:], packed=False)
        if not (card.get("stored_shape") and card.get("shape")):
            self._damaged("card.json", "it has no shape and stored_shape")
        of_stored, of_seen = ((h, w, c) for c, h, w in (card["stored_shape"], card["shape"]))
        return _storage.Images(stored, of_stored, of_seen, card["binary"], self._derive if card["derived"] else None)

    def _derive(self, images: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        source, extras = self._source
        derived: NDArray[np.uint8] = source.derive(images, positions, extras)
        return derived

    @cached_property
    def _source(self) -> tuple[DatasetSource, dict[str, NDArray[Any]]]:
        card = {"plug_in": {"name": self.name}, "options": {}, "extras": [], **self.card}
        plug_in = registry.find("dataset", card["plug_in"]["name"])
        try:
            source: DatasetSource = plug_in(held_to(plug_in.Options, card["options"], self.folder / "card.json"))
        except ValueError as error:
            raise DataError(f"{error}: multibeta prepare {self.folder}") from None
        if not source.derives():
            self._damaged("card.json", f"images of {plug_in.name} are not derived from others")
        return source, {name: self._read(f"extra_{name}.npy") for name in card["extras"]}

    def _read(self, name: str) -> Any:
        path = self.folder / name
        mapped = name in (_storage.BITS, _storage.BYTES)
        try:
            found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
            if not isinstance(found, np.ndarray):
                raise ValueError("it is no array")
            return found
        except (ValueError, EOFError, MemoryError, OverflowError, SyntaxError, TokenError) as error:
            self._damaged(name, str(error))

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.card["classes"])

    def column(self, name: str) -> tuple[NDArray[np.int64], int]:
        """The values (N,) of the factor ``name``, or of the labels for ``"label"``, and how many values there are.

        Names joined by ``+`` give the combinations of several factors, the last one fastest.
        """
        if "+" in name:
            columns, sizes = zip(*(self.column(each) for each in name.split("+")), strict=True)
            return np.ravel_multi_index(columns, sizes), int(np.prod(sizes))
        if name == "label":
            if self.labels is None:
                raise ValueError(f"dataset {self.name} has no labels")
            return self.labels, len(self.classes)
        for position, factor in enumerate(self.factor_specs):
            if factor.name == name and self.factors is not None:
                return self.factors[:, position], factor.size
        raise ValueError(f"dataset {self.name} has no factor {name!r}")
