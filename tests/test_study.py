"""A study is its cells; a config that is wrong is one line."""

from pathlib import Path

import pytest
import yaml

from multibeta import strict_yaml
from multibeta.config_errors import ConfigError
from multibeta.option_values import canonical_strength
from multibeta.options import StudyOptions
from multibeta.study import Study

BASE = {"name": "x", "datasets": {"sprites": {}}, "variants": {"beta_vae": {}}, "strengths": [1, 4], "seeds": 2}


def study(**changes):
    return Study.parse({**BASE, **changes}, "config.yaml")


def keys(parsed):
    return [(cell.dataset.name, cell.variant.name, cell.strength, tuple(cell.seeds)) for cell in parsed.cells]


def test_cells_are_the_product_in_the_order_of_the_file():
    parsed = study(datasets=["sprites", "digits"], training={"architecture": "mlp"}, variants=["beta_vae", "cvae"])
    assert len(parsed.cells) == 2 * 2 * 2
    assert keys(parsed)[:2] == [("sprites", "beta_vae", "1", (0, 1)), ("sprites", "beta_vae", "4", (0, 1))]


def test_include_adds_cells_and_exclude_removes_cells_or_seeds():
    extra = {"dataset": "sprites", "variant": "beta_vae", "strength": 16, "seeds": [7]}
    parsed = study(include=[extra], exclude=[{"strength": 1}, {"strength": 4.0, "seed": 0}])
    assert keys(parsed) == [("sprites", "beta_vae", "4", (1,)), ("sprites", "beta_vae", "16", (7,))]


def test_the_variants_own_grid_is_used_when_no_strengths_are_given():
    assert [cell.strength for cell in study(strengths=None).cells] == ["0.5", "1", "2", "4", "8"]


@pytest.mark.parametrize(("given", "text"), [(1, "1"), (1.0, "1"), ("1e0", "1"), (0.50, "0.5"), ("1e-3", "0.001")])
def test_a_strength_has_one_spelling(given, text):
    assert canonical_strength(given) == text


def test_options_merge_from_study_to_dataset_to_variant():
    parsed = study(
        training={"batch_size": 8, "latents": 3, "learning_rate": 0.1},
        datasets={"sprites": {"training": {"batch_size": 16, "latents": 4}}},
        variants={"beta_vae": {"training": {"latents": 5}}},
    )
    training = parsed.cells[0].training
    assert (training.learning_rate, training.batch_size, training.latents) == (0.1, 16, 5)


def test_a_number_may_be_written_as_in_papers():
    training = study(training=yaml.safe_load("{learning_rate: 1e-4, noise_std: 1E-2}")).cells[0].training
    assert (training.learning_rate, training.noise_std) == (0.0001, 0.01)


def test_a_default_spelled_out_keeps_the_fingerprint_and_a_change_changes_it():
    plain, spelled, changed = study(), study(training={"batch_size": 64}), study(training={"batch_size": 65})
    assert plain.cells[0].training_fingerprint == spelled.cells[0].training_fingerprint
    assert plain.cells[0].training_fingerprint != changed.cells[0].training_fingerprint


def test_how_a_study_runs_is_no_part_of_the_fingerprint():
    elsewhere = study(running={"device": "cpu", "tensorboard": True}, mirror="/somewhere", name="y")
    assert study().cells[0].training_fingerprint == elsewhere.cells[0].training_fingerprint


def test_where_figures_are_printed_makes_the_report_anew_and_nothing_else():
    printed = study(report={"column": "icml"})
    assert [cell.training_fingerprint for cell in printed.cells] == [c.training_fingerprint for c in study().cells]
    assert [cell.evaluation_fingerprint for cell in printed.cells] == [c.evaluation_fingerprint for c in study().cells]
    assert printed.report_fingerprint != study().report_fingerprint


def test_a_run_keeps_its_fingerprint_when_seeds_are_added():
    two, three = study(seeds=2).cells[0], study(seeds=3).cells[0]
    assert [two.run_fingerprint(seed) for seed in (0, 1)] == [three.run_fingerprint(seed) for seed in (0, 1)]
    assert two.training_fingerprint != three.training_fingerprint


def test_the_mirror_comes_from_the_environment_unless_the_study_names_one(monkeypatch):
    monkeypatch.setenv("MULTIBETA_MIRROR", "there")
    assert study().cells[0].mirror == "there"
    assert study(mirror="here").cells[0].mirror == "here"


def test_an_entry_may_have_a_name_of_its_own_and_shares_what_is_equal():
    mine = {
        "beta_vae": {},
        "narrow": {"variant": "beta_vae", "training": {"latents": 2}},
        "same": {"variant": "beta_vae"},
    }
    parsed = study(variants=mine, strengths=[1])
    plain, narrow, same = parsed.cells
    assert (narrow.variant.name, narrow.variant.plug_in) == ("narrow", "beta_vae")
    assert plain.run_fingerprint(0) == same.run_fingerprint(0) != narrow.run_fingerprint(0)


def test_a_run_of_the_datasets_own_split_is_named_as_before_there_were_others():
    spelled = study(datasets={"sprites": {"split": {"kind": "own"}}}).cells[0]
    assert spelled.run_fingerprint(0) == study().cells[0].run_fingerprint(0) == "e60ea3528cd5ae33"
    assert spelled.data_key == "sprites~9d6490b4"


def test_a_published_value_is_of_the_report_alone():
    given = study(report={"published": [{**PUBLISHED, "strength": 4.0, "value": "2e-1", "spread": 0}]})
    assert given.options.report.published[0].strength == "4"
    assert given.options.report.published[0].value == 0.2
    plain = study()
    for ours, theirs in zip(given.cells, plain.cells, strict=True):
        assert ours.training_fingerprint == theirs.training_fingerprint
        assert ours.evaluation_fingerprint == theirs.evaluation_fingerprint
    assert given.report_fingerprint != plain.report_fingerprint
    assert given.resolved()["report"]["published"][0]["source"] == PUBLISHED["source"]


def test_another_split_makes_other_runs_and_measures_of_the_same_data():
    def cell(**split):
        return study(datasets={"sprites": {"split": split}}).cells[0]

    own, few, other = cell(), cell(kind="random", share=0.5), cell(kind="random", share=0.5, seed=1)
    assert own.data_key == few.data_key == other.data_key
    assert len({each.run_fingerprint(0) for each in (own, few, other)}) == 3
    assert len({each.evaluation_fingerprint for each in (own, few, other)}) == 3
    assert len({each.lineage(0) for each in (own, few, other)}) == 3


def test_equal_splits_have_one_spelling():
    one, other = (
        study(datasets={"sprites": {"split": {"kind": "combinations", "hold_out": values}}}).cells[0]
        for values in ({"shape": [2], "x": [3, 4]}, {"x": [4, 3, 3], "shape": [2]})
    )
    assert one.run_fingerprint(0) == other.run_fingerprint(0)


PUBLISHED = {
    **{"dataset": "sprites", "variant": "beta_vae", "metric": "mig", "protocol": "dlib19", "representation": "mean"},
    **{"value": 0.2, "source": "Somebody 2020, table 1, https://example.org/paper"},
}
SHAPE_7 = {"kind": "combinations", "hold_out": {"shape": [7]}}
MALFORMED = {
    "entry that is no folder name": (
        {"variants": {"a/b": {"variant": "beta_vae"}}},
        "has a name that does not consist of",
    ),
    "unknown variant of an entry": (
        {"variants": {"mine": {"variant": "bet"}}},
        "variants.mine.variant: unknown variant",
    ),
    "no datasets key": ({"datasets": ...}, "datasets: is required"),
    "no name": ({"name": ...}, "name: is required"),
    "unknown top key": ({"datsets": {}}, "datsets = {}: unknown key; did you mean 'datasets'?"),
    "name with slash": ({"name": "a/b"}, "name = 'a/b': must consist of letters"),
    "long name": ({"name": "n" * 201}, "must consist of letters, digits, - and _, at most 200 of them"),
    "long dataset": ({"datasets": {"n" * 201: {"dataset": "dsprites"}}}, "has a name that does not consist of letters"),
    "long variant": ({"variants": {"n" * 201: {"variant": "beta_vae"}}}, "digits, - and _, at most 200 of them"),
    "name a number": ({"name": 3}, "name = 3: must be text"),
    "empty datasets": ({"datasets": {}}, "datasets = {}: must not be empty"),
    "empty variants": ({"variants": []}, "variants = []: must not be empty"),
    "datasets a number": ({"datasets": 5}, "datasets = 5: must be a mapping"),
    "dataset twice": ({"datasets": ["digits", "digits"]}, "datasets = ['digits', 'digits']: names an entry twice"),
    "unknown dataset": ({"datasets": ["sprits"]}, "datasets.sprits: unknown dataset 'sprits'; did you mean 'sprites'?"),
    "unknown variant": ({"variants": ["beta_vea"]}, "did you mean 'beta_vae'?"),
    "unknown dataset option": ({"datasets": {"sprites": {"options": {"size": 3}}}}, "datasets.sprites.options.size"),
    "dataset option of wrong type": (
        {"datasets": {"sprites": {"options": {"antialias": "perhaps"}}}},
        "datasets.sprites.options.antialias = 'perhaps'",
    ),
    "value that a factor has not": (
        {"datasets": {"sprites": {}, "unseen": {"dataset": "sprites", "split": SHAPE_7}}},
        "config.yaml: datasets.unseen.split.hold_out.shape = [7]: has values 0 … 2",
    ),
    "factor of a split that is not there": (
        {"datasets": {"sprites": {"split": {"kind": "extrapolation", "factors": ["scal"], "share": 0.3}}}},
        "datasets.sprites.split.factors = 'scal': is no factor of the dataset; did you mean 'scale'?",
    ),
    "split that leaves nothing": (
        {"datasets": {"sprites": {"split": {"kind": "combinations", "hold_out": {"shape": [0, 1, 2]}}}}},
        "datasets.sprites.split = {'kind': 'combinations', 'hold_out': {'shape': [0, 1, 2]}}: holds out 2304 of 2304",
    ),
    "split of an unknown kind": ({"datasets": {"sprites": {"split": {"kind": "randm"}}}}, "did you mean 'random'?"),
    "split without its share": (
        {"datasets": {"sprites": {"split": {"kind": "random"}}}},
        "datasets.sprites.split = {'kind': 'random'}: of kind random must give just share",
    ),
    "split with more than it takes": (
        {"datasets": {"sprites": {"split": {"kind": "random", "share": 0.3, "factors": ["x"]}}}},
        "of kind random must give just share",
    ),
    "split with what it does not take": (
        {"datasets": {"sprites": {"split": {"share": 0.3}}}},
        "datasets.sprites.split = {'share': 0.3}: of kind own must give no hold_out, factors, share",
    ),
    "share above 1": (
        {"datasets": {"sprites": {"split": {"kind": "random", "share": 1.5}}}},
        "datasets.sprites.split.share = 1.5: must be < 1",
    ),
    "seed of nothing": (
        {"datasets": {"sprites": {"split": {"seed": 1}}}},
        "datasets.sprites.split = {'seed': 1}: has a seed and draws nothing; leave it out",
    ),
    "correlation with itself": (
        {"datasets": {"sprites": {"split": {"correlate": {"factors": ["x", "x"], "spread": 1}}}}},
        "datasets.sprites.split.correlate.factors = ['x', 'x']: names a factor twice",
    ),
    "unknown variant option": ({"variants": {"cvae": {"options": {"conditon": "x"}}}}, "did you mean 'condition'?"),
    "condition on a factor that is not there": (
        {"variants": {"cvae": {"options": {"condition": "colour"}}}},
        "variants.cvae: dataset sprites has no factor 'colour' to condition on",
    ),
    "condition on a label that is not there": (
        {"variants": {"cvae": {"options": {"condition": "label"}}}},
        "variants.cvae: dataset sprites has no labels",
    ),
    "negative strength": ({"strengths": [1, -2]}, "strengths[1] = -2: must be a number above 0"),
    "strength zero": ({"strengths": [0]}, "strengths[0] = 0: must be a number above 0"),
    "strength of text": ({"strengths": ["big"]}, "strengths[0] = 'big': must be a number above 0"),
    "strength not a number": ({"strengths": [float("nan")]}, "strengths[0] = nan: must be a number above 0"),
    "strength infinite": ({"strengths": [float("inf")]}, "strengths[0] = inf: must be a number above 0"),
    "strength true": ({"strengths": [True]}, "strengths[0] = True: must be a number above 0"),
    "strengths empty": ({"strengths": []}, "strengths = []: must name at least one strength"),
    "strengths a number": ({"strengths": 4}, "strengths = 4: must be a list"),
    "strength twice": ({"strengths": [1, 4, "1e0"]}, "names the strength 1 twice"),
    "no seeds": ({"seeds": 0}, "seeds = 0: must name at least one seed"),
    "negative seed": ({"seeds": [-1]}, "seeds[0] = -1: must be ≥ 0"),
    "a million million seeds": ({"seeds": 10**12}, "seeds = 1000000000000: must be at most 10000 seeds"),
    "a seed that no table holds": ({"seeds": [2**53]}, "seeds[0] = 9007199254740992: must be ≤ 9007199254740991"),
    "a list of too many seeds": ({"seeds": list(range(10_001))}, "must be at most 10000 seeds"),
    "too many cells": (
        {"strengths": list(range(1, 10_002))},
        "datasets × variants × strengths = 10001: must be ≤ 10000; split the study",
    ),
    "too many runs": (
        {"strengths": list(range(1, 102)), "seeds": 10_000},
        "datasets × variants × strengths × seeds = 1010000: must be ≤ 1000000; split the study",
    ),
    "too many runs by include": (
        {
            "strengths": list(range(1, 100)),
            "seeds": 10_000,
            "include": [{"dataset": "sprites", "variant": "beta_vae", "strength": strength} for strength in (0.1, 0.2)],
        },
        "datasets × variants × strengths × seeds = 1010000",
    ),
    "seed twice": ({"seeds": [1, 1]}, "seeds = [1, 1]: names a seed twice"),
    "seed a float": ({"seeds": [0.5]}, "seeds[0] = 0.5: must be a whole number"),
    "seeds text": ({"seeds": "three"}, "seeds = 'three': must be a count or a list"),
    "unknown training key": (
        {"training": {"bach_size": 1}},
        "training.bach_size = 1: unknown key; did you mean 'batch_size'?",
    ),
    "batch size text": ({"training": {"batch_size": "many"}}, "training.batch_size = 'many': must be a whole number"),
    "batch size zero": ({"training": {"batch_size": 0}}, "training.batch_size = 0: must be ≥ 1"),
    "learning rate text": (
        {"training": {"learning_rate": "fast"}},
        "training.learning_rate = 'fast': must be a number",
    ),
    "learning rate negative": ({"training": {"learning_rate": -1}}, "training.learning_rate = -1: must be > 0"),
    "likelihood": ({"training": {"likelihood": "bernouli"}}, "did you mean 'bernoulli'?"),
    "budget without unit": ({"training": {"budget": 100}}, "training.budget = 100: must be a count of steps or epochs"),
    "budget of hours": ({"training": {"budget": "2 hours"}}, "training.budget = '2 hours'"),
    "budget of a million million steps": (
        {"training": {"budget": f"{10**12} steps"}},
        "training.budget = '1000000000000 steps': must be a count of steps or epochs, such as '1500 steps' or "
        "'10 epochs', at most 100000000 steps or 100000 epochs",
    ),
    "budget of more digits than Python reads": ({"training": {"budget": f"{'9' * 5000} steps"}}, "at most 100000000"),
    "unknown architecture": ({"training": {"architecture": "burges"}}, "did you mean 'burgess'?"),
    "impossible image size": (
        {"training": {"architecture": "locatello"}},
        "training.architecture = 'locatello': needs images of 64×64, found 32×32 (dataset sprites)",
    ),
    "impossible size option": ({"datasets": {"mnist": {"options": {"size": 30}}}}, "datasets.mnist.options.size = 30"),
    "option of a dataset's training": (
        {"datasets": {"sprites": {"training": {"latents": -1}}}},
        "datasets.sprites.training.latents = -1: must be ≥ 1",
    ),
    "unknown metric": ({"evaluation": {"metrics": ["mgi"]}}, "evaluation.metrics = 'mgi': unknown metric 'mgi'"),
    "device": ({"running": {"device": "tpu"}}, "running.device = 'tpu': is not allowed"),
    "include of an unknown dataset": (
        {"include": [{"dataset": "digits", "variant": "beta_vae", "strength": 1}]},
        "include[0].dataset = 'digits': is not among the datasets of the study",
    ),
    "include without strength": ({"include": [{"dataset": "sprites", "variant": "cvae"}]}, "include[0].strength"),
    "exclude that matches nothing": (
        {"exclude": [{"strength": 99}]},
        "exclude[0] = {'strength': '99'}: matches no cell",
    ),
    "exclude of everything": ({"exclude": [{"dataset": "sprites"}]}, "exclude = 1: leaves no cell to train"),
    "exclude of nothing": ({"exclude": [{}]}, "exclude[0] = {}: must give at least one"),
    "plug-in that is missing": ({"plugins": ["nowhere.py"]}, "plugins[0]: plug-in file 'nowhere.py' does not exist"),
    "target of an unknown metric": (
        {"report": {"targets": [{"metric": "mgi", "name": "good", "above": 1}]}},
        "report.targets[0].metric = 'mgi': unknown metric 'mgi'",
    ),
    "unknown template": ({"report": {"column": "nips"}}, "report.column = 'nips': "),
    "published value of another dataset": (
        {"report": {"published": [{**PUBLISHED, "dataset": "sprits"}]}},
        "report.published[0].dataset = 'sprits': is not among the datasets of the study; did you mean 'sprites'?",
    ),
    "published value of another variant": (
        {"report": {"published": [{**PUBLISHED, "variant": "cvae"}]}},
        "report.published[0].variant = 'cvae': is not among the variants of the study",
    ),
    "published value at a strength that is not swept": (
        {"report": {"published": [PUBLISHED, {**PUBLISHED, "strength": 6}]}},
        "report.published[1].strength = '6': is not in the sweep; of beta_vae there are 1, 4",
    ),
    "published value of an unknown metric": (
        {"report": {"published": [{**PUBLISHED, "metric": "mgi"}]}},
        "report.published[0].metric = 'mgi': unknown metric 'mgi'; did you mean 'mig'?",
    ),
    "published value by a protocol that the metric has not": (
        {"report": {"published": [{**PUBLISHED, "metric": "explicitness", "protocol": "chen18"}]}},
        "report.published[0].protocol = 'chen18': is no protocol of explicitness; choose from dlib19",
    ),
    "published value by a protocol that is not measured": (
        {"report": {"published": [PUBLISHED]}, "evaluation": {"protocols": ["ours"]}},
        "report.published[0].protocol = 'dlib19': is not measured, for evaluation.protocols leaves it out",
    ),
    "published value of a metric that is not measured": (
        {"report": {"published": [PUBLISHED]}, "evaluation": {"metrics": ["kl"]}},
        "report.published[0].metric = 'mig': is not measured, for evaluation.metrics leaves it out",
    ),
    "published value of codes that the protocol has not": (
        {"report": {"published": [{**PUBLISHED, "protocol": "chen18"}]}},
        "report.published[0].representation = 'mean': mig by chen18 is of sampled",
    ),
    "published value at the best strength of what has no best": (
        {
            "report": {
                "published": [{**PUBLISHED, "metric": "kl", "protocol": "held_out", "representation": "posterior"}]
            }
        },
        "report.published[0].strength = None: must be given, for kl has no best value",
    ),
    "published value without an address": (
        {"report": {"published": [{**PUBLISHED, "source": "somewhere"}]}},
        "report.published[0].source = 'somewhere': must give the address of its source, https://…",
    ),
    "published value that is no number": (
        {"report": {"published": [{**PUBLISHED, "value": "much"}]}},
        "report.published[0].value = 'much': must be a number",
    ),
    "published value with a negative spread": (
        {"report": {"published": [{**PUBLISHED, "spread": -0.1}]}},
        "report.published[0].spread = -0.1: must be ≥ 0",
    ),
    "published value without its source": (
        {"report": {"published": [{key: value for key, value in PUBLISHED.items() if key != "source"}]}},
        "report.published[0].source: is required",
    ),
    "target without a bound": ({"report": {"targets": [{"metric": "mig", "name": "good"}]}}, "exactly one of above"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_config_is_one_line_that_names_the_key(changes, message):
    config = {key: value for key, value in {**BASE, **changes}.items() if value is not ...}
    with pytest.raises(ConfigError) as error:
        Study.parse(config, "config.yaml")
    text = str(error.value)
    assert text.startswith("config.yaml: ")
    assert message in text
    assert "\n" not in text


NUMBERS = [
    (section, name)
    for section in ("training", "evaluation", "running")
    for name, field in StudyOptions.model_fields[section].annotation.model_fields.items()
    if isinstance(field.default, int | float) and not isinstance(field.default, bool)
] + [("training", "gradient_clip"), ("training", "plateau_patience"), ("running", "max_minutes")]


@pytest.mark.parametrize(("section", "name"), NUMBERS, ids=lambda key: key)
def test_every_number_has_an_upper_bound(section, name):
    with pytest.raises(ConfigError, match=rf"config.yaml: {section}.{name} = 10{{18}}: must be (≤|<) \S+$"):
        study(**{section: {name: 10**18}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is not YAML"),
        ("a: 2020-13-01", "is not YAML: month must be in"),
        ("- 1", "must be a mapping"),
        ("", "must be a mapping"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_config_is_one_line(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as error:
        Study.read(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: x\nseeds: 1\nname: y", "key 'name' is given twice, in lines 1 and 3"),
        ("name: x\n'name': y", "key 'name' is given twice, in lines 1 and 2"),
        ("training:\n  latents: 3\n\n  latents: 4", "key 'training.latents' is given twice, in lines 2 and 4"),
        ("strengths: [1]\ninclude:\n- {seeds: 1}\n- {seeds: 1, seeds: 2}", "key 'include[1].seeds' is given twice, in"),
        ("datasets:\n  a: &a {b: {c: 1}}\n  d: *a\n  a:", "key 'datasets.a' is given twice, in lines 2 and 4"),
    ],
    ids=["top", "quoted", "nested", "in a list, on one line", "beside an alias"],
)
def test_a_key_given_twice_is_one_line_with_both_lines(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        Study.read(path)
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)


def test_merged_keys_may_be_overridden_and_the_same_key_stand_in_two_mappings():
    text = "a: &a {x: 1, y: 2}\nb: &b {x: 3}\nc: {<<: *a, x: 4}\nd: {<<: [*a, *b], z: 5}\ne: {<<: *a, <<: *b}"
    assert strict_yaml.parse(text, "text") == yaml.safe_load(text)


#: Of disentanglement_lib.
GRIDS = {
    "beta_vae": ["1", "2", "4", "6", "8", "16"],
    "beta_tcvae": ["1", "2", "4", "6", "8", "10"],
    "factor_vae": ["10", "20", "30", "40", "50", "100"],
}


def test_every_study_of_the_repository_parses():
    root = Path(__file__).parents[1]
    for path in [root / "config.yaml", *sorted((root / "studies").glob("*.yaml"))]:
        parsed = Study.parse(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
        assert parsed.cells


def test_the_papers_study_has_the_published_protocol_and_the_reduced_one_says_that_it_is():
    root = Path(__file__).parents[1] / "studies"
    whole, reduced = (Study.read(root / f"paper_dsprites{size}.yaml") for size in ("", "_small"))
    for cell in whole.cells:
        training = cell.training
        assert (training.budget, training.batch_size, training.learning_rate) == ("300000 steps", 64, 0.0001)
        assert (training.architecture, training.architecture_options) == ("locatello", {"kernel": 2})
        assert len(cell.seeds) >= 5
    grids = {name: [cell.strength for cell in whole.cells if cell.variant.name == name] for name in GRIDS}
    assert all(set(GRIDS[name]) <= set(grid) for name, grid in grids.items())
    for study in (whole, reduced):
        assert {entry.variant for entry in study.options.report.published} == set(GRIDS)
        # Their SAP and DCI are of other recipes than ours.
        assert not {entry.metric for entry in study.options.report.published} & {"sap", "dci_disentanglement"}
    assert "educed" in reduced.options.report.title
    assert reduced.cells[0].training.budget == "10000 steps"
