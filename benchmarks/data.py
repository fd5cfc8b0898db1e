"""A million images of 64×64 on a factor grid: how much memory writing them takes, and how fast random batches come.

    python benchmarks/data.py [--images 1000000] [--folder FOLDER]

Writes a synthetic grid as a dataset of black and white images (bits) and one of an eighth as many RGB images (bytes)
by `multibeta.stages.prepare`, opens each, and gathers random batches of 64 as a training step does. Beside it the same
batches from an HDF5 file of the same images, the layout of the official sources, through h5py.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from multibeta import registry
from multibeta.datasets import Arrays, Dataset, DatasetSource, Factor, grid_factors, random_held_out
from multibeta.datasets._storage import CHUNK
from multibeta.stages.prepare import prepare
from multibeta.training.images import Images

BATCH, ROUNDS, BATCHES = 64, 7, 200
SIDE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where they are written; default: a temporary folder")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), "grey", options.images, channels=1)
        measure(Path(folder), "rgb", options.images // 8, channels=3)


def measure(folder: Path, name: str, count: int, channels: int) -> None:
    source = grid(name, count, channels)
    registry._outside["dataset", name] = source
    started = time.perf_counter()
    with most_memory() as most:
        prepare(name, {}, folder / name)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    dataset = Dataset(folder / name)
    opened = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (folder / name).iterdir()) / 2**30
    print(f"{name}: {len(dataset.images):,} images, {size:.2f} GiB in {seconds:.0f} s")
    print(f"  memory of the process, PyTorch and all, at most {max(most) / 1024:.0f} MiB; opened in {opened:.3f} s")
    ours = rates(Images(dataset.images).batch, len(dataset.images))
    with h5py.File(folder / f"{name}.h5", "w") as file:
        few = min(len(dataset.images), 65_536)
        file.create_dataset("images", data=dataset.images[:few], chunks=(1, SIDE, SIDE, channels))
        stored = file["images"]
        peer = rates(lambda chosen: torch.from_numpy(stored[np.unique(chosen)]).float().div_(255), few, batches=20)
    print(f"  batches of {BATCH}: {ours:,.0f} images/s; h5py {peer:,.0f}; ratio {ours / peer:.1f}")


def grid(name: str, count: int, channels: int) -> type[DatasetSource]:
    """A factor grid of at least ``count`` images: a bar of 10 widths at 64 places, as often as it takes."""
    sizes = (-(-count // 640), 10, 64)

    def build(self: DatasetSource, files: dict[str, Path]) -> Arrays:
        factors = grid_factors(self.factors)
        return Arrays(drawn(factors, channels), random_held_out(len(factors)), factors)

    declared = {
        "title": name,
        "licence": "none",
        "source": "drawn here",
        "factors": tuple(Factor(each, size, "ordinal") for each, size in zip("abc", sizes, strict=True)),
        "grid": True,
        "binary": channels == 1,
        "shape": (channels, SIDE, SIDE),
        "build": build,
    }
    source = type(name, (DatasetSource,), declared)
    source.name = name
    return source


def drawn(factors: NDArray[np.int64], channels: int) -> Iterator[NDArray[np.uint8]]:
    columns = np.arange(SIDE)
    for start in range(0, len(factors), CHUNK):
        seed, width, place = factors[start : start + CHUNK].T
        row = 255 * ((columns - place[:, None]) % SIDE <= width[:, None] + seed[:, None] % 7).astype(np.uint8)
        yield np.broadcast_to(row[:, None, :, None], (len(row), SIDE, SIDE, channels))


def rates(batch: Callable[[torch.Tensor], object], count: int, batches: int = BATCHES) -> float:
    """Images per second of random batches, the median of several rounds."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(ROUNDS):
        chosen = torch.randint(count, (batches, BATCH), generator=generator)
        started = time.perf_counter()
        for indices in chosen:
            batch(indices)
        found.append(batches * BATCH / (time.perf_counter() - started))
    return statistics.median(found)


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """The process's own memory in KiB, without what it maps of files, looked at all the while."""
    found, done = [own_memory()], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            found.append(own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def own_memory() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1])


if __name__ == "__main__":
    main()
