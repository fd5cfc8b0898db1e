"""What docs/datasets.md says of the measured factors of digits and MNIST is so."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from multibeta import registry
from multibeta.datasets._morphology import MEASURES, bounds, measure
from multibeta.metrics.disentanglement.mig import mig

ROOT = Path(__file__).parents[2]
MIRROR = ROOT.parent / "shared" / "data"
PAGE = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["digits", "mnist"])
def source(request):
    return registry.find("dataset", request.param)()


@pytest.fixture(scope="module")
def arrays(source):
    files = {file.name: MIRROR / source.name / file.name for file in source.files}
    if not all(path.is_file() for path in files.values()):
        pytest.skip(f"needs the files of {source.name} in ../shared/data")
    return source.build(files)


@pytest.fixture(scope="module")
def measures(source, arrays):
    """Float64 (N, K) of those measures that are factors."""
    return measure(arrays.images[..., 0])[:, [MEASURES.index(factor.name) for factor in source.factors[1:]]]


def test_the_digit_is_the_first_factor_and_the_label(source, arrays):
    first, *measured = source.factors
    assert (first.name, first.size, first.kind) == ("digit", len(source.classes), "categorical")
    assert np.array_equal(arrays.factors[:, 0], arrays.labels)
    assert {factor.kind for factor in measured} == {"ordinal"}


def test_every_value_is_taken_about_equally_often(source, arrays):
    for factor, column in zip(source.factors[1:], arrays.factors[:, 1:].T, strict=True):
        assert np.bincount(column[~arrays.held_out]) / (~arrays.held_out).sum() == pytest.approx(
            np.full(factor.size, 1 / factor.size), rel=0.02
        )


def test_the_page_gives_the_bounds_of_the_bins(source, arrays, measures):
    for factor, column in zip(source.factors[1:], measures.T, strict=True):
        found = ", ".join(f"{bound:.2f}" for bound in bounds(column[~arrays.held_out], factor.size))
        assert f"| `{source.name}`: {factor.name} | {factor.size} | {found} |" in PAGE


def test_the_page_gives_the_correlations(source, measures):
    names = [factor.name for factor in source.factors[1:]]
    rows = [f"| `{source.name}` | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1)]
    for name, row in zip(names, spearmanr(measures)[0], strict=True):
        rows.append(f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |")
    assert "\n".join(rows) in PAGE


def test_the_page_says_what_perfect_codes_score(source, arrays):
    score = mig(arrays.factors, arrays.factors).gaps.mean()
    assert f"{score:.2f} on `{source.name}`" in " ".join(PAGE.split())
