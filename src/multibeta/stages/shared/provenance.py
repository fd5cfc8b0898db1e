"""What a result rests on beside its spec: versions, hardware and the state of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("multibeta", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "snakemake")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that make the numbers; one not installed is absent."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str | int]:
    """Processor, cores and GPUs of this machine, and the instructions that PyTorch's kernels use of the processor."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "gpus": ", ".join(gpus) or "none",
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def git_commit() -> str:
    """The commit the working tree stands at, with ``+ changes`` if it was altered; empty outside a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit} + changes" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
