"""Anybody's model is scored as ours is."""

import numpy as np
import pytest

import multibeta
from multibeta.datasets import Dataset
from multibeta.registry import PlugInError
from multibeta.stages.prepare import prepare

torch = pytest.importorskip("torch")
FAST = {"metrics": ["mig", "mse", "kl", "reconstruction"], "codes": 500, "held_out": 100, "samples": 50}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    dataset = prepare("digits", {}, folder)
    assert isinstance(dataset, Dataset)
    return dataset


class Pixels:
    """A model whose code is the image itself."""

    def encode(self, images):
        flat = images.reshape(len(images), -1)
        return flat, np.full_like(flat, -20.0)

    def decode(self, z):
        return np.clip(z, 0, 1).reshape(-1, 1, 8, 8)


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def encode(self, images):
        assert isinstance(images, torch.Tensor)
        flat = self.scale * images.flatten(1)
        return flat, torch.full_like(flat, -20.0)

    def decode(self, z):
        return z.clamp(0, 1).reshape(-1, 1, 8, 8)


def value(table, metric, representation):
    row = table[(table.metric == metric) & (table.representation == representation) & (table.factor == "")]
    return row.value.item()


def test_a_perfect_copy_has_no_error_and_a_rate(digits):
    table = multibeta.evaluate(Pixels(), digits, **FAST)
    assert value(table, "mse", "reconstruction") == 0
    assert value(table, "kl", "posterior") > 64 * 9
    assert set(table.status) == {"done"}


def test_a_torch_module_and_numpy_functions_score_alike(digits):
    one, other = multibeta.evaluate(Pixels(), digits, **FAST), multibeta.evaluate(Torch(), digits, **FAST)
    np.testing.assert_allclose(one.value, other.value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("method", "result", "message"),
    [
        ("encode", lambda x: (x, x), "encode must return mean and logvar of shape"),
        ("decode", lambda z: z, "decode must return images of shape"),
        ("decode", lambda z: np.full((len(z), 1, 8, 8), 1.5), r"decode must return images in \[0, 1\], found 1.5"),
    ],
)
def test_a_model_that_returns_something_else_is_told(digits, method, result, message):
    model = Pixels()
    setattr(model, method, result)
    with pytest.raises(ValueError, match=message):
        multibeta.evaluate(model, digits, **FAST)


def test_an_unknown_dataset_or_metric_is_named(digits, tmp_path):
    with pytest.raises(ValueError, match="unknown dataset 'digit'; did you mean 'digits'"):
        multibeta.evaluate(Pixels(), "digit", results=tmp_path)
    with pytest.raises(PlugInError, match="unknown metric 'mgi'"):
        multibeta.evaluate(Pixels(), digits, metrics="mgi")


def test_protocols_are_picked_and_metrics_with_one_of_their_own_are_always_measured(digits):
    small = {**FAST, "metrics": ["mig", "mig_chen18", "sap_continuous", "kl"]}
    one = multibeta.evaluate(Pixels(), digits, protocol="ours", **small)
    assert set(one.protocol) == {"ours", "held_out"}
    two = multibeta.evaluate(Pixels(), digits, protocol=["dlib19", "chen18"], **small)
    assert set(two.protocol) == {"dlib19", "chen18", "held_out"}
    assert set(two[two.protocol == "chen18"].metric) == {"mig"}
    with pytest.raises(ValueError, match="unknown protocol 'our'; did you mean 'ours'"):
        multibeta.evaluate(Pixels(), digits, protocol="our", **small)


def test_a_module_is_left_in_the_mode_it_was_in(digits):
    model = Torch()
    multibeta.evaluate(model, digits, **FAST)
    assert model.training
    multibeta.evaluate(model.eval(), digits, **FAST)
    assert not model.training


def test_a_dataset_is_loaded_by_name_and_from_a_file(tmp_path, monkeypatch):
    from multibeta import registry

    monkeypatch.setattr(registry, "_outside", {})
    plugin = tmp_path / "shades.py"
    plugin.write_text(
        "import numpy as np\n"
        "from multibeta.datasets import Arrays, DatasetSource, Factor, random_held_out\n\n"
        "class Shades(DatasetSource):\n"
        "    title, licence, source, shape = 'Shades', 'CC0-1.0', 'rendered here', (1, 8, 8)\n"
        "    factors = (Factor('bright', 2, 'categorical'),)\n\n"
        "    def build(self, files):\n"
        "        bright = np.arange(200) % 2\n"
        "        images = np.broadcast_to(255 * bright[:, None, None, None], (200, 8, 8, 1)).astype(np.uint8)\n"
        "        return Arrays(images, random_held_out(200), bright[:, None].astype(np.int64))\n",
        encoding="utf-8",
    )
    dataset = multibeta.load_dataset("shades", tmp_path / "results", plugins=[plugin])
    assert dataset.images.shape == (200, 8, 8, 1)
    assert multibeta.load_dataset("digits", tmp_path / "results").name == "digits"


def test_a_metric_that_returns_something_else_is_told(digits, monkeypatch):
    from multibeta.metrics import Metric, Result
    from multibeta.registry import _outside

    class Broken(Metric):
        title, source, protocol, needs, representation = "Broken", "https://here", "toy", ("mean",), "posterior"
        returned = Result(float("nan"), n=3)

        def measure(self, *, mean):
            return self.returned

    Broken.name = "broken"
    monkeypatch.setitem(_outside, ("metric", "broken"), Broken)
    table = multibeta.evaluate(Pixels(), digits, metrics=["broken"], codes=100)
    assert table.status.tolist() == ["not computed: metric broken returned a number that is not finite"]
    Broken.returned = {"other": Result(1.0, n=3)}
    with pytest.raises(ValueError, match="metric broken must return a Result for each of broken, found other: Result"):
        multibeta.evaluate(Pixels(), digits, metrics=["broken"], codes=100)
