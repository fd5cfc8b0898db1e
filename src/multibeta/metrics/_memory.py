"""Features that several metrics take of the same images, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Found = TypeVar("Found")
#: The held-out images, the samples, and one more.
MOST = 3


class Memory(Generic[Found]):
    """Calls a function, and remembers what it gave for the last few arrays, which are known by their content."""

    def __init__(self, function: Callable[[NDArray[Any]], Found]) -> None:
        self._function = function
        self._known: dict[tuple[Any, ...], Found] = {}

    def __call__(self, array: NDArray[Any]) -> Found:
        content = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).digest()
        key = (array.shape, array.dtype.str, content)
        # What is asked for again is the last to be forgotten: held-out images outlive the samples of model after model.
        found = self._known.pop(key) if key in self._known else self._function(array)
        self._known[key] = found
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return found
