"""The npz of dSprites: binary to 0 and 255, colour left out, the pickle never loaded."""

import numpy as np
import pytest

from multibeta.datasets import DataError, _dsprites
from multibeta.datasets._storage import in_chunks
from multibeta.datasets.dsprites import DSprites
from multibeta.datasets.dsprites_grid import DSpritesGrid


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("the pickle was loaded",)


@pytest.fixture
def npz(tmp_path):
    images = np.random.default_rng(0).integers(0, 2, (20, 64, 64), dtype=np.uint8)
    latents = np.arange(120).reshape(20, 6)
    path = tmp_path / "small.npz"
    np.savez(path, imgs=images, latents_classes=latents, metadata=np.array(Bomb(), dtype=object))
    return path, images, latents


def test_images_become_0_and_255_and_only_the_asked_for_latents_remain(npz):
    path, images, latents = npz
    arrays = _dsprites.read(path, factors=5)
    assert np.array_equal(np.concatenate(list(in_chunks(arrays.images)))[..., 0], images * 255)
    assert np.array_equal(arrays.factors, latents[:, 1:])


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04 cut off"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not an npz in the format of dSprites"):
        _dsprites.read(path, factors=5)


def test_an_npz_without_the_keys_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with pytest.raises(DataError, match="latents_classes"):
        _dsprites.read(tmp_path / "other.npz", factors=5)


def test_the_grids_have_the_published_sizes():
    assert np.prod([factor.size for factor in DSprites.factors]) == 737_280
    assert np.prod([factor.size for factor in DSpritesGrid.factors]) == 46_080
