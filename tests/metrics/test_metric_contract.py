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
from multibeta.option_values import PROTOCOLS

IMAGES, LATENTS = 64, 4


@pytest.fixture(scope="module")
def needs():
    """One of everything a metric may need, of the shapes and types that `NEEDS` promises."""
    draw = np.random.default_rng(0)
    # The full grid of three factors; three codes that tell one of them each, with noise, and one of noise alone.
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
        "factor_kinds": ("categorical", "ordinal", "periodic"),
        "posterior_mean": codes,
        "posterior_logvar": draw.normal(-1, 0.5, size=codes.shape),
        "sibling_means": [codes[:, [1, 0, 3, 2]] + 0.1 * draw.normal(size=codes.shape) for _ in range(2)],
        "sibling_logvars": [draw.normal(-1, 0.5, size=codes.shape) for _ in range(2)],
        "mean": draw.normal(size=(IMAGES, LATENTS)),
        "logvar": draw.normal(size=(IMAGES, LATENTS)),
        "nll": draw.normal(100, 10, size=IMAGES),
        "nll_trained_on": draw.normal(90, 10, size=IMAGES),
        "images": images,
        "real_images": images,
        "reconstructions": reconstructions,
        "samples": samples,
        "traversals": draw.random((6, LATENTS, 7, *shape), dtype=np.float32),
        "traversal_values": np.linspace(-3, 3, 7),
        "moved": lambda step: _decoded(np.array([[-3], [0], [3]]) * step + codes[:5, None]),
        "grid_images": draw.integers(256, size=(480, 16, 16, 1)).astype(np.uint8),
        "grid_factors": factors,
        "features": DomainFeatures(
            shape=shape,
            weights=network,
            heads={"weight": draw.normal(size=(26, 64)).astype(np.float32), "bias": np.zeros(26, np.float32)},
            sizes={"shape": 4, "x": 10, "y": 12},
            accuracy={"shape": 0.9, "x": 0.8, "y": 0.7},
            real=Moments(np.zeros(64), np.eye(64), 100),
        ),
        "seed": 0,
    }


def _decoded(z):
    """Some images (A, S, 1, 16, 16) for codes (A, S, 4)."""
    waves = np.sin(z[..., None] * np.arange(1, 65)).reshape(*z.shape[:2], 1, 16, 16)
    return (0.5 + 0.5 * waves).astype(np.float32)


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIBETA_WEIGHTS", str(tmp_path))


RECIPES = [
    pytest.param(name, protocol, id=f"{name}-{protocol}")
    for name in registry.names("metric")
    for protocol in registry.find("metric", name).recipes(list(PROTOCOLS))
]


@pytest.fixture(params=registry.names("metric"))
def metric(request) -> type[Metric]:
    return registry.find("metric", request.param)


def measured(name, protocol, needs) -> dict[str, Result | NotComputed]:
    """Every score of the metric; all of them the same NotComputed if it refuses as a whole."""
    metric = registry.find("metric", name)()
    settings = metric.recipes([protocol])[protocol]
    try:
        found = metric.measure(**{need: needs[need] for need in metric.needs}, **settings)
    except NotComputed as reason:
        return dict.fromkeys(metric.all_scores(), reason)
    return {name: found} if isinstance(found, Result) else dict(found)


def test_the_example_holds_every_need(needs):
    assert set(needs) == set(NEEDS)


def test_declares_what_it_is(metric):
    assert metric.title
    assert "http" in metric.source
    assert bool(metric.protocol) != bool(metric.protocols)
    assert set(metric.needs) <= set(NEEDS)
    assert ("codes" in metric.needs) == (metric.representation == "")
    assert metric.representation in {
        "",
        "mean",
        "sampled",
        "posterior",
        "reconstruction",
        "prior",
        "traversal",
        "edit",
    }
    for score in metric.all_scores().values():
        assert score.title
        assert score.better in {"higher", "lower", "neither"}


def test_no_two_metrics_give_the_same_score_by_the_same_protocol():
    given = [
        (score, protocol)
        for metric in (registry.find("metric", name) for name in registry.names("metric"))
        for score in metric.all_scores()
        for protocol in metric.recipes(list(PROTOCOLS))
    ]
    assert len(given) == len(set(given))


def test_its_docstring_has_the_source_of_its_formula(metric):
    _, found, source = (metric.__doc__ or "").partition("Source:")
    assert found
    assert "http" in source


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_returns_finite_numbers_or_says_why_not(name, protocol, needs):
    found = measured(name, protocol, needs)
    assert set(found) == set(registry.find("metric", name).all_scores())
    for result in found.values():
        if isinstance(result, NotComputed):
            assert len(str(result)) > 10
            assert "\n" not in str(result)
        else:
            assert math.isfinite(result.value)
            assert all(math.isfinite(value) for value in result.parts.values())
            assert all(np.isfinite(array).all() for array in result.arrays.values())
            assert 0 < result.n <= 10_000


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_same_arrays_same_result_and_untouched(name, protocol, needs):
    before = {name: np.copy(value) for name, value in needs.items() if isinstance(value, np.ndarray)}
    first, second = measured(name, protocol, needs), measured(name, protocol, needs)
    assert str(first) == str(second)
    assert all((needs[name] == value).all() for name, value in before.items())


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_the_order_of_the_latents_does_not_matter(name, protocol, needs):
    order = [2, 0, 3, 1]
    of_latents = ("codes", "posterior_mean", "posterior_logvar", "mean", "logvar", "traversals")
    permuted = {**needs, **{need: needs[need][:, order] for need in of_latents}}
    permuted |= {need: [codes[:, order] for codes in needs[need]] for need in ("sibling_means", "sibling_logvars")}
    permuted["moved"] = lambda step: needs["moved"](step[np.argsort(order)])
    expected, found = (measured(name, protocol, each) for each in (needs, permuted))
    assert values(found) == pytest.approx(values(expected), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_the_order_of_the_samples_does_not_matter(name, protocol, needs):
    """Unless the metric splits or draws by position, which its docstring then says."""
    metric = registry.find("metric", name)
    if "seed" in metric.needs and "by position" in " ".join((metric.__doc__ or "").split()):
        return
    draw = np.random.default_rng(1)
    tables = (
        ("codes", "factors", "posterior_mean", "posterior_logvar"),
        ("mean", "logvar", "nll", "images", "reconstructions"),
        ("samples",),
        ("traversals",),
        ("grid_images", "grid_factors"),
    )
    shuffled = dict(needs)
    for table in tables:
        order = draw.permutation(len(needs[table[0]]))
        shuffled |= {need: needs[need][order] for need in table}
        if table[0] == "codes":
            shuffled |= {need: [c[order] for c in needs[need]] for need in ("sibling_means", "sibling_logvars")}
    expected, found = (measured(name, protocol, each) for each in (needs, shuffled))
    assert values(found) == pytest.approx(values(expected), rel=1e-4, abs=1e-7)


def values(found: dict[str, Result | NotComputed]) -> dict[str, float]:
    return {name: result.value for name, result in found.items() if isinstance(result, Result)}


ARRAYS = ["codes", "posterior_mean", "posterior_logvar", "mean", "logvar", "nll"]
ARRAYS += ["images", "reconstructions", "samples", "traversals"]


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
@pytest.mark.parametrize("need", ARRAYS)
def test_refuses_nan(name, protocol, needs, need):
    if need in registry.find("metric", name).needs:
        broken = needs[need].copy()
        broken.flat[7] = np.nan
        found = measured(name, protocol, {**needs, need: broken})
        assert all(isinstance(result, NotComputed) for result in found.values())


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
