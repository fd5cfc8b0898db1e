"""Random numbers keyed by (seed, purpose, step), so no result depends on what ran before or beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def key(seed: int, purpose: str, step: int = 0) -> int:
    """A 63-bit integer, a pure function of its arguments."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def numpy_generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    return np.random.default_rng(key(seed, purpose, step))


def torch_generator(seed: int, purpose: str, step: int = 0, device: str = "cpu") -> torch.Generator:
    import torch

    return torch.Generator(device).manual_seed(key(seed, purpose, step))
