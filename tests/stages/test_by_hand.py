"""One model by hand: the commands of the README on a folder, and plug-ins of one's own."""

from pathlib import Path

import numpy as np
import pytest

import multibeta
from multibeta import registry
from multibeta.cli import main
from multibeta.config_errors import ConfigError
from multibeta.datasets import Dataset
from multibeta.files import read_json, read_table
from multibeta.metrics import all_scores
from multibeta.results import CellFolder, data_folder
from multibeta.stages.shared.metric_rows import read_arrays
from multibeta.stages.shared.specs import read_cell
from multibeta.stages.shared.specs_by_hand import apply_settings, fitting_architecture

pytest.importorskip("torch")
EVALUATION = {"codes": 300, "held_out": 60, "samples": 60}
SMALL = [part for key, value in EVALUATION.items() for part in ("--set", f"evaluation.{key}={value}")]

PLUG_INS = {
    "bars": """
import numpy as np
from multibeta.datasets import Arrays, DatasetSource, Factor, grid_factors, random_held_out

class Bars(DatasetSource):
    title, licence, source = "Bars", "CC0-1.0", "rendered here"
    factors = (Factor("row", 8, "ordinal"), Factor("column", 8, "ordinal"))
    grid, shape = True, (1, 8, 8)

    def build(self, files):
        factors = grid_factors(self.factors)
        images = np.zeros((64, 8, 8, 1), dtype=np.uint8)
        for image, (row, column) in zip(images, factors, strict=True):
            image[row, :] = image[:, column] = 255
        return Arrays(images, random_held_out(64), factors)
""",
    "small_codes": """
from pydantic import Field
from multibeta import registry
from multibeta.variants import Variant

class SmallCodes(Variant):
    class Options(registry.Options):
        scale: float = Field(1, gt=0, description="of the penalty")

    title, source, symbol = "Small codes", "this test", "λ"

    def loss(self, forward, strength):
        size = forward.mean.square().sum(1).mean()
        return {"reconstruction": (1.0, forward.reconstruction), "size": (strength * self.options.scale, size)}
""",
    "one_layer": """
import math
from multibeta.architectures import Architecture

class OneLayer(Architecture):
    title, source = "one layer", "this test"

    def encoder(self, shape):
        from torch import nn
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 20), nn.Tanh()), 20

    def decoder(self, shape, inputs):
        from torch import nn
        return nn.Sequential(nn.Linear(inputs, math.prod(shape)), nn.Unflatten(1, shape))
""",
    "spread": """
from multibeta.metrics import Metric, Result

class Spread(Metric):
    title, source, protocol, needs = "Spread", "this test", "toy", ("codes",)

    def measure(self, *, codes):
        parts = {f"z{latent}": float(value) for latent, value in enumerate(codes.std(0))}
        return Result(float(codes.std()), n=len(codes), parts=parts)
""",
}


def run(*arguments, status=0):
    assert main([str(argument) for argument in arguments]) == status


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    """Commands run in a folder of their own, and what they load is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_outside", {})


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """A CVAE of digits, trained, evaluated and drawn by three commands."""
    root = tmp_path_factory.mktemp("results")
    which = ["--dataset", "digits", "--variant", "cvae", "--beta", "2.0", "--seeds", 0, 3, "--epochs", 1]
    run("train", *which, *SMALL, "--results", root)
    folder = CellFolder(root / "by_hand/cells/digits/cvae/beta~2")
    run("evaluate", folder.path)
    run("draw", folder.path)
    return folder


def test_training_prints_the_end_of_every_seed_and_the_folder(capsys):
    run("train", "--dataset", "digits", "--steps", 3, "--seeds", 4, 2, "--latents", 2)
    assert capsys.readouterr().out == "seed 4: done\nseed 2: done\nresults/by_hand/cells/digits/beta_vae/beta~1\n"


def test_what_was_asked_for_is_what_was_trained(cell):
    spec, made = read_cell(cell), read_json(cell.cell)
    assert (spec.strength, spec.seeds, spec.training.budget, spec.variant.plug_in) == ("2", [0, 3], "1 epochs", "cvae")
    assert made["condition"] == "label"
    assert {run["steps"] for run in made["runs"].values()} == {1617 // 64}


def test_evaluating_measures_every_metric_of_every_seed(cell):
    table = read_table(cell.metrics)
    assert set(table.metric) == set(all_scores())
    assert set(table.seed) == {0, 3}
    assert table[table.status == "done"].value.notna().all()
    assert table[table.status != "done"].status.str.startswith("not computed: ").all()
    done = ["mig", "kl", "reconstruction", "mse", "fd_domain", "dci_disentanglement", "controllability", "udr"]
    assert set(table[table.metric.isin(done)].status) == {"done"}


def test_what_is_luck_of_the_draw_is_measured_on_the_first_run(cell):
    repeats, table = read_table(cell.repeats), read_table(cell.metrics)
    assert set(repeats.seed) == {0}
    assert set(repeats.metric_seed) == {0, 1}
    by_seed = repeats.pivot(index=["metric", "protocol", "representation"], columns="metric_seed", values="value")
    first = table[(table.seed == 0) & (table.factor == "")].set_index(["metric", "protocol", "representation"]).value
    assert by_seed[0].equals(first[by_seed.index].rename(0))
    drawn = by_seed.loc["factor_vae_score"]
    assert (drawn[0] != drawn[1]).any()


def test_the_matrices_behind_the_scores_are_kept(cell):
    found = read_arrays(cell, seed=3)
    assert found["dci_disentanglement/dlib19/mean/importance"].shape == (10, 5)
    assert found["controllability/traversal7/traversal/effect"].shape == (10, 5)
    assert read_arrays(cell, seed=1) == {}


def test_drawing_makes_the_figures_of_a_conditional_model(cell):
    assert {path.name for path in cell.figures.iterdir()} == {
        "reconstructions.png",
        "samples.png",
        "traversals_prior.png",
        "traversals_prior.webp",
        "traversals_posterior.png",
        "traversals_posterior.webp",
        "interpolations.png",
        "conditional_samples.png",
        "latents.png",
        "importance.png",
        "control.png",
        "edits.png",
        "edit_matrix.png",
    }


def test_a_study_made_by_hand_has_a_report(cell):
    run("report", cell.root / "by_hand")
    text = (cell.root / "by_hand" / "report.md").read_text(encoding="utf-8")
    assert "CVAE" in text
    assert "Moving: [β = 2](cells/digits/cvae/beta~2/figures/traversals_prior.webp)" in text
    assert "Reference: CVAE, β = 2, seed" in text or "none of the runs has an active latent" in text


def test_load_run_gives_a_model_back(cell):
    first, third = multibeta.load_run(cell.path), multibeta.load_run(cell.path, seed=3)
    assert (first.seed, third.seed, first.shape) == (0, 3, (1, 8, 8))
    assert (first.condition.name, first.condition.size) == ("label", 10)
    images, digits = np.zeros((3, 1, 8, 8), np.uint8), np.array([0, 1, 2])
    mean, logvar = first.encode(images, digits)
    assert mean.shape == logvar.shape == (3, first.latents)
    decoded = first.decode(mean, digits)
    assert decoded.shape == (3, 1, 8, 8)
    assert decoded.min() >= 0
    assert decoded.max() <= 1
    assert not np.array_equal(mean, third.encode(images, digits)[0])


def test_a_loaded_run_scores_as_in_metrics_csv(cell):
    dataset = Dataset(data_folder(cell.root, read_cell(cell).data_key))
    scored = multibeta.evaluate(multibeta.load_run(cell.path, seed=3), dataset, **EVALUATION)
    table = read_table(cell.metrics)
    # Agreement between seeds needs the other seeds.
    table = table[(table.seed == 3) & (table.metric != "udr")].reset_index(drop=True)
    scored = scored[scored.metric != "udr"].reset_index(drop=True)
    assert table[["metric", "representation", "status"]].equals(scored[["metric", "representation", "status"]])
    np.testing.assert_array_equal(table.value, scored.value.astype(float))


def test_what_a_loaded_run_cannot_do_is_said(cell):
    loaded = multibeta.load_run(cell.path)
    with pytest.raises(ValueError, match=r'no finished run of seed 5; the cell has {"0": "done", "3": "done"}'):
        multibeta.load_run(cell.path, seed=5)
    with pytest.raises(FileNotFoundError, match="no trained cell there"):
        multibeta.load_run(cell.path.parent)
    with pytest.raises(ValueError, match=r"images of shape \(2, 1, 9, 9\) given to a model of images \(N, 1, 8, 8\)"):
        loaded.encode(np.zeros((2, 1, 9, 9)))
    with pytest.raises(ValueError, match="this model needs a condition"):
        loaded.encode(np.zeros((2, 1, 8, 8)))
    with pytest.raises(ValueError, match=r"codes of shape \(2, 99\)"):
        loaded.decode(np.zeros((2, 99)))


def test_a_diverged_run_cannot_be_loaded_and_says_so(capsys):
    explodes = ["--learning-rate", 1, "--set", "training.likelihood=gaussian", "--set", "training.noise_std=1e-9"]
    run("train", "--dataset", "digits", "--steps", 9, *explodes)
    assert "seed 0: diverged loss became" in capsys.readouterr().out
    with pytest.raises(ValueError, match="diverged"):
        multibeta.load_run("results/by_hand/cells/digits/beta_vae/beta~1")


def test_out_of_minutes_the_status_is_75_and_the_same_command_goes_on(capsys):
    command = ["train", "--dataset", "digits", "--steps", 5]
    run(*command, "--minutes", 1e-9, status=75)
    assert "train: stopped at step 1 of 5 with a checkpoint; run the same command to go on" in capsys.readouterr().err
    run(*command)


def test_preparing_prints_the_folder_that_other_commands_take(capsys):
    run("prepare", "--dataset", "sprites", "--set", "options.antialias=false")
    folder = Path(capsys.readouterr().out.strip())
    assert folder.parent == Path("results/.data")
    assert set(np.unique(Dataset(folder).images)) == {0, 255}
    run("prepare", folder)


@pytest.mark.slow
def test_plug_ins_of_ones_own_are_one_file_each(capsys):
    for name, code in PLUG_INS.items():
        Path(f"{name}.py").write_text(code, encoding="utf-8")
    files = [part for name in PLUG_INS for part in ("--plugin", f"{name}.py")]
    run("list", *files)
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in PLUG_INS)
    which = ["--dataset", "bars", "--variant", "small_codes", "--beta", 3, "--architecture", "one_layer"]
    run("train", *which, "--steps", 20, "--latents", 2, "--set", "variants.small_codes.options.scale=0.5", *files)
    folder = CellFolder(Path("results/by_hand/cells/bars/small_codes/beta~3"))
    run("measure", folder.path)
    assert "size" in read_table(folder.history).columns
    table = read_table(folder.metrics)
    spread = table[table.metric == "spread"]
    assert spread.factor.tolist() == ["", "z0", "z1"] * 2
    assert spread.value.notna().all()
    assert set(table[(table.metric == "mig") & (table.factor != "")].factor) <= {"row", "column"}
    run("report", "results/by_hand")
    assert "Small codes" in Path("results/by_hand/report.md").read_text(encoding="utf-8")
    assert multibeta.load_run(folder.path).latents == 2


@pytest.mark.parametrize(
    ("dataset", "options", "architecture"),
    [
        ("sprites", {}, "burgess"),
        ("dsprites_grid", {}, "burgess"),
        ("mnist", {"size": 32}, "burgess"),
        ("mnist", {"size": 28}, "small_conv"),
        ("digits", {}, "mlp"),
    ],
)
def test_the_default_net_fits_the_images(dataset, options, architecture):
    assert fitting_architecture(dataset, {"options": options}) == architecture


def test_settings_reach_any_depth_and_are_read_as_yaml():
    config = {"training": {"latents": 3}, "variants": {"cvae": {}}}
    settings = ["training.adam_betas=[0.5, 0.9]", "variants.cvae.options.condition=shape", "seeds=2", "mirror=null"]
    apply_settings(config, settings)
    assert config == {
        "training": {"latents": 3, "adam_betas": [0.5, 0.9]},
        "variants": {"cvae": {"options": {"condition": "shape"}}},
        "seeds": 2,
        "mirror": None,
    }


@pytest.mark.parametrize("setting", ["latents", "seeds.a=1", "training.latents.a=1"])
def test_a_setting_that_leads_nowhere_is_told(setting):
    with pytest.raises(ConfigError, match="--set"):
        apply_settings({"seeds": 3, "training": {"latents": 3}}, [setting])
