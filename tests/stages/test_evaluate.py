"""What metrics are given of a model, and what their results become in metrics.csv."""

import os
from pathlib import Path

import numpy as np
import pytest

from multibeta.files import read_json, read_table, write_json
from multibeta.metrics import Metric, NotComputed, Result
from multibeta.model import Condition
from multibeta.options import EvaluationOptions
from multibeta.registry import _outside
from multibeta.stages.encode import encode
from multibeta.stages.evaluate import evaluate
from multibeta.stages.features import learn_features
from multibeta.stages.measure import measure as measure_cell
from multibeta.stages.measure import measure_ahead, take_measured
from multibeta.stages.prepare import prepare, prepare_of_cell
from multibeta.stages.shared.codes import EvaluationImages, conditions, encode_images
from multibeta.stages.shared.material import Material, Real
from multibeta.stages.shared.metric_rows import metric_rows
from multibeta.stages.shared.specs import read_cell, write_specs
from multibeta.stages.train import train
from multibeta.study import Study

OPTIONS = EvaluationOptions(codes=300, held_out=40, samples=50)


class Sums:
    """A model with two latents, the grey of the upper and of the lower half, and a decoder that paints them back."""

    def encode(self, images):
        mean = np.stack([images[:, :, :4].mean((1, 2, 3)), images[:, :, 4:].mean((1, 2, 3))], 1)
        return mean.astype(np.float32), np.full_like(mean, np.log(0.25), dtype=np.float32)

    def decode(self, z):
        halves = np.clip(z, 0.01, 0.99).repeat(32, 1)
        return halves.reshape(-1, 1, 8, 8).astype(np.float32)


class Conditional(Sums):
    condition = Condition("label", 10)

    def __init__(self):
        self.asked = []

    def encode(self, images, condition):
        self.asked.append(condition)
        return super().encode(images)

    def decode(self, z, condition):
        self.asked.append(condition)
        return super().decode(z)


class Logits(Sums):
    """The same model, which also gives what stands before the sigmoid."""

    def decode_logits(self, z, condition):
        images = self.decode(z).astype(np.float64)
        return (np.log(images) - np.log1p(-images)).astype(np.float32)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return prepare("digits", {}, tmp_path_factory.mktemp("digits"))


def material(dataset, model=None, options=OPTIONS, **keywords):
    model = model or Sums()
    chosen = EvaluationImages.choose(dataset, options)
    codes = encode_images(model, dataset, chosen, conditions(dataset, model))
    return Material(model, Real(dataset, chosen, Path("nowhere")), codes, options, **keywords)


def test_the_same_images_are_measured_for_every_model_and_held_out_ones_apart(digits):
    one, other = EvaluationImages.choose(digits, OPTIONS), EvaluationImages.choose(digits, OPTIONS)
    assert np.array_equal(one.code_table, other.code_table)
    assert np.array_equal(one.held_out, other.held_out)
    assert (len(one.code_table), len(one.held_out)) == (300, 40)
    assert len(set(one.code_table)) == 300
    assert digits.held_out[one.held_out].all()
    assert not digits.held_out[one.code_table].all()


def test_a_small_dataset_is_measured_whole(digits):
    chosen = EvaluationImages.choose(digits, EvaluationOptions())
    assert chosen.code_table.tolist() == list(range(1797))
    assert chosen.held_out.tolist() == digits.held_out.nonzero()[0].tolist()


def test_codes_are_the_posterior_means_or_one_sample_of_each_posterior(digits):
    given = material(digits)
    mean, sampled = given.codes("mean"), given.codes("sampled")
    images = digits.images[given.chosen.code_table].astype(np.float64) / 255
    np.testing.assert_allclose(mean[:, 0], images[:, :4].mean((1, 2, 3)), rtol=1e-5)
    noise = (sampled - mean) / 0.5
    assert abs(noise.mean()) < 0.15
    assert noise.std() == pytest.approx(1, abs=0.1)
    assert np.array_equal(sampled, material(digits).codes("sampled"))


def test_factors_are_those_of_the_dataset_and_of_one_without_any_the_labels(digits):
    given = material(digits)
    assert given.factor_names == ("digit", "area", "thickness", "slant", "width")
    assert given.factor_kinds == ("categorical", *["ordinal"] * 4)
    assert np.array_equal(given.factors, digits.factors[given.chosen.code_table])
    given = material(digits)
    given.dataset = type("Labelled", (), {"factors": None, "labels": digits.labels, "factor_specs": ()})()
    assert (given.factor_names, given.factor_kinds) == (("label",), ("categorical",))
    assert np.array_equal(given.factors, digits.labels[given.chosen.code_table][:, None])


def test_reconstructions_are_decoded_from_the_means_of_the_held_out_images(digits):
    given = material(digits)
    assert np.array_equal(given.reconstructions, Sums().decode(Sums().encode(given.images)[0]))


def test_samples_are_decoded_from_the_same_prior_draws_for_every_model(digits):
    given = material(digits)
    assert given.samples.shape == (50, 1, 8, 8)
    assert np.array_equal(given.samples, material(digits).samples)


def test_a_conditional_model_is_told_the_condition_of_every_image_and_sample(digits):
    model = Conditional()
    given = material(digits, model)
    assert np.array_equal(model.asked[0], digits.labels[given.chosen.code_table])
    assert np.array_equal(model.asked[1], digits.labels[given.chosen.held_out])
    _ = given.reconstructions
    assert np.array_equal(model.asked[2], digits.labels[given.chosen.held_out])
    _ = given.samples
    assert len(model.asked[3]) == 50
    assert set(model.asked[3]) <= set(range(10))


def test_the_likelihood_of_images_is_that_of_their_logits(digits):
    exact, inverted = material(digits, Logits()).nll, material(digits, Sums()).nll
    assert exact.shape == (40,)
    assert (exact > 0).all()
    np.testing.assert_allclose(inverted, exact, rtol=1e-5)


def test_the_likelihood_is_the_one_the_model_was_trained_with(digits):
    given = material(digits, Logits(), likelihood=("gaussian", 0.3))
    noise = given.nll - material(digits, Logits(), likelihood=("gaussian", 0.6)).nll
    assert noise.std() > 0
    assert np.median(given.nll) < np.median(material(digits, Logits()).nll)


@pytest.fixture
def _own_metrics(monkeypatch):
    class Parts(Metric):
        title, source, protocol, better = "Parts", "this test", "toy", "higher"
        needs = ("factors", "factor_names", "seed")
        representation = "posterior"

        def measure(self, *, factors, factor_names, seed):
            return Result(0.5, n=len(factors), parts=dict.fromkeys(factor_names, 1.5 + seed))

    class Codes(Parts):
        needs, representation = ("codes",), ""

        def measure(self, *, codes):
            return Result(float(codes.std()), n=len(codes))

    class Reason(Parts):
        needs, representation = ("images",), "reconstruction"

        def measure(self, *, images):
            raise NotComputed("images are 8×8")

    for name, metric in {"parts": Parts, "codes": Codes, "reason": Reason}.items():
        metric.name = name
        monkeypatch.setitem(_outside, ("metric", name), metric)


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_becomes_a_row_and_a_row_for_each_part(digits):
    common = {"protocol": "toy", "representation": "posterior", "metric": "parts", "n": 300, "status": "done"}
    assert metric_rows(material(digits), ["parts"])[0] == [
        {**common, "factor": "", "value": 0.5},
        *({**common, "factor": factor.name, "value": 1.5} for factor in digits.factor_specs),
    ]


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_of_codes_is_measured_on_means_and_on_samples(digits):
    (mean, sampled), _ = metric_rows(material(digits), ["codes"])
    assert (mean["representation"], sampled["representation"]) == ("mean", "sampled")
    assert sampled["value"] > 2 * mean["value"]


@pytest.mark.usefixtures("_own_metrics")
def test_what_cannot_be_computed_says_why_and_has_no_value(digits):
    (row,), _ = metric_rows(material(digits), ["reason"])
    assert row["status"] == "not computed: images are 8×8"
    assert (row["value"], row["n"]) == (None, 0)


@pytest.mark.usefixtures("_own_metrics")
def test_a_dataset_without_factors_and_labels_says_so(digits):
    given = material(digits)
    given.dataset = type("Bare", (), {"name": "bare", "factors": None, "labels": None, "factor_specs": ()})()
    (row,), _ = metric_rows(given, ["parts"])
    assert row["status"] == "not computed: dataset bare has neither factors nor labels"


METRICS = ["mig", "kl", "mse"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two cells of digits, trained: one finished, one whose training diverged."""
    root = tmp_path_factory.mktemp("results")
    explodes = {"learning_rate": 1.0, "likelihood": "gaussian", "noise_std": 1e-9}
    config = {
        "name": "x",
        "datasets": ["digits"],
        "variants": {"beta_vae": {}, "wild": {"variant": "beta_vae", "training": explodes}},
        "strengths": [1],
        "seeds": 2,
        "training": {"architecture": "mlp", "latents": 2, "budget": "20 steps"},
        "evaluation": {**OPTIONS.model_dump(exclude_unset=True), "metrics": METRICS},
        "running": {"device": "cpu"},
    }
    study = Study.parse(config)
    write_specs(study, root)
    folders = [cell.folder(root) for cell in study.cells]
    dataset = prepare_of_cell(folders[0])
    learn_features(dataset.folder, dataset.folder / "features.safetensors")
    for folder in folders:
        train(folder)
    return folders


def test_a_cell_is_measured_per_seed_and_equal_inputs_give_equal_bytes(trained):
    folder = trained[0]
    encode(folder)
    evaluate(folder)
    table, first = read_table(folder.metrics), folder.metrics.read_bytes()
    assert set(table.status) == {"done"}
    assert set(table.seed) == {0, 1}
    assert table.value.notna().all()
    keys = table[["metric", "representation"]].drop_duplicates().to_numpy().tolist()
    assert keys == [["mig", "mean"], ["mig", "sampled"], ["kl", "posterior"], ["mse", "reconstruction"]]
    assert set(table[table.metric == "mig"].factor) == {"", "digit", "area", "thickness", "slant", "width"}
    evaluate(folder)
    assert folder.metrics.read_bytes() == first
    assert read_json(folder.costs).keys() == {"0", "1", "evaluation", "runs"}


def test_a_run_that_diverged_has_rows_that_say_so_and_no_values(trained):
    folder = trained[1]
    encode(folder)
    evaluate(folder)
    table = read_table(folder.metrics)
    assert len(table) == 2 * 6
    assert table.value.isna().all()
    assert set(table.n) == {0}
    assert table.status.str.startswith("not computed: training diverged: ").all()
    measure_cell(folder, ("draw",))
    assert list(folder.figures.iterdir()) == []


def test_what_was_measured_ahead_is_taken_once_and_only_by_the_cell_it_belongs_to(trained):
    folder = trained[0]
    measure_ahead(folder)
    assert not folder.metrics.exists()
    spec = read_json(folder.spec)
    write_json(folder.spec, {**spec, "evaluation": {**spec["evaluation"], "samples": 60}})
    assert not take_measured(folder)
    write_json(folder.spec, spec)
    facts = read_json(folder.cell)
    of_others = {seed: {**run, "reason": "another"} for seed, run in facts["runs"].items()}
    write_json(folder.cell, {**facts, "runs": of_others})
    assert not take_measured(folder)
    slower = {seed: {**run, "seconds": 1e6} for seed, run in facts["runs"].items()}
    write_json(folder.cell, {**facts, "runs": slower})
    assert take_measured(folder)
    made = (folder.codes, folder.metrics, folder.costs, folder.figures / "samples.png")
    assert all(path.is_file() for path in made)
    assert not take_measured(folder)
    assert not (folder.path / ".measured").exists()


def test_other_evaluation_images_are_encoded_anew(trained):
    folder = trained[0]
    measure_cell(folder)
    cell = read_cell(folder)
    before = folder.codes.stat().st_mtime_ns
    measure_cell(folder)
    assert folder.codes.stat().st_mtime_ns == before
    fewer = cell.model_copy(update={"evaluation": cell.evaluation.model_copy(update={"held_out": 30})})
    write_json(folder.spec, fewer.model_dump(mode="json"))
    measure_cell(folder, ("encode", "evaluate"))
    table = read_table(folder.metrics)
    assert set(table[table.metric == "kl"].n) == {30}
    write_json(folder.spec, cell.model_dump(mode="json"))


def test_codes_of_other_models_are_encoded_anew_whatever_their_times(trained):
    folder = trained[0]
    measure_cell(folder)
    metrics, codes, models = (path.read_bytes() for path in (folder.metrics, folder.codes, folder.models))
    changed = bytearray(models)
    changed[-1] ^= 1
    try:
        folder.models.write_bytes(changed)
        os.utime(folder.models, (0, 0))  # as a copy that keeps times
        with pytest.raises(ValueError, match=r"codes\.npz: of other models or images; run multibeta encode"):
            measure_cell(folder, ("evaluate",))
        assert folder.metrics.read_bytes() == metrics
        measure_cell(folder, ("encode", "evaluate"))
        assert folder.codes.read_bytes() != codes
    finally:
        folder.models.write_bytes(models)
    measure_cell(folder)
    assert (folder.metrics.read_bytes(), folder.codes.read_bytes()) == (metrics, codes)


def test_codes_without_a_finished_run_are_refused(trained):
    folder = trained[0]
    measure_cell(folder)
    whole = folder.codes.read_bytes()
    with np.load(folder.codes) as stored:
        lost = {name: array for name, array in stored.items() if not name.startswith("seed0/")}
    try:
        np.savez(folder.codes, **lost)
        for stage in ("evaluate", "draw"):
            with pytest.raises(ValueError, match=r"codes\.npz: no codes of seed 0; remove it and make it again"):
                measure_cell(folder, (stage,))
    finally:
        folder.codes.write_bytes(whole)


@pytest.mark.parametrize("name", ["models.safetensors", "codes.npz", "cell.json"])
def test_a_damaged_file_is_named(trained, name):
    folder = trained[0]
    measure_cell(folder)
    path = folder.path / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=rf"{name}: damaged \(.*\); remove it and make it again"):
            evaluate(folder)
    finally:
        path.write_bytes(whole)


def test_an_untrained_cell_is_told(trained, tmp_path):
    cell = read_cell(trained[0])
    folder = cell.folder(tmp_path)
    write_json(folder.spec, cell.model_dump(mode="json"))
    with pytest.raises(FileNotFoundError, match=r"not trained yet \(cell\.json is missing\); run multibeta train"):
        measure_cell(folder)
