"""Images on disk: streamed, packed and derived ones are the images that were given."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from multibeta import registry
from multibeta.datasets import Arrays, DataError, Dataset, DatasetSource, _npz, _storage
from multibeta.stages.prepare import prepare

SHAPE = (1, 5, 6)  # 30 bits: no whole number of bytes


def pixels(count=10):
    return (np.random.default_rng(0).integers(0, 2, (count, 5, 6, 1)) * 255).astype(np.uint8)


@pytest.fixture
def register(monkeypatch):
    """Make a toy dataset findable."""

    def add(**declared):
        toy = type("Toy", (DatasetSource,), {"title": "Toy", "licence": "none", "source": "none", **declared})
        toy.name = "toy"
        monkeypatch.setitem(registry._outside, ("dataset", "toy"), toy)
        return toy

    return add


def built(images, **more):
    return lambda self, files: Arrays(images() if callable(images) else images, np.arange(10) == 3, **more)


def in_threes():
    images = pixels()
    return (images[start : start + 3] for start in range(0, 10, 3))


@pytest.mark.parametrize("images", [pixels(), in_threes], ids=["whole", "in chunks"])
@pytest.mark.parametrize("binary", [False, True])
def test_what_was_written_is_read(tmp_path, register, images, binary):
    register(shape=SHAPE, binary=binary, build=built(images))
    dataset = prepare("toy", {}, tmp_path)
    there = dataset.images
    assert (len(there), there.shape, there.dtype, there.size) == (10, (10, 5, 6, 1), np.uint8, 300)
    for positions in (np.array([7, 0, -3]), slice(2, 9, 3), slice(None), np.arange(10) % 2 == 0, [1, 2], 4, -1):
        assert np.array_equal(there[positions], pixels()[positions])
    for index in ((4, slice(1, 3), slice(None), 0), (np.array([7, 0]), 1), (slice(2, 5), slice(None), slice(0, 2), 0)):
        assert np.array_equal(there[index], pixels()[index])
    for outside in (10, -11, [-11], np.array([-11]), np.arange(20), (slice(None), [0, 1])):
        with pytest.raises(IndexError):
            there[outside]
    assert np.array_equal(np.stack(list(there)), pixels())
    assert np.array_equal(np.asarray(there), pixels())
    kept = "bits" if binary else "images"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["card.json", "held_out.npy", f"{kept}.npy"])
    assert dataset.card["sha256"].keys() == {kept, "held_out"}


def test_bits_take_an_eighth(tmp_path):
    sprites = prepare("sprites", {"antialias": False}, tmp_path / "grey")
    packed = np.packbits(np.asarray(sprites.images).reshape(len(sprites.images), -1) > 0, axis=1)
    size = _storage.write(tmp_path / "bits.npy", iter([np.asarray(sprites.images)]), 2304, (32, 32, 1), packed=True)
    assert np.array_equal(np.load(tmp_path / "bits.npy"), packed)
    assert len(size) == 64


def test_the_kind_of_file_may_change(tmp_path, register):
    for binary in (False, True, False):
        register(shape=SHAPE, binary=binary, build=built(pixels()))
        assert np.array_equal(prepare("toy", {}, tmp_path).images[:], pixels())
        assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (lambda: iter([pixels(9)]), "build returns 9 images of 10"),
        (lambda: iter([pixels(9), pixels(2)]), "build returns more than 10 images of 10"),
        (lambda: iter([pixels()[:, :4]]), r"images must be uint8 \(10, 5, 6, 1\)"),
        (lambda: iter([pixels() // 2]), "declares binary, but build returns images with values other than 0 and 255"),
    ],
)
def test_images_that_are_not_what_is_declared_leave_the_old_ones(tmp_path, register, images, message):
    register(shape=SHAPE, binary=True, build=built(pixels()))
    prepare("toy", {}, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    register(shape=SHAPE, binary=True, version=2, build=built(images))
    with pytest.raises(DataError, match=message):
        prepare("toy", {}, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_derived_images_are_made_of_stored_ones_by_their_positions(tmp_path, register):
    def derive(self, images, positions, extras):
        return images * extras["colours"][positions % 2][:, None, None, :]

    colours = np.array([[1, 0, 0], [0, 0, 1]], np.uint8)
    register(
        shape=(3, 5, 6),
        stored_shape=SHAPE,
        binary=True,
        derive=derive,
        build=built(in_threes, extras={"colours": colours}),
    )
    dataset = prepare("toy", {}, tmp_path)
    expected = pixels() * colours[np.arange(10) % 2][:, None, None]
    assert dataset.shape == (3, 5, 6)
    for positions in (np.array([5, 2]), slice(1, 4), 6):
        assert np.array_equal(dataset.images[positions], expected[positions])
    assert np.array_equal(np.asarray(Dataset(tmp_path).images), expected)


def test_an_npz_is_read_row_by_row(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (_storage.CHUNK + 5, 3, 2), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", rows=rows)
    member = _npz.Member(tmp_path / "a.npz", "rows")
    assert (len(member), member.shape) == (len(rows), rows.shape)
    for _ in range(2):
        assert [len(chunk) for chunk in member] == [_storage.CHUNK, 5]
        assert np.array_equal(np.concatenate(list(member)), rows)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], dtype=object), "must be uint8"),
        (np.zeros(3), "must be uint8"),
        (np.asfortranarray(np.zeros((3, 2), np.uint8)), "rows one after the other"),
        (np.array(1, np.uint8), "must be uint8"),
    ],
    ids=["pickled", "floats", "by columns", "no rows"],
)
def test_an_array_of_another_kind_is_refused(tmp_path, array, message):
    np.savez(tmp_path / "a.npz", rows=array)
    with pytest.raises(DataError, match=message):
        _npz.Member(tmp_path / "a.npz", "rows")
    with pytest.raises(DataError, match="has no array 'columns'"):
        _npz.Member(tmp_path / "a.npz", "columns")


@pytest.mark.parametrize("damage", [b"", b"\xff" * 4000], ids=["cut short", "overwritten"])
def test_a_damaged_array_is_one_line(tmp_path, damage):
    rows = np.random.default_rng(0).integers(0, 256, (500, 64), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", rows=rows)
    content = (tmp_path / "a.npz").read_bytes()
    middle = content[:9_000] + damage + content[9_000 + 4_000 :]  # what lists the arrays stands at the end
    (tmp_path / "b.npz").write_bytes(middle)
    with pytest.raises(DataError, match=r"b\.npz.*(damaged|has no array)") as error:
        list(_npz.Member(tmp_path / "b.npz", "rows"))
    assert "\n" not in str(error.value)


def test_an_array_of_fewer_rows_than_it_says_is_one_line(tmp_path):
    whole = io.BytesIO()
    np.save(whole, np.zeros((100, 8), np.uint8))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("rows.npy", whole.getvalue()[:-8])
    with pytest.raises(DataError, match="array 'rows' ends after fewer than its 100 rows"):
        list(_npz.Member(tmp_path / "a.npz", "rows"))


def test_chunks_are_written_as_they_come_and_none_is_kept(tmp_path, register):
    """Eight chunks of 50 MB each: their maker sees the memory of the process grow by two or three, never by all."""
    count, seen = 8 * _storage.CHUNK, []

    def chunks():
        for value in range(8):
            seen.append(_own_memory())
            yield np.full((_storage.CHUNK, 64, 64, 3), value, np.uint8)

    register(shape=(3, 64, 64), build=lambda self, files: Arrays(chunks(), np.arange(count) % 10 == 0))
    dataset = prepare("toy", {}, tmp_path)
    assert max(seen) - seen[0] < 160_000
    assert dataset.images[np.array([0, count - 1])].mean((1, 2, 3)).tolist() == [0, 7]


def _own_memory():
    """Memory in kB that is the process's own, without what it maps of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0])
