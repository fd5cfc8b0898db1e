"""The documentation is complete, its links lead somewhere, and what it shows runs."""

import argparse
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
import yte

from multibeta import registry
from multibeta.cli import parser
from multibeta.metrics.image._weights import locked
from multibeta.option_values import PROTOCOLS
from multibeta.study import Study

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "config" / "README.md", *sorted(DOCS.rglob("*.md"))]
PROFILES = sorted((ROOT / "profiles").glob("*/config.yaml"))
METRICS = registry.names("metric")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    """Pages are tried in an empty folder, and what they load is forgotten."""
    monkeypatch.setattr(registry, "_outside", {})
    monkeypatch.chdir(tmp_path)


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", text(page), flags=re.DOTALL)


def plug_in(page, place=0):
    """The plug-in class of a how-to page, from the file the page names, after the page's study was read."""
    name = re.findall(r"^`(\w+\.py)`:$", text(page), flags=re.MULTILINE)[place]
    code, study = blocks(page, "python")[place], blocks(page, "yaml")[place]
    Path(name).write_text(code, encoding="utf-8")
    assert Study.parse(yaml.safe_load(study), str(page)).options.plugins == [name]
    (found,) = registry.load_file(name)
    return found


# What there is has a page, and the page says what is so.


@pytest.mark.parametrize("kind", ["metric", "variant"])
def test_every_metric_and_variant_has_a_page_and_no_page_is_left_over(kind):
    pages = {path.stem for path in (DOCS / f"{kind}s").glob("*.md")} - {"README"}
    assert pages == set(registry.names(kind))


@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_page_says_what_the_metric_declares(name):
    metric = registry.find("metric", name)
    page = text(f"docs/metrics/{name}.md")
    (row,) = re.findall(rf"^\| \[`{name}`\].*$", text("docs/metrics/README.md"), re.M)
    for link in re.findall(r"https://[^\s;,]+", metric.source):
        assert link in page
    for place in (page, row):
        assert all(f"`{protocol}`" in place for protocol in metric.recipes(list(PROTOCOLS)))
        assert all(re.search(rf"\b{score.better}\b", place) for score in metric.all_scores().values())
    assert all(f"`{score}`" in page for score in metric.all_scores())


@pytest.mark.parametrize("name", registry.names("variant"))
def test_a_variants_page_gives_source_strength_and_options(name):
    variant, page = registry.find("variant", name), text(f"docs/variants/{name}.md")
    grid = ", ".join(f"{strength:g}" for strength in variant.strengths)
    assert f"{variant.symbol}, by default {grid}" in page
    assert variant.source.partition(",")[0] in page
    assert all(f"`{option}`" in page for option in variant.Options.model_fields)


def needs_files(name):
    """Is it a dataset only with files of one's own?"""
    return any(option.is_required() for option in registry.find("dataset", name).Options.model_fields.values())


@pytest.mark.parametrize("name", [name for name in registry.names("dataset") if needs_files(name)])
def test_the_dataset_page_gives_every_option_for_ones_own_data(name):
    page, source = text("docs/datasets.md"), registry.find("dataset", name)
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    common = page.partition("\n## Your own data\n")[2].partition("\n## ")[0]
    for option, field in source.Options.model_fields.items():
        assert f"`{option}`" in section + common
        if option in ("size", "colour", "bins", "most_corrupt"):
            assert f"| `{option}` | {field.default} |" in section or name == "arrays"


@pytest.mark.parametrize("name", [name for name in registry.names("dataset") if not needs_files(name)])
def test_the_dataset_page_gives_sizes_licence_and_hashes(name):
    source, page = registry.find("dataset", name)(), text("docs/datasets.md")
    (row,) = re.findall(rf"^\| \[`{name}`\]\(#{name}\).*$", page, re.M)
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert f"{source.shape[1]}×{source.shape[2]}" in row
    assert all(f"{factor.name} {factor.size}" in row for factor in source.factors)
    assert f"Licence: {source.licence}" in " ".join(section.split())
    assert all(file.name in section and file.digest.partition(":")[2] in section for file in source.files)
    if not source.files:
        held_out = source.build({}).held_out
        assert f"| {len(held_out):,} |" in row
        assert f"| {held_out.sum()} |" in row


@pytest.mark.parametrize("name", registry.names("architecture"))
def test_the_architecture_page_gives_the_true_number_of_parameters(name):
    from multibeta.network import VAE

    (row,) = re.findall(rf"^\| `{name}` .*$", text("docs/architectures.md"), re.M)
    (side,) = re.findall(r"\((\d+)×\d+\) \|$", row)
    network = VAE(registry.find("architecture", name)(), (1, int(side), int(side)), latents=10)
    assert f" {sum(parameter.numel() for parameter in network.parameters()):,} " in row


def test_the_weights_page_repeats_the_lock():
    page = text("docs/how-to/weights.md")
    for name, weights in locked().items():
        facts = f"`{weights.file}` | {weights.bytes:,} | `{weights.sha256}` | {weights.licence} |"
        assert f"| `{name}` |" in page
        assert facts in page


# What is mentioned exists.


@every_page
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], anchor


def commands():
    """The options of every command of multibeta."""
    (action,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return {name: options_of(command) for name, command in action.choices.items()}


def options_of(command):
    """The options of a command and of the actions below it."""
    below = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    actions = [each for action in below for each in action.choices.values()]
    return set(command._option_string_actions).union(*map(options_of, actions))


def snakemake_options():
    from snakemake.cli import get_argument_parser

    return set(get_argument_parser()._option_string_actions)


def code(page):
    """Inline code, and the lines of code blocks that are not Python or YAML."""
    without = re.sub(r"```(python|yaml)\n.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [*re.findall(r"`([^`\n]+)`", without), *re.findall(r"^    (\S.*)$", without, re.M)]


@every_page
def test_commands_and_their_options_exist(page):
    known = commands()
    for line in code(page):
        for command, rest in re.findall(r"(?:^|\s)multibeta(?: ([a-z]\S*)([^#]*))", line):
            assert command in known, line
            assert set(re.findall(r"--[a-z-]+", rest)) <= known[command], line


@every_page
def test_options_mentioned_alone_exist(page):
    known = {*snakemake_options(), *(option for options in commands().values() for option in options), "--help"}
    for line in code(page):
        if line.startswith(("--", "snakemake ")):
            assert set(re.findall(r"--[a-z-]+", line)) <= known, line


def settings_of(profile):
    """What Snakemake reads in a profile, some of which are templates."""
    with profile.open(encoding="utf-8") as file:
        return yte.process_yaml(file, require_use_yte=True)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.parent.name)
def test_profiles_set_what_there_is(profile):
    settings = settings_of(profile)
    workflow = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):", workflow, re.M)
    # Options of an executor are known only where it is installed; its own name is --executor's value.
    unknown = {f"--{key}" for key in settings} - snakemake_options()
    assert all(option.startswith(f"--{settings.get('executor')}-") for option in unknown), unknown
    assert set(settings.get("set-resources", {})) <= set(rules)
    assert "CHANGE_ME" in str(settings) or profile.parent.name != "slurm"


@every_page
def test_profiles_take_the_place_of_the_default_one(page):
    """Given as --profile, one is read beside profiles/default, whose one GPU then wins."""
    assert not any("--profile profiles/" in line for line in code(page))


def test_profiles_agree_on_what_retrains():
    triggers = [settings_of(path)["rerun-triggers"] for path in PROFILES]
    assert triggers == [triggers[0]] * len(triggers)


# What is shown runs.


@pytest.mark.parametrize("study", blocks("docs/how-to/sweep.md", "yaml"))
def test_a_study_of_the_sweep_page_has_the_cells_it_says(study):
    cells = Study.parse(yaml.safe_load(study), "sweep.md").cells
    assert study.startswith(f"# {len(cells)} cells, {sum(len(cell.seeds) for cell in cells)} runs\n")


def test_the_layers_of_the_sweep_page_win_as_it_says():
    study = Study.parse(yaml.safe_load(blocks("docs/how-to/sweep.md", "yaml")[1]))
    training = study.cell("sprites", "cvae", "1").training
    assert (training.latents, training.learning_rate, training.budget) == (4, 0.002, "2000 steps")
    assert study.cell("mnist", "cvae", "1").training.budget == "5 epochs"


def test_the_widths_of_the_page_are_those_that_figures_are_drawn_in():
    from multibeta.figures._style import LOOKS

    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([\d., ]+) \| (\w+)", text("docs/how-to/writing.md"), re.M)
    shown = {name.strip("` "): (widths, font) for names, widths, font in rows for name in names.split(",")}
    for name, look in LOOKS.items():
        widths = [float(width) for width in shown[name][0].split(",")]
        assert widths == [width for width in (look.width, look.column) if width]
        assert shown[name][1].lower() in look.font
    assert set(shown) == set(LOOKS)


def test_the_published_value_of_the_page_is_of_something_measured():
    (shown,) = blocks("docs/how-to/published.md", "yaml")
    (entry,) = Study.parse(yaml.safe_load(shown), "published.md").options.report.published
    page = text("docs/how-to/published.md")
    assert all(f"`{key}`" in page for key in type(entry).model_fields)


def test_the_splits_of_the_page_are_those_of_the_dataset():
    (shown,) = blocks("docs/how-to/splits.md", "yaml")
    cells = Study.parse(yaml.safe_load(shown), "splits.md").cells
    assert len({cell.run_fingerprint(0) for cell in cells}) == len(cells) == 14
    assert len({cell.data_key for cell in cells}) == 1


def test_the_variant_of_the_page_punishes_correlated_means():
    import torch

    from multibeta.variants import Forward, objective
    from multibeta.variants._likelihoods import bernoulli

    found = plug_in("docs/how-to/own-variant.md")
    variant = found(found.Options(diagonal=5))

    def terms(mean):
        images = torch.rand(len(mean), 1, 4, 4)
        forward = Forward(images, mean, torch.zeros_like(mean), mean, torch.zeros_like(images), bernoulli)
        return variant.loss(forward, 2.0)

    uncorrelated = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert [terms(uncorrelated)[name][1].item() for name in ("covariance", "variance")] == [0, 0]
    equal = terms(uncorrelated[:, [0, 0]])
    assert (equal["covariance"][0], equal["covariance"][1].item()) == (2, 2)
    assert equal["variance"][0] == 10
    assert objective(equal) > objective(terms(uncorrelated))


def test_the_adversarial_variant_of_the_page_is_short_and_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    import torch

    from multibeta.training.images import Images
    from multibeta.training.run import Training
    from multibeta.training.state import RunState

    page = "docs/how-to/own-variant.md"
    found = plug_in(page, place=1)
    assert len(blocks(page, "python")[1].splitlines()) <= 60
    study = Study.parse(yaml.safe_load(blocks(page, "yaml")[1]))
    cell = study.cell("digits", found.name, "5")
    images = Images(np.random.default_rng(0).integers(0, 256, (200, 8, 8, 1), dtype=np.uint8))

    def run(training, steps):
        for _ in range(steps):
            training.run_step()
            training.finish_step()
        return training

    straight, stopped = (
        run(Training(cell, 0, images, images, "cpu"), 20),
        run(Training(cell, 0, images, images, "cpu"), 7),
    )
    RunState(tmp_path).write_checkpoint(stopped.state())
    resumed = Training(cell, 0, images, images, "cpu")
    resumed.restore(RunState(tmp_path).checkpoint())
    ours, theirs = run(resumed, 13).tensors(), straight.tensors()
    assert any(name.startswith("adversary_optimizer/") for name in theirs)
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())


def test_the_dataset_of_the_page_is_prepared(tmp_path):
    from multibeta.stages.prepare import prepare

    found = plug_in("docs/how-to/own-dataset.md")
    dataset = prepare(found.name, {}, tmp_path / "data")
    assert dataset.images.shape == (64, 8, 8, 1)
    assert dataset.held_out.sum() == 6
    assert (dataset.images[0, :, :, 0] == 255).sum() == 15


def test_the_folder_of_the_page_is_added_trained_and_named(tmp_path, monkeypatch, capsys):
    from multibeta.cli import main

    page = "docs/how-to/own-data.md"
    monkeypatch.setenv("MULTIBETA_DATASETS", str(tmp_path / "names"))
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    exec(*blocks(page, "python"), {})
    add, train = re.findall(r"^    multibeta (datasets add discs .*|train .*) *$", text(page), re.M)
    assert main(add.split()) == 0
    printed = capsys.readouterr()
    assert blocks(page, "text") == [printed.out.partition("\n")[0] + "\n"]
    assert (
        printed.err == "A folder of images: discs: 1 of 400 images left out: 007.png: is no image of a known format\n"
    )
    named, spelled = (Study.parse(yaml.safe_load(block)) for block in blocks(page, "yaml"))
    assert len(named.cells) == 4
    assert named.cell("discs", "beta_vae", "4").training_fingerprint == spelled.cells[1].training_fingerprint
    assert main(train.replace("2000", "3").split()) == 0
    assert main(["datasets", "remove", "discs"]) == 0


def test_the_edit_of_the_page_decodes():
    """On digits, which has the same factor, of a hardly trained model; the step is one that `measure` might keep."""
    from multibeta.cli import main

    page = "docs/how-to/attributes.md"
    told, untold = (Study.parse(yaml.safe_load(block)) for block in blocks(page, "yaml"))
    assert {cell.condition() for cell in told.cells} == {"Smiling+Male"}
    assert {cell.condition() for cell in untold.cells} == {None}
    (code,) = (block.replace("mnist", "digits").replace("/slant/", "/by_hand/") for block in blocks(page, "python"))
    cell = re.findall(r'cell = "(.*)"', code)[0]
    assert main(["train", "--dataset", "digits", "--beta", "4", "--steps", "3"]) == 0
    step = np.full(10, 0.5)
    kept = {"steps": np.stack([0 * step, step]), "attributes": np.array([[0, 7], [3, -1]])}
    np.savez(f"{cell}/arrays.npz", **{f"seed0/edit_effect/mean_difference_alone/edit/{k}": v for k, v in kept.items()})
    names = {}
    exec(code, names)
    assert names["step"].tolist() == step.tolist()
    assert names["slanted"].shape == (10, 1, 8, 8)


def test_the_metric_of_the_page_measures():
    from multibeta.metrics import NotComputed

    metric = plug_in("docs/how-to/own-metric.md")()
    one, other = np.random.default_rng(0).standard_normal((2, 100_000))
    correlated = np.stack([one, 0.8 * one + 0.6 * other], axis=1)
    assert metric.measure(codes=correlated).value == pytest.approx(0.8, abs=0.01)
    with pytest.raises(NotComputed, match="needs 2 latents that are not constant, found 1"):
        metric.measure(codes=np.stack([one, np.zeros_like(one)], axis=1))


def test_the_architecture_of_the_page_encodes_and_decodes():
    import torch

    from multibeta.network import VAE

    network = VAE(plug_in("docs/how-to/own-architecture.md")(), (3, 8, 12), latents=2, condition_size=3)
    images, condition = torch.rand(5, 3, 8, 12), torch.tensor([0, 1, 2, 0, 1])
    assert network.decode(network.encode(images, condition)[0], condition).shape == images.shape


def test_the_models_of_the_page_are_measured(capsys):
    from multibeta.cli import main

    (command,) = re.findall(r"^    multibeta (train .*--steps) \d+$", text("docs/how-to/anyones-model.md"), re.M)
    assert main([*command.split(), "20"]) == 0
    names = {}
    for shown in blocks("docs/how-to/anyones-model.md", "python"):
        exec(shown, names)
        assert set(names["table"].status) == {"done"}
    assert names["decoded"].shape == names["images"].shape
    assert "psnr" in capsys.readouterr().out


def dsprites_factors(rows=10_000):
    draws = np.random.default_rng(0)
    return np.stack([draws.integers(size, size=rows) for size in (3, 6, 40, 32, 32)], axis=1)


def test_the_numbers_of_the_mig_page():
    from multibeta.metrics.disentanglement._discrete import binned
    from multibeta.metrics.disentanglement.mig import mig as of_bins

    def mig(codes, factors):
        return of_bins(binned(codes, 20), factors)

    draws, factors = np.random.default_rng(1), dsprites_factors()
    assert mig(factors, factors).gaps.mean() == pytest.approx(0.90, abs=0.005)
    grid = factors % (3, 6, 10, 16, 16)
    assert mig(np.hstack([grid, draws.standard_normal(grid.shape)]), grid).gaps.mean() > 0.99
    batches = [mig(factors[i : i + 32], factors[i : i + 32]).gaps.mean() for i in range(0, 9600, 32)]
    assert np.mean(batches) == pytest.approx(0.2, abs=0.05)
    for rows, score in ((32, 0.03), (10_000, 0.0003)):
        found = [mig(draws.standard_normal((rows, 10)), factors[:rows]).gaps.mean() for _ in range(20)]
        assert np.mean(found) == pytest.approx(score, rel=0.4)
