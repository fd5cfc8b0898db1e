"""The documentation is complete, its links lead somewhere, and what it shows runs."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from multibeta import registry
from multibeta.study import Study

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "config" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(registry, "_outside", {})


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def plug_in(page, kind, tmp_path):
    path = tmp_path / f"mine_{kind}.py"
    path.write_text(blocks(page, "python")[0], encoding="utf-8")
    registry.load_file(path)
    return registry.find(kind, path.stem)()


@pytest.mark.parametrize("kind", ["metric", "variant"])
def test_every_metric_and_variant_has_a_page(kind):
    for name in registry.names(kind):
        assert (ROOT / "docs" / f"{kind}s" / f"{name}.md").is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_exist(page, capsys):
    from multibeta.cli import main

    for line in re.findall(r"multibeta ((?:[a-z]+)(?: [^\n`]*)?)[\n`]", page.read_text(encoding="utf-8")):
        command, *rest = line.split()
        if command in ("is", "study", "trained", "needs"):
            continue
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, line
        described = capsys.readouterr().out
        assert all(option in described for option in rest if option.startswith("--")), line


@pytest.mark.parametrize("text", blocks("docs/how-to/sweep.md", "yaml"))
def test_studies_of_the_sweep_page_parse(text):
    assert Study.parse(yaml.safe_load(text), "sweep.md").cells


def test_the_dataset_of_the_page_is_prepared(tmp_path):
    from multibeta.stages.prepare import prepare

    plug_in("docs/how-to/own-dataset.md", "dataset", tmp_path)
    dataset = prepare("mine_dataset", {}, tmp_path / "data")
    assert dataset.images.shape == (64, 8, 8, 1)


def test_the_metric_of_the_page_measures(tmp_path):
    metric = plug_in("docs/how-to/own-metric.md", "metric", tmp_path)
    result = metric.measure(images=np.zeros((3, 1, 8, 8)), samples=np.ones((4, 1, 8, 8)))
    assert (result.value, result.n) == (1.0, 4)


def test_the_architecture_of_the_page_encodes_and_decodes(tmp_path):
    import torch

    from multibeta.model import VAE

    network = VAE(plug_in("docs/how-to/own-architecture.md", "architecture", tmp_path), (3, 8, 8), latents=2)
    assert network.decode(network.encode(torch.rand(5, 3, 8, 8))[0]).shape == (5, 3, 8, 8)
