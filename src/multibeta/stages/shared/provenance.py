"""What a result rests on beside its spec: versions, hardware and the state of the code."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("multibeta", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "snakemake")
#: Of a checkout, what numbers come from.
CODE = ("src", "workflow", "Snakefile")
#: What follows a commit where the code was not as in it.
CHANGED = "+ changes"


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


def git_commit(file: Path = Path(__file__)) -> str:
    """The commit that a source file's checkout stands at, with ``+ changes`` and their hash if its code was altered.

    Equal texts stand for equal code; other files of the checkout do not count. Empty where the file is in no commit.
    """
    try:
        _git(file.parent, "ls-files", "--error-unmatch", file.name)
        top = Path(_git(file.parent, "rev-parse", "--show-toplevel"))
        commit = _git(top, "rev-parse", "HEAD")
        altered = _git(top, "status", "--porcelain", "--untracked-files=all", "--", *CODE)
        return f"{commit} {CHANGED} {_hash_of_code(top)}" if altered else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _hash_of_code(top: Path) -> str:
    names = _git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE)
    found = hashlib.sha256()
    for path in (top / name for name in sorted(names.split("\0"))):
        content = path.read_bytes() if path.is_file() else b""
        found.update(f"{path.relative_to(top)} {len(content)} ".encode() + content)
    return found.hexdigest()[:12]


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
