"""What every metric must fulfil; a new metric file is tested here without further ado."""

import math
import subprocess
import sys

import numpy as np
import pytest

from multibeta import registry
from multibeta.metrics import NEEDS, Metric, NotComputed, Result
from multibeta.metrics._domain_network import build_body
from multibeta.metrics._features import DomainFeatures
from multibeta.metrics._frechet import Moments

IMAGES, LATENTS = 64, 4


@pytest.fixture(scope="module")
def needs():
    """One of everything a metric may need, of the shapes and types that `NEEDS` promises."""
    draw = np.random.default_rng(0)
    factors = np.stack(np.unravel_index(np.arange(480), (4, 10, 12)), axis=1).astype(np.int64)
    codes = draw.normal(size=(480, LATENTS))
    codes[:, :3] += factors
    shape = (1, 16, 16)
    images, reconstructions, samples = draw.random((3, IMAGES, *shape), dtype=np.float32)
    network = {name: value.numpy() for name, value in build_body(shape).state_dict().items()}
    return {
        "codes": codes,
        "factors": factors,
        "factor_names": ("shape", "x", "y"),
        "mean": draw.normal(size=(IMAGES, LATENTS)),
        "logvar": draw.normal(size=(IMAGES, LATENTS)),
        "nll": draw.normal(100, 10, size=IMAGES),
        "images": images,
        "reconstructions": reconstructions,
        "samples": samples,
        "features": DomainFeatures(shape=shape, weights=network, real=Moments(np.zeros(64), np.eye(64), 100)),
        "seed": 0,
    }


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))


@pytest.fixture(params=registry.names("metric"))
def metric(request) -> Metric:
    return registry.find("metric", request.param)()


def measured(metric, needs) -> Result | NotComputed:
    try:
        return metric.measure(**{need: needs[need] for need in metric.needs})
    except NotComputed as reason:
        return reason


def test_the_example_holds_every_need(needs):
    assert set(needs) == set(NEEDS)


def test_declares_what_it_is(metric):
    assert metric.title
    assert metric.protocol
    assert "http" in metric.source
    assert metric.better in {"higher", "lower", "neither"}
    assert set(metric.needs) <= set(NEEDS)
    assert ("codes" in metric.needs) == (metric.representation == "")
    assert metric.representation in {"", "posterior", "reconstruction", "prior"}


def test_its_docstring_has_the_source_of_its_formula(metric):
    _, found, source = (metric.__doc__ or "").partition("Source:")
    assert found
    assert "http" in source


def test_returns_finite_numbers_or_says_why_not(metric, needs):
    result = measured(metric, needs)
    if isinstance(result, NotComputed):
        assert len(str(result)) > 10
        assert "\n" not in str(result)
    else:
        assert math.isfinite(result.value)
        assert all(math.isfinite(value) for value in result.parts.values())
        assert all(np.isfinite(array).all() for array in result.arrays.values())
        assert 0 < result.n <= 10_000


def test_same_arrays_same_result_and_untouched(metric, needs):
    before = {name: np.copy(value) for name, value in needs.items() if isinstance(value, np.ndarray)}
    first, second = measured(metric, needs), measured(metric, needs)
    assert str(first) == str(second)
    assert all((needs[name] == value).all() for name, value in before.items())


def test_the_order_of_the_latents_does_not_matter(metric, needs):
    order = [2, 0, 3, 1]
    permuted = {**needs, **{name: needs[name][:, order] for name in ("codes", "mean", "logvar")}}
    first, second = measured(metric, needs), measured(metric, permuted)
    if isinstance(first, Result):
        assert second.value == pytest.approx(first.value, rel=1e-12)


@pytest.mark.parametrize("need", ["codes", "mean", "logvar", "nll", "images", "reconstructions", "samples"])
def test_refuses_nan(metric, needs, need):
    if need in metric.needs:
        broken = needs[need].copy()
        broken.flat[7] = np.nan
        assert isinstance(measured(metric, {**needs, need: broken}), NotComputed)


def test_metric_files_import_nothing_heavy():
    """Reading a study imports every metric it names, and `--help` and dry runs must stay quick."""
    heavy = {"torch", "scipy", "sklearn", "pandas", "matplotlib", "lpips", "torch_fidelity", "safetensors"}
    program = (
        "import sys; from multibeta import registry; "
        "[registry.find('metric', name) for name in registry.names('metric')]; "
        f"print(*sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
