"""What a conditional VAE can be conditioned on: the label, a factor, several attributes."""

import numpy as np
import pytest

from multibeta.cell import Choice
from multibeta.config_errors import ConfigError
from multibeta.stages.prepare import prepare
from multibeta.study import Study

from .conftest import make

FACTORS = [("shape", 3), ("scale", 6), ("x", 16)]


@pytest.mark.parametrize(
    ("condition", "found"), [("auto", "shape"), ("scale", "scale"), ("shape+scale", "shape+scale")]
)
def test_a_condition_is_found_by_name(condition, found):
    assert make("cvae", condition=condition).condition(FACTORS, classes=0) == found


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("label", "has no labels to condition on"),
        ("shap", "has no factor 'shap' to condition on; did you mean 'shape'?"),
        ("shape+scal", "has no factor 'scal' to condition on; did you mean 'scale'?"),
        ("shape+shape", "is to be conditioned on a factor twice: 'shape+shape'"),
        ("scale+x", "has 96 combinations of 'scale+x' to condition on, more than 64"),
    ],
)
def test_a_condition_that_is_not_there_is_one_line(condition, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - compared whole below
        make("cvae", condition=condition).condition(FACTORS, classes=0)
    assert str(error.value) == message
    config = {"name": "x", "datasets": ["sprites"], "variants": {"cvae": {"options": {"condition": condition}}}}
    with pytest.raises(ConfigError, match=r"variants\.cvae: dataset sprites (has|is to be)"):
        Study.parse({**config, "training": {"architecture": "mlp"}})


def test_several_factors_are_one_condition_of_all_their_combinations(tmp_path):
    dataset = prepare("sprites", {}, tmp_path)
    values, size = dataset.column("shape+scale")
    assert size == 18
    assert np.array_equal(values, 6 * dataset.factors[:, 0] + dataset.factors[:, 1])


def test_the_network_is_told_every_combination():
    variant = {"options": {"condition": "shape+scale"}}
    config = {"name": "x", "datasets": ["sprites"], "variants": {"cvae": variant}, "strengths": [1]}
    cell = Study.parse({**config, "training": {"architecture": "mlp"}}).cells[0]
    assert cell.variant == Choice(name="cvae", plug_in="cvae", options=variant["options"])
    assert (cell.condition(), cell.condition_size()) == ("shape+scale", 18)
