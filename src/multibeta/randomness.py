"""Random numbers keyed by (seed, purpose, step), so no result depends on what ran before or beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

#: Constants of SplitMix64 (Steele, Lea & Flood 2014, https://doi.org/10.1145/2660193.2660195).
GAMMA, MIX = np.uint64(0x9E3779B97F4A7C15), ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def key(seed: int, purpose: str, step: int = 0) -> int:
    """A 63-bit integer, a pure function of its arguments."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def numpy_generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    return np.random.default_rng(key(seed, purpose, step))


def torch_generator(seed: int, purpose: str, step: int = 0, device: str = "cpu") -> torch.Generator:
    import torch

    return torch.Generator(device).manual_seed(key(seed, purpose, step))


def words(seed: int, purpose: str, positions: NDArray[np.int64], count: int) -> NDArray[np.uint64]:
    """Uniform words (n, count) for the positions (n,) of images: the same for one whatever others are asked for.

    They are the outputs of SplitMix64 whose turn a position says, computed for all positions at once; a generator for
    each position would take longer to make than to draw from.
    """
    found: NDArray[np.uint64] = np.add.outer(positions * count, np.arange(1, count + 1)).astype(np.uint64)
    found *= GAMMA
    found += np.uint64(key(seed, purpose))
    for shift, factor in MIX:
        found ^= found >> np.uint64(shift)
        found *= np.uint64(factor)
    found ^= found >> np.uint64(31)
    return found


def octets(seed: int, purpose: str, positions: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    """Uniform bytes (n, count) for positions (n,), as `words`; the same on every machine."""
    little = words(seed, purpose, positions, -(-count // 8)).astype("<u8", copy=False)
    return little.view(np.uint8)[:, :count]
