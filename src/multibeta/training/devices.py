"""Where a training runs: the choice of device, one training per GPU, and the settings that make a CPU fast."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch

# glibc returns large blocks to the system at every step and faults them in again at the next; these keep them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP = 1 << 30


@contextmanager
def claim_device(wanted: str) -> Iterator[str]:
    """``"cpu"``, or ``"cuda:<i>"`` of a GPU that no other training of ours on this machine holds.

    Snakemake counts GPUs but does not say which one a job may use, so each is claimed by a file lock, which the
    system releases when the process ends, however it ends.

    Raises:
        RuntimeError: ``cuda`` is wanted and there is no GPU, or Slurm has given us one and PyTorch finds none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("running.device = 'cuda': PyTorch finds no GPU here; use 'auto' or 'cpu'")
    if wanted == "auto" and not torch.cuda.is_available() and (given := os.environ.get("SLURM_JOB_GPUS")):
        raise RuntimeError(
            f"running.device = 'auto': Slurm gave this job GPU {given}, which PyTorch cannot use; see "
            "what is wrong with it, or ask for 'cpu' and no GPU"
        )
    if wanted == "cpu" or not torch.cuda.is_available():
        tune_cpu()
        yield "cpu"
        return
    torch.backends.cudnn.deterministic = True
    locks = [_lock_file(index).open("w") for index in range(torch.cuda.device_count())]
    try:
        yield f"cuda:{_first_free(locks)}"
    finally:
        for lock in locks:
            lock.close()


def tune_cpu() -> None:
    """Keep freed memory in the process and treat denormal numbers as 0; both only change speed."""
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(_M_MMAP_THRESHOLD, _KEEP)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEEP)


def peak_memory_mb(device: str) -> float:
    """Largest memory in use so far, in MiB: allocated on the GPU, or resident of this process."""
    if device.startswith("cuda"):
        return float(torch.cuda.max_memory_allocated(device) / 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def device_name(device: str) -> str:
    """What the hardware is called, such as ``NVIDIA H200`` or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"


def _lock_file(index: int) -> Path:
    """Named after the card itself: under a scheduler every job may see its own card as number 0."""
    card = torch.cuda.get_device_properties(index).uuid
    return Path(tempfile.gettempdir()) / f"multibeta-{os.getuid()}-gpu-{card}.lock"


def _first_free(locks: Sequence[IO[str]]) -> int:
    """The first GPU whose lock is free; if all are held, the first, waited for."""
    for index, lock in enumerate(locks):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        return index
    fcntl.flock(locks[0], fcntl.LOCK_EX)
    return 0
