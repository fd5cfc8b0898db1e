"""A small study under random SIGKILLs of its steps, of Snakemake, or of both ends as an undisturbed run does.

    OMP_NUM_THREADS=1 python benchmarks/torture.py [--kills 100] [--seed 0]

The same command is started anew after every kill. When the study has ended before all kills have fallen, it is begun
again in a fresh folder. Each time all files are compared with the undisturbed run: their names, and what is in them
without times; files that hold no times byte for byte. Prints which stages the kills hit. Exit status 1 at the first
difference or file too many.
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from safetensors import safe_open

ROOT = Path(__file__).parents[1]
STUDY = {
    "name": "tiny",
    "datasets": {"digits": {}},
    "variants": ["beta_vae"],
    "strengths": [1, 4],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 3, "budget": "400 steps", "learning_rate": 0.002},
    "evaluation": {"protocols": ["dlib19"], "codes": 400, "held_out": 60, "samples": 60},
    "running": {"checkpoint_seconds": 0.05},
}
#: Kills fall up to so many seconds after a step of the wanted stage has begun.
SPAN = 2.0
#: A round is let end after so many starts, so that the last stage does not take most kills.
ATTEMPTS = 15
#: What each stage leaves at its end, and how many of it.
ENDS = {
    "prepare": (".data/*/card.json", 1),
    "train": ("tiny/cells/*/*/*/models.safetensors", 2),
    "references": ("tiny/references/*.json", 1),
    "features": (".data/*/features.safetensors", 1),
    "measure": ("tiny/cells/*/*/*/metrics.csv", 2),
    "report": ("tiny/report.html", 1),
}
#: What differs between two undisturbed runs: times, what follows from them, and memory.
TIMES = {"seconds", "evaluation_seconds", "images_per_second", "peak_memory_mb"}
#: Written for people, with times among the numbers.
PROSE = {"report.html", "report.md", "methods.tex"}


def place(path: Path) -> Path:
    """A working folder with the workflow and the study in it."""
    path.mkdir()
    for name in ("Snakefile", "workflow", "profiles", "environment.yml"):
        (path / name).symlink_to(ROOT / name)
    (path / "config.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    return path


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Snakemake in a session of its own; it finds the rest in its log."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "2"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, start_new_session=True, stdout=log, stderr=log)


def steps(folder: Path) -> dict[int, str]:
    """The living steps of a folder, also those whose Snakemake is dead: stage by pid."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if (process / "cwd").resolve() == folder.resolve() and Path(words[1]).name == "multibeta":
                found[int(process.name)] = words[2]
        except (OSError, IndexError):
            continue
    return found


def disturb(folder: Path, drawn: random.Random) -> tuple[str, str] | None:
    """Start Snakemake and kill at a random moment: what was hit and who; None if it ended before."""
    results = folder / "results"
    to_come = [stage for stage, (end, count) in ENDS.items() if len(list(results.glob(end))) < count]
    if not to_come:
        return None
    wanted = drawn.choice(to_come)
    process = start(folder)
    while process.poll() is None and wanted not in steps(folder).values():
        time.sleep(0.02)
    moment = time.monotonic() + SPAN * drawn.random() ** 3  # the first steps are short
    while process.poll() is None and time.monotonic() < moment:
        time.sleep(0.01)
    who = drawn.choice(["step", "snakemake", "both"])
    hit = steps(folder)
    if process.poll() is not None or not hit:
        return None if process.wait() == 0 else ("between", "nobody")
    stages = "+".join(sorted(set(hit.values())))
    if who != "step":
        process.kill()
    for pid in hit if who != "snakemake" else ():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    return stages, who


def finish(folder: Path) -> None:
    """Run the study to its end, and wait for steps that outlived their Snakemake."""
    if status := start(folder).wait():
        sys.exit(f"{folder}: Snakemake ended with {status}\n{(folder / 'log').read_text(encoding='utf-8')[-3000:]}")
    while steps(folder):
        time.sleep(0.1)


def files(folder: Path) -> dict[str, bytes]:
    """What is in every file of the results, without times, by its relative path; logs are only named."""
    results = folder / "results"
    return {str(path.relative_to(results)): timeless(path) for path in sorted(results.rglob("*")) if path.is_file()}


def timeless(path: Path) -> bytes:
    """The bytes of a file, or what is in it besides times."""
    if path.suffix == ".log":
        return b""
    if path.suffix == ".safetensors" and {".state", ".lineage"} & set(path.parts):
        with safe_open(path, "numpy") as state:
            tensors = b"".join(name.encode() + state.get_tensor(name).tobytes() for name in sorted(state.keys()))
            return tensors + without_times(json.loads(state.metadata()["facts"]))
    if path.name in ("cell.json", "costs.json"):
        facts = json.loads(path.read_bytes())
        return without_times(facts if path.name == "cell.json" else sorted(facts))
    if path.name == "runs.csv":
        return without_times(list(csv.DictReader(path.open(encoding="utf-8"))))
    if path.name in PROSE:
        return re.sub(rb"[0-9.,]+", b"0", path.read_bytes())
    return path.read_bytes()


def without_times(facts: Any) -> bytes:
    """A JSON text of facts, without the keys that hold times."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(inner) for key, inner in value.items() if key not in TIMES}
        return [kept(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(kept(facts), sort_keys=True).encode()


def compare(found: dict[str, bytes], asked: dict[str, bytes]) -> list[str]:
    """One line for each file too many, missing or of other content."""
    return (
        [f"too many: {name}" for name in found.keys() - asked.keys()]
        + [f"missing: {name}" for name in asked.keys() - found.keys()]
        + [f"other content: {name}" for name in found.keys() & asked.keys() if found[name] != asked[name]]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    drawn = random.Random(asked.seed)
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    kills = rounds = 0
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        undisturbed = place(Path(scratch) / "undisturbed")
        finish(undisturbed)
        expected = files(undisturbed)
        while kills < asked.kills:
            folder = place(Path(scratch) / f"round{rounds}")
            for _ in range(ATTEMPTS):
                if kills == asked.kills or not (hit := disturb(folder, drawn)):
                    break
                if hit[1] != "nobody":
                    kills += 1
                    counts[hit] += 1
                    print(f"kill {kills}: {hit[1]} during {hit[0]}", flush=True)
            finish(folder)
            rounds += 1
            if wrong := compare(files(folder), expected):
                print(*wrong, sep="\n")
                return 1
            print(f"round {rounds}: {len(expected)} files as undisturbed", flush=True)
    for (stages, who), count in sorted(counts.items()):
        print(f"{count:4d}  {who} during {stages}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
