"""How long the explorer lets one wait on this machine, in Chromium: for the page, the first image, a moved slider.

    python benchmarks/explorer.py [results/default] [--dataset sprites] [--moves 60]

Serves the study by `multibeta explore`, as by hand; without one, two cells of sprites are trained shortly in a
temporary folder. A slider is moved by an arrow key, and the time is that from the key to another image in the page, and
to the frame that shows it, by the browser's own clock. Beside it stands what a decode takes alone, on one core, also of
a 64×64 net. Needs the extra `explorer`, Playwright and Chromium (Debian: apt-get install chromium).
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from multibeta.cli import main as multibeta

#: In the page: move the slider that has the focus, and when the image is another one, how long that took, ms.
WATCH = """image => { window.moved = new Promise(done => {
    let pressed;
    addEventListener("keydown", event => (pressed = event.timeStamp), { once: true, capture: true });
    new MutationObserver((_, watcher) => {
        watcher.disconnect();
        const changed = performance.now() - pressed;
        image.decode().then(() => requestAnimationFrame(() => requestAnimationFrame(
            () => done([changed, performance.now() - pressed])
        )));
    }).observe(image, { attributes: true, attributeFilter: ["src"] });
}); }"""


def trained(results: Path) -> Path:
    """A study of two cells of sprites."""
    for beta in ("1", "4"):
        train = ["train", "--dataset", "sprites", "--architecture", "small_conv", "--beta", beta, "--steps", "300"]
        if status := multibeta([*train, "--results", str(results)]):
            sys.exit(status)
    return results / "by_hand"


@contextmanager
def served(study: Path) -> Iterator[tuple[str, float]]:
    """The address of the page, and the seconds from the command until it answers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "multibeta.cli", "explore", str(study), "--port", str(port)]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                    break
                except OSError:
                    if server.poll() is not None:
                        sys.exit(server.returncode)
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/", time.monotonic() - started
        finally:
            server.terminate()


def moves(page: Any, count: int) -> tuple[list[float], list[float], list[float]]:
    """Of each of ``count`` moves the milliseconds until the image is another, is seen, and what of it was decoding."""
    image = page.locator("figure img").last
    image.wait_for()
    page.get_by_role("slider").first.focus()
    changed, seen, decoded = [], [], []
    for k in range(count + 5):
        page.wait_for_timeout(300)  # one at a time, as a hand that waits for what it sees
        page.evaluate(WATCH, image.element_handle())
        page.keyboard.press("ArrowRight" if k // 20 % 2 == 0 else "ArrowLeft")
        one, other = page.evaluate("window.moved")
        if k >= 5:
            changed.append(one)
            seen.append(other)
            decoded.append(float(re.findall(r"[\d.]+", page.locator(".took").inner_text())[0]))
    return changed, seen, decoded


def told(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    p90 = ordered[int(0.9 * len(ordered))]
    return f"{name:<52} median {statistics.median(values):6.1f} ms, 90 % below {p90:6.1f} ms, of {len(values)}"


def decodes() -> list[float]:
    """Milliseconds of a decode by a 64×64 net (Burgess et al. 2018, 10 latents) with random weights on one core."""
    import numpy as np
    import torch

    from multibeta.model import Run, build
    from multibeta.study import Study

    torch.set_num_threads(1)
    config = {"name": "x", "datasets": ["dsprites"], "variants": ["beta_vae"], "strengths": [1], "seeds": 1}
    (cell,) = Study.parse(config).cells
    run = Run(build(cell, 0), cell, 0)
    found = []
    for z in np.random.default_rng(0).standard_normal((210, 1, 10)):
        started = time.perf_counter()
        run.decode(z)
        found.append(1000 * (time.perf_counter() - started))
    return found[10:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, nargs="?")
    parser.add_argument("--dataset", default="sprites")
    parser.add_argument("--moves", type=int, default=60)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as results, sync_playwright() as playwright:
        study = options.study or trained(Path(results))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with served(study) as (address, seconds):
            print(f"{'page is up after the command':<52} {seconds:.2f} s")
            for visit in ("first visit", "second visit"):
                page = browser.new_page()
                started = time.monotonic()
                page.goto(f"{address}?dataset={options.dataset}")
                page.locator("figure img").first.wait_for()
                print(f"{f'first image, {visit}':<52} {time.monotonic() - started:.2f} s")
            for name, query in (("one model", "false"), ("two models", "true")):
                page.goto(f"{address}?dataset={options.dataset}&beside={query}")
                changed, seen, decoded = moves(page, options.moves)
                print(told(f"{options.dataset}, {name}: key to another image", changed))
                print(told(f"{options.dataset}, {name}: key to the frame that shows it", seen))
                print(told(f"{options.dataset}, {name}: of it decoding", decoded))
        browser.close()
    print(told("a 64×64 decode alone, one core", decodes()))


if __name__ == "__main__":
    main()
