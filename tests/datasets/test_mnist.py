"""The IDX format, byte by byte, and how four of its files become one dataset."""

import gzip
import struct

import numpy as np
import pytest

from multibeta.datasets import DataError
from multibeta.datasets._idx import read_idx
from multibeta.datasets.mnist import MNIST


def idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))
    return path


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    made = {}
    for part, count in (("train", 5), ("t10k", 3)):
        images, labels = rng.integers(0, 256, (count, 28, 28)), np.arange(count)
        made[f"{part}-images-idx3-ubyte.gz"] = idx(tmp_path / f"{part}-images", images)
        made[f"{part}-labels-idx1-ubyte.gz"] = idx(tmp_path / f"{part}-labels", labels)
    return made


def test_idx_holds_sizes_then_bytes(tmp_path):
    array = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(read_idx(idx(tmp_path / "a.gz", array), dimensions=3), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 0]), "starts with 00000d01, not 00000801"),
        (bytes([0, 0, 8, 3]) + bytes(12), "starts with 00000803, not 00000801"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 2, 7]), "announces 2 bytes, 1 bytes follow"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 7, 7]), "announces 2 bytes, 3 bytes follow"),
        (bytes([0, 0, 8, 1, 0, 0]), "ends within its header, after 6 of 8 bytes"),
    ],
)
def test_idx_with_a_wrong_header_or_length_is_refused(tmp_path, content, message):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=message):
        read_idx(path, dimensions=1)


def test_the_official_test_images_are_held_out(files):
    arrays = MNIST().build(files)
    assert arrays.images.shape == (8, 28, 28, 1)
    assert arrays.held_out.tolist() == [False] * 5 + [True] * 3
    assert arrays.labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


def test_size_32_is_a_black_border_of_2(files):
    padded = MNIST(MNIST.Options(size=32))
    images = padded.build(files).images
    assert padded.shape == (1, 32, 32)
    assert np.array_equal(images[:, 2:30, 2:30], MNIST().build(files).images)
    assert images.sum(dtype=np.int64) == images[:, 2:30, 2:30].sum(dtype=np.int64)
