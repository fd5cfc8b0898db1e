"""What the archive of a study is: its manifest, and which names may stand in it."""

from __future__ import annotations

import hashlib
import re
from typing import IO, Any

#: Lists every other file of the archive with its size and SHA-256.
MANIFEST = "manifest.json"
CRATE = "ro-crate-metadata.json"
#: Where a study is run anew: its config and plug-ins lie there, its results come there, beside the archived ones.
RERUN = "rerun"
#: Raise when an archive is laid out otherwise.
FORMAT = "multibeta study archive 1"
#: Bytes that are read or written at once.
BLOCK = 1 << 20

_PART = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,255}")


def is_safe(name: Any) -> bool:
    """Whether it is a relative path that stays below the folder it is unpacked in, on every system."""
    if not isinstance(name, str) or len(name) > 2000:
        return False
    return all(_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/"))


def copy(source: IO[bytes], target: IO[bytes], size: int) -> str:
    """Copy what there is, at most one byte more than ``size``, and return the SHA-256 of what was copied.

    Raises:
        ValueError: there are not exactly ``size`` bytes.
    """
    digest, left = hashlib.sha256(), size + 1
    while left and (block := source.read(min(BLOCK, left))):
        digest.update(block)
        target.write(block)
        left -= len(block)
    if left != 1:
        raise ValueError(f"has {'more' if left == 0 else 'fewer'} than the {size} bytes it is said to have")
    return digest.hexdigest()
