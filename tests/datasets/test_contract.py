"""What every dataset plug-in must do; a new file in datasets/ is tested here without a line being added."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from official_files import WRITERS, source_of

from multibeta import registry
from multibeta.datasets import DataError, DatasetSource
from multibeta.datasets._sources import locate
from multibeta.datasets._storage import in_chunks
from multibeta.stages.prepare import check

MIRROR = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module", params=registry.names("dataset"))
def source(request, own_options) -> DatasetSource:
    plug_in = registry.find("dataset", request.param)
    return plug_in(plug_in.Options(**own_options.get(request.param, {})))


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """The source over its real files, if they are in the mirror, else over small ones of the same format."""
    if all((MIRROR / source.name / file.name).is_file() for file in source.files):
        return source, MIRROR
    if source.name not in WRITERS and not source.name.endswith("_dsprites"):
        pytest.skip(f"needs its files in ../shared/data/{source.name}")
    mirror = tmp_path_factory.mktemp("mirror")
    return source_of(source.name, mirror), mirror


@pytest.fixture(scope="module")
def files(built, tmp_path_factory):
    return locate(*built, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def arrays(built, files):
    return whole(built[0].build(files))


def whole(arrays):
    """What `build` gives, images that come in chunks put together."""
    return replace(arrays, images=np.concatenate(list(in_chunks(arrays.images))))


def test_it_says_what_it_is_and_where_it_comes_from(source):
    for text in (source.title, source.licence, source.source, type(source).__doc__):
        assert text
        assert text.strip()
    assert len(source.shape) == 3
    assert source.shape[0] in (1, 3)


def test_factors_are_named_once_and_vary(source):
    names = [factor.name for factor in source.factors]
    assert len(set(names)) == len(names)
    assert "label" not in names, "this name is taken by the labels"
    assert all(factor.size > 1 for factor in source.factors)
    assert not source.grid or source.factors


def test_every_file_has_an_official_address_and_a_full_hash_or_none_that_is_published(source):
    for file in source.files:
        # An address without encryption will do, as the content is verified.
        assert file.url.startswith("https://" if file.starts else ("https://", "http://"))
        kind, _, value = file.digest.partition(":")
        assert len(value) == {"sha256": 64, "git-blob": 40, "md5": 32, "starts": 2 * len(file.starts)}[kind]
        assert sum(map(bool, (file.sha256, file.git_blob, file.md5, file.starts))) == 1


def test_what_is_published_by_others_is_cited(source):
    if source.files:
        kind, _, fields = source.citation.partition("{")
        assert kind in ("@misc", "@article", "@inproceedings", "@techreport")
        assert fields.count("{") + 1 == fields.count("}")


def test_every_option_is_described(source):
    assert all(field.description for field in source.Options.model_fields.values())


def test_it_builds_what_it_declares(built, arrays):
    check(built[0], arrays)


def test_held_out_images_are_a_fair_share(arrays):
    assert 0.01 <= arrays.held_out.mean() <= 0.5


def test_images_use_the_grey_scale(arrays):
    assert arrays.images.min() == 0
    assert arrays.images.max() == 255


def test_building_again_gives_the_same_bytes(built, files, arrays):
    again = whole(built[0].build(files))
    assert again.extras.keys() == arrays.extras.keys()
    of_both = [{**vars(each), "extras": None, **each.extras} for each in (arrays, again)]
    for one, other in zip(*(each.values() for each in of_both), strict=True):
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def test_a_file_cut_short_is_refused(built, files, tmp_path):
    source = built[0]
    for file in source.files:
        path = files[file.name]
        copy = tmp_path / (file.of or source.name) / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes()[: 1 if file.starts else -1])
        with pytest.raises(DataError, match="another kind" if file.starts else "truncated"):
            locate(source, tmp_path, tmp_path / "cache")
        copy.write_bytes(path.read_bytes())


def test_finding_datasets_imports_nothing_heavy():
    code = (
        "import sys; from multibeta import registry\n"
        "for name in registry.names('dataset'): registry.find('dataset', name)\n"
        "print(sorted({'torch', 'sklearn', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
