"""How long the report of a large study takes to be written, and its page to be opened.

    python benchmarks/report.py [--datasets 5] [--variants 10] [--strengths 20] [--seeds 3] [--keep FOLDER]

Trains four small cells in a temporary folder and makes a study of thousands of runs of them: every cell has the files
of one of the four, its numbers altered at random. A stand-in for a study's size, which says nothing about any model.
Prints the seconds and the peak memory of `multibeta report`, the bytes of what it writes, and the seconds until the
page has loaded and been painted in headless Chromium, if there is one (`chromium` or $CHROMIUM).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np

from multibeta.cell import Cell
from multibeta.files import read_json, read_table, write_json, write_table
from multibeta.results import CellFolder
from multibeta.stages.measure import measure
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.references import write_references
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.train import train
from multibeta.study import Study

DATASETS, VARIANTS = {"sprites": "small_conv", "digits": "mlp"}, ("beta_vae", "cvae")
TRAINING = {"budget": "300 steps", "latents": 10, "learning_rate": 0.002, "log_every": 10}
#: Files of a cell that are the same for all that stand for it.
SHARED = ("models.safetensors", "codes.npz", "history.csv", "costs.json", "arrays.npz")
#: Loaded, laid out and painted: two frames after the load event. The page then says so at an address of this process.
STOPWATCH = """<script>
addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(() => {{
  fetch("http://127.0.0.1:{port}/" + performance.now(), {{mode: "no-cors"}});
}})));
</script>"""


def small_study(seeds: int, root: Path) -> Study:
    """Four trained and measured cells."""
    config = {
        "name": "small",
        "datasets": {name: {"training": {"architecture": net}} for name, net in DATASETS.items()},
        "variants": list(VARIANTS),
        "strengths": [0.1],  # so low that latents are active after so few steps
        "seeds": seeds,
        "training": TRAINING,
        "running": {"device": "cpu"},
    }
    study = Study.parse(config)
    write_specs(study, root)
    for cell in study.cells:
        folder = cell.folder(root)
        prepare_of_cell(folder)
        train(folder)
        measure(folder)
    return study


def large_study(options: argparse.Namespace, small: Study, root: Path) -> Study:
    """Cells by the thousand, of which each has the files of a cell of the small study."""
    datasets = [list(DATASETS)[i % len(DATASETS)] for i in range(options.datasets)]
    variants = [VARIANTS[i % len(VARIANTS)] for i in range(options.variants)]
    config = {
        "name": "large",
        "datasets": {
            f"{name}{i}": {"dataset": name, "training": {"architecture": DATASETS[name]}}
            for i, name in enumerate(datasets)
        },
        "variants": {f"{name}{i}": {"variant": name} for i, name in enumerate(variants)},
        "strengths": [float(f"{strength:.3g}") for strength in np.geomspace(0.1, 100, options.strengths)],
        "seeds": options.seeds,
        "training": TRAINING,
        "running": {"device": "cpu"},
    }
    study = Study.parse(config)
    write_specs(study, root)
    templates = {(cell.dataset.plug_in, cell.variant.plug_in): cell.folder(root) for cell in small.cells}
    for number, cell in enumerate(study.cells):
        stand_in(cell, templates[cell.dataset.plug_in, cell.variant.plug_in], cell.folder(root), number)
    for dataset in study.options.datasets:
        write_references(study.folder(root), dataset)
    return study


def stand_in(cell: Cell, source: CellFolder, folder: CellFolder, number: int) -> None:
    """Give a cell the files of another, its own name and fingerprints, and altered numbers."""
    place = {"dataset": cell.dataset.name, "variant": cell.variant.name, "beta": cell.strength}
    facts = read_json(source.cell)
    for seed, run in facts["runs"].items():
        run["fingerprint"] = cell.run_fingerprint(int(seed))
    write_json(folder.cell, {**facts, **place})
    generator = np.random.default_rng(number)
    for name in ("metrics", "repeats"):
        table = read_table(getattr(source, name))
        altered = table.value * np.exp(0.1 * generator.standard_normal(len(table)))
        write_table(getattr(folder, name), table.assign(**place, value=altered))
    for name in SHARED:
        os.link(source.path / name, folder.path / name)
    folder.figures.mkdir()
    for picture in source.figures.iterdir():
        os.link(picture, folder.figures / picture.name)


def seconds_to_open(page: Path, patience: float = 120) -> float | None:
    """Until a page is loaded and painted in headless Chromium, from the start of its navigation; None without one."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return None
    milliseconds: list[float] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            milliseconds.append(float(self.path.strip("/")))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server, tempfile.TemporaryDirectory() as profile:
        server.timeout = patience
        timed = page.with_name("timed.html")
        stopwatch = STOPWATCH.format(port=server.server_port)
        timed.write_text(
            page.read_text(encoding="utf-8").replace("<head>", f"<head>\n{stopwatch}", 1), encoding="utf-8"
        )
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"]
        command += [f"--user-data-dir={profile}", "--remote-debugging-port=0", timed.as_uri()]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.handle_request()
        browser.terminate()
        browser.wait()
        timed.unlink()
    if not milliseconds:
        sys.exit(f"Chromium did not finish loading {page} within {patience:g} s")
    return milliseconds[0] / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("datasets", 5), ("variants", 10), ("strengths", 20), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the studies there, or use those made there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = (options.keep or Path(temporary)) / "results"
        folder = root / "large"
        if not folder.exists():
            large_study(options, small_study(options.seeds, root), root)
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        started = time.monotonic()
        command = [str(Path(sys.executable).with_name("multibeta")), "report", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        runs = sum(len(cell["seeds"]) for cell in study["cells"])
        print(f"{len(study['cells'])} cells, {runs} runs")
        print(f"report: {wall:.1f} s, of the processor {used.ru_utime + used.ru_stime:.1f} s")
        print(f"peak memory: {used.ru_maxrss / 2**20:.2f} GiB")
        for name in ("report.html", "report.md", "metrics.csv"):
            print(f"{name}: {(folder / name).stat().st_size / 1e6:.1f} MB")
        opened = [seconds_to_open(folder / "report.html") for _ in range(3)]
        print("opened in Chromium: " + ", ".join("no Chromium" if each is None else f"{each:.2f} s" for each in opened))


if __name__ == "__main__":
    main()
