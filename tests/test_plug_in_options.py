"""Options of plug-ins: as strict as the study's own, and one line says what is wrong."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from multibeta import registry
from multibeta.config_errors import ConfigError, first_line
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


class OfAnAuthor(registry.Options):
    """What a plug-in of one's own may declare."""

    maybe: float | None = None
    either: float | str = 0
    numbers: list[float] = []
    pair: tuple[int, float] = (1, 1)
    pairs: tuple[tuple[int, int], ...] = ()
    anything: tuple = ()
    lines: list = []
    words: dict = {}
    by_name: dict[str, Annotated[float, Field(ge=0)]] = {}
    several: list[int] | None = Field(None, min_length=2)
    even: int = Field(2, multiple_of=2)
    code: str = Field("a1", pattern="^[a-z][0-9]$")
    side: Literal["2", "4"] = "2"
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("maybe", "1e-4", 1e-4),
        ("maybe", None, None),
        ("either", "1e-4", "1e-4"),
        ("numbers", [1, "1e-4"], [1.0, 1e-4]),
        ("pair", [2, "1e3"], (2, 1000.0)),
        ("pairs", [[1, 2], [3, 4]], ((1, 2), (3, 4))),
        ("by_name", {"a": "1e-4"}, {"a": 1e-4}),
        ("several", [1, 2], [1, 2]),
        ("anything", [1, "a"], (1, "a")),
        ("lines", [1, "a"], [1, "a"]),
        ("words", {"a": [1]}, {"a": [1]}),
    ],
)
def test_an_author_gets_what_yaml_means(name, given, taken):
    assert getattr(OfAnAuthor.model_validate({name: given}), name) == taken


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("maybe", True, "maybe = True: must be a number"),
        ("numbers", "x", "numbers = 'x': must be a list"),
        ("numbers", [1, True], "numbers[1] = True: must be a number"),
        ("pair", [1, 2, 3], "pair = [1, 2, 3]: must have at most 2 items, not 3"),
        ("pairs", [[1, "2"]], "pairs[0][1] = '2': must be a whole number"),
        ("by_name", 3, "by_name = 3: must be a mapping"),
        ("by_name", {"a": -1}, "by_name.a = -1: must be ≥ 0"),
        ("several", [1], "several = [1]: must have at least 2 items, not 1"),
        ("even", 3, "even = 3: must be a multiple of 2"),
        ("code", "A", "code = 'A': must match pattern '^[a-z][0-9]$'"),
        ("side", 2, "side = 2: must be text, not a number"),
        ("odd", 2, "odd = 2: must be odd"),
    ],
)
def test_an_author_gets_messages_in_our_words(name, given, message):
    with pytest.raises(ValidationError) as error:
        OfAnAuthor.model_validate({name: given})
    assert first_line(error.value, OfAnAuthor) == message


def test_free_bits_are_refused_where_there_is_no_kl():
    with pytest.raises(ConfigError, match=r"variants.ae: has no KL, for its codes are points; training.free_bits must"):
        study(name="ae", training={"free_bits": 0.1})
