"""Options of plug-ins: as strict as the study's own, and one line says what is wrong."""

import pytest

from multibeta.config_errors import ConfigError
from multibeta.study import Study


def study(kind="variants", name="beta_vae", **entry):
    config = {"name": "x", "datasets": {"sprites": {}}, "variants": {"beta_vae": {}}, "strengths": [1]}
    given = {**config, "training": {"architecture": "mlp"}, kind: {name: entry}}
    if kind == "training":
        given["training"] = {name: entry["value"], "architecture": entry.get("architecture", "mlp")}
    return Study.parse(given)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("beta_vae", {"gamma": 1}, "gamma = 1: unknown key; there are no options here"),
        ("hierarchical_vae", {"levels": "three"}, "levels = 'three': must be a whole number"),
        ("vq_vae", {"codebook_size": "64"}, "codebook_size = '64': must be a whole number"),
        ("vq_vae", {"codebook_size": 64.5}, "codebook_size = 64.5: must be a whole number"),
        ("info_vae", {"alpha": True}, "alpha = True: must be a number"),
        ("info_vae", {"alpha": "much"}, "alpha = 'much': must be a number"),
        ("info_vae", {"alpha": float("nan")}, "alpha = nan: must be a finite number"),
        ("info_vae", {"alpha": 2}, "alpha = 2: must be ≤ 1"),
        ("cvae", {"condition": 3}, "condition = 3: must be text"),
        ("beta_tcvae", {"estimator": "msx"}, "estimator = 'msx': is not allowed; did you mean 'mws'?"),
    ],
)
def test_a_variants_option_of_another_kind_is_one_line(name, options, message):
    with pytest.raises(ConfigError) as error:
        study(name=name, options=options)
    assert str(error.value) == f"config: variants.{name}.options.{message}"


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ("64", " = '64': must be a list"),
        ([True, 32], "[0] = True: must be a whole number"),
        ([64, 0], "[1] = 0: must be ≥ 1"),
    ],
)
def test_an_architectures_option_of_another_kind_is_one_line(widths, message):
    with pytest.raises(ConfigError) as error:
        study("training", "architecture_options", value={"widths": widths})
    assert str(error.value) == f"config: training.architecture_options.widths{message}"


def test_a_number_given_as_text_is_no_number():
    with pytest.raises(ConfigError, match=r"datasets.mnist.options.size = '28': must be a number, not text"):
        study("datasets", "mnist", options={"size": "28"})


@pytest.mark.parametrize("alpha", [1, 0.5, "1e-4", "-1E2"])
def test_a_number_may_be_written_as_yaml_leaves_it(alpha):
    (cell,) = study(name="info_vae", options={"alpha": alpha}).cells
    assert cell.variant.make("variant").options.alpha == float(alpha)


def test_a_list_is_what_a_plug_in_takes_for_several_values():
    (cell,) = study("training", "architecture_options", value={"widths": [64, 32]}).cells
    assert cell.make_architecture().options.widths == (64, 32)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"options": {"lowest": 4, "highest": 2}},
            ".options = {'lowest': 4, 'highest': 2}: lowest = 4 must be below highest = 2",
        ),
        (
            {"options": {"lowest": 20}},
            ".options = {'lowest': 20}: lowest = 20 must be below highest = 16",
        ),
        (
            {"options": {"lowest": 4, "highest": 4}},
            ".options = {'lowest': 4, 'highest': 4}: lowest = 4 must be below highest = 4",
        ),
    ],
)
def test_a_network_told_beta_is_not_asked_for_what_it_has_not_seen(entry, message):
    with pytest.raises(ConfigError) as error:
        study(name="beta_conditioned_vae", **entry)
    assert str(error.value) == f"config: variants.beta_conditioned_vae{message}"


@pytest.mark.parametrize(
    ("study_wide", "own", "include", "found"),
    [
        ([1, 32], None, [], "strengths = 32"),
        (None, [0.125], [], "variants.told.strengths = 0.125"),
        ([1], None, [{"dataset": "sprites", "variant": "told", "strength": "64"}], "include[0].strength = 64"),
    ],
)
def test_a_strength_it_has_not_seen_is_told_where_it_stands(study_wide, own, include, found):
    config = {
        "name": "x",
        "datasets": ["sprites"],
        "variants": {"told": {"variant": "beta_conditioned_vae", "strengths": own}},
        "strengths": study_wide,
        "include": include,
        "training": {"architecture": "mlp"},
    }
    with pytest.raises(ConfigError) as error:
        Study.parse(config)
    range_of_it = "must lie between lowest = 0.25 and highest = 16, its β in training"
    assert str(error.value) == f"config: {found}: {range_of_it} (variant told)"


def test_both_ends_of_the_range_have_been_seen():
    assert [cell.strength for cell in study(name="beta_conditioned_vae", strengths=[0.25, 16]).cells][-2:] == [
        "0.25",
        "16",
    ]


def test_free_bits_are_refused_where_there_is_no_kl():
    with pytest.raises(ConfigError, match=r"variants.ae: has no KL, for its codes are points; training.free_bits must"):
        study(name="ae", training={"free_bits": 0.1})
