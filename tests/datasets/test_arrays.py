"""An npz or HDF5 file of images: what is taken from it, and one line for what is wrong."""

import io
import zipfile

import h5py
import numpy as np
import pytest
from own_files import grid_arrays

from multibeta.datasets import DataError, Factor
from multibeta.datasets._array_file import ArrayFile
from multibeta.datasets.arrays import ArraysOfOnesOwn
from multibeta.stages.prepare import prepare


def save(path, arrays):
    if path.suffix == ".npz":
        np.savez_compressed(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            text = np.asarray(array).dtype.kind == "U"
            file.create_dataset(name, data=np.asarray(array, dtype=h5py.string_dtype()) if text else array)
    return path


def source(path, **options):
    return ArraysOfOnesOwn(ArraysOfOnesOwn.Options.model_validate({"path": str(path), **options}))


def images_of(path, **options):
    return np.concatenate(list(source(path, **options).build({}).images))


@pytest.fixture(params=["own.npz", "own.h5"])
def path(request, tmp_path):
    return tmp_path / request.param


def test_the_full_grid_of_factors_is_known_as_one(path):
    given = grid_arrays()
    found = source(save(path, given))
    assert found.shape == (1, 12, 12)
    assert found.factors == (Factor("factor_1", 4, "ordinal"), Factor("factor_2", 2, "categorical"))
    assert found.grid is True
    arrays = found.build({})
    assert np.array_equal(np.concatenate(list(arrays.images))[..., 0], given["images"])
    assert arrays.factors[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6]])
def test_factors_in_another_order_or_with_a_gap_are_no_grid(path, order):
    assert source(save(path, {name: array[order] for name, array in grid_arrays().items()})).grid is False


def test_names_labels_and_split_are_taken_from_the_file(path):
    given = grid_arrays(copies=2)
    held_out = np.arange(16) % 4 == 1
    extra = {"factor_names": ["place", "grey"], "labels": np.repeat(["right", "left"], 8), "held_out": held_out}
    found = source(save(path, {**given, **extra}))
    assert [factor.name for factor in found.factors] == ["place", "grey"]
    assert found.classes == ("left", "right")
    arrays = found.build({})
    assert np.array_equal(arrays.held_out, held_out)
    assert arrays.labels.tolist() == [1] * 8 + [0] * 8


def test_arrays_may_have_other_names(path):
    given = grid_arrays(copies=2)
    renamed = {"pictures": given["images"], "labels": given["factors"] / 255, "digit": np.arange(16) % 3}
    options = {"images": "pictures", "factors": "labels", "labels": "digit", "factor_names": ["place", "grey"]}
    found = source(save(path, renamed), **options, classes=["a", "b", "c"], columns=["place"])
    assert found.factors == (Factor("place", 4, "ordinal"),)
    assert found.classes == ("a", "b", "c")
    assert found.build({}).labels[:4].tolist() == [0, 1, 2, 0]


def test_arrays_in_groups_of_hdf5_are_named_by_their_path(tmp_path):
    given = grid_arrays()
    path = save(tmp_path / "own.h5", {"run/frames": given["images"], "run/factors": given["factors"]})
    assert source(path, images="run/frames", factors="run/factors").grid is True
    refused(lambda: source(path).factors, "it holds run/factors, run/frames")


def test_colour_images_are_taken_as_they_are(path):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 6, 3), dtype=np.uint8)
    assert source(save(path, {"imgs": images})).shape == (3, 8, 6)
    assert np.array_equal(images_of(path), images)


def test_images_are_read_piece_by_piece(path, monkeypatch):
    monkeypatch.setattr("multibeta.datasets._storage.MOST_BYTES", 144 * 3)
    pieces = list(source(save(path, grid_arrays())).build({}).images)
    assert [len(piece) for piece in pieces] == [3, 3, 2]
    assert np.array_equal(np.concatenate(pieces)[..., 0], grid_arrays()["images"])


def test_images_of_zero_and_one_are_kept_as_bits(path, tmp_path):
    given = grid_arrays(copies=5)
    save(path, {**given, "images": given["images"] // 128})
    dataset = prepare("arrays", {"path": str(path), "binary": True}, tmp_path / "data")
    assert (dataset.folder / "bits.npy").is_file()
    assert np.array_equal(dataset.images[:][..., 0], np.where(given["images"] > 0, 255, 0))


def test_continuous_factors_are_cut_into_bins(path):
    draws = np.random.default_rng(0)
    images = draws.integers(0, 256, (200, 8, 8), dtype=np.uint8)
    save(path, {"images": images, "factors": draws.normal(size=(200, 2))})
    assert [factor.size for factor in source(path, bins=5).factors] == [5, 5]
    kinds = {"factor_2": "categorical"}
    assert [factor.size for factor in source(path, kinds=kinds).factors] == [10, 200]


def refused(act, *words):
    with pytest.raises(DataError) as error:
        act()
    line = str(error.value)
    assert "\n" not in line
    for word in words:
        assert word in line, line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": None, "things": np.zeros(3)}, ["no array named images, imgs", "factors, things"]),
        ({"images": np.zeros((8, 12, 12), np.float32)}, ["'images' is float32 (8, 12, 12), must be uint8"]),
        ({"images": np.zeros((8, 12, 12), np.int64)}, ["'images' is int64 (8, 12, 12), must be uint8"]),
        ({"images": np.zeros((8, 144), np.uint8)}, ["'images' is (8, 144), must be (N, H, W) or (N, H, W, C)"]),
        ({"images": np.zeros((0, 12, 12), np.uint8)}, ["'images' is (0, 12, 12), must be (N, H, W)"]),
        ({"images": np.zeros((8, 3, 12, 12), np.uint8)}, ["found 12 (channels seem to stand first"]),
        ({"images": np.zeros((8, 2000, 1), np.uint8)}, ["sides must be ≤ 1024"]),
        ({"factors": np.zeros((7, 2))}, ["'factors' is float64 (7, 2), must be numbers or text (8, 2)"]),
        ({"factors": np.zeros((8, 2, 2))}, ["'factors' is float64 (8, 2, 2), must be"]),
        ({"factors": np.ones((8, 1))}, ["column factor_1 has one value, 1"]),
        ({"factors": np.array([1, 2, np.nan, 1, 2, 1, 2, 1])}, ["column factor_1 holds nan"]),
        ({"factor_names": ["one"]}, ["'factor_names' is <U3 (1,), must be text (2,)"]),
        ({"factor_names": ["a", "a"]}, ["2 factors need as many different names"]),
        ({"factor_names": ["a", " "]}, ["a factor may not be called ' '"]),
        ({"factor_names": ["a", "b\nc"]}, [r"a factor may not be called 'b\nc'"]),
        ({"factors": np.array([b"a\xff", b"b"] * 4)}, ["cannot be read as arrays: 'utf-8' codec"]),
        ({"factor_names": np.array([b"a\xff", b"b"])}, ["cannot be read as arrays: 'utf-8' codec"]),
        ({"labels": np.zeros((8, 3))}, ["'labels' has columns; if they are factors, set factors: labels"]),
        ({"labels": np.arange(7)}, ["'labels' is int64 (7,), must be"]),
        ({"labels": np.linspace(0, 1, 8)}, ["'labels' is float64 (8,), must be whole numbers or text"]),
        ({"held_out": np.arange(8)}, ["'held_out' must hold 0 and 1 only"]),
        ({"held_out": np.ones(8)}, ["held_out holds out every image"]),
    ],
)
def test_arrays_that_do_not_fit(path, changes, words):
    save(path, {name: array for name, array in {**grid_arrays(), **changes}.items() if array is not None})
    refused(lambda: source(path).factors, str(path), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"images": "image"}, ["no array 'image'; did you mean 'images'?"]),
        ({"columns": ["factor1"]}, ["no factor 'factor1'; did you mean 'factor_1'?"]),
        ({"kinds": {"factor1": "periodic"}}, ["no factor 'factor1'"]),
        ({"labels": "factors"}, ["'factors' has columns"]),
    ],
)
def test_options_that_do_not_fit_the_file(path, options, words):
    save(path, grid_arrays())
    refused(lambda: source(path, **options).factors, str(path), *words)


def test_images_that_would_look_black_are_refused_and_nothing_is_written(path, tmp_path):
    given = grid_arrays(copies=5)
    save(path, {**given, "images": given["images"] // 128})
    refused(lambda: prepare("arrays", {"path": str(path)}, tmp_path / "data"), "nothing above 1", "binary: true")
    refused(lambda: images_of(save(path, given), binary=True), "has greys between 1 and 255")
    assert [file for file in tmp_path.rglob("data/*") if file.is_file()] == []


@pytest.mark.parametrize("keep", [0, 30, 0.5, 0.98])
def test_a_file_cut_short_is_refused(path, keep):
    whole = save(path, grid_arrays(copies=5)).read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else keep])
    refused(lambda: images_of(path), str(path), "cannot be read as arrays")


def test_a_damaged_array_is_refused(tmp_path):
    path = save(tmp_path / "own.npz", {"images": np.random.default_rng(0).integers(0, 256, (50, 12, 12), np.uint8)})
    content = bytearray(path.read_bytes())
    content[2000:2100] = bytes(100)
    path.write_bytes(content)
    refused(lambda: images_of(path), str(path), "is damaged")


class Bomb:
    """Leaves a file behind if it is ever unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


@pytest.mark.parametrize("role", ["images", "factors", "labels"])
def test_pickles_are_refused_and_never_loaded(tmp_path, monkeypatch, role):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "own.npz", **{**grid_arrays(), role: np.array([Bomb()] * 8, dtype=object)})
    refused(lambda: source(tmp_path / "own.npz").factors, "own.npz", "pickle" if role != "images" else "is object")
    assert not (tmp_path / "unpickled").exists()


def archive(path, **members):
    """An npz whose arrays are a header, shape and dtype, and the bytes that follow it."""
    with zipfile.ZipFile(path, "w") as file:
        for name, (shape, dtype, content) in members.items():
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": shape})
            file.writestr(f"{name}.npy", header.getvalue() + content)
    return path


def test_a_header_may_lie(tmp_path):
    path, images = tmp_path / "own.npz", ((8, 12, 12), "|u1", bytes(range(256))[:144] * 8)
    refused(lambda: images_of(archive(path, images=((10**12, 12, 12), "|u1", b""))), str(path), "fewer than its 1000")
    refused(lambda: images_of(archive(path, images=((-8, 12, 12), "|u1", b""))), str(path), "(-8, 12, 12), must be")
    for shape in ((10**13, 2), (-1, 2)):
        lying = archive(path, images=images, factors=(shape, "<f8", b""))
        refused(lambda lying=lying: source(lying).factors, str(path), "cannot be read as arrays")
    unwritten = tmp_path / "own.h5"
    with h5py.File(unwritten, "w") as file:
        file["images"] = np.zeros((8, 12, 12), np.uint8)
        file.create_dataset("factors", (10**6, 10**7), "f8", chunks=(100, 100))
    refused(lambda: source(unwritten).factors, str(unwritten), "larger than the memory")


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "packed in an unknown way"])
def test_an_archive_that_cannot_be_unpacked(tmp_path, place, value):
    path = archive(tmp_path / "own.npz", images=((8, 12, 12), "|u1", bytes(8 * 144)))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + place] = content[place - 2] = value  # in the directory and before the file
    path.write_bytes(content)
    refused(lambda: images_of(path), str(path))


def test_a_header_that_never_ends(tmp_path):
    header = io.BytesIO()
    np.save(header, np.zeros((8, 12, 12), np.uint8))
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as file:
        file.writestr("images.npy", header.getvalue().replace(b"(8, 12, 12)", b"(((((((((((", 1))
    refused(lambda: images_of(tmp_path / "own.npz"), "own.npz: array 'images' is no npy file")


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>", b"\x93NUMPY\x01\x00"])
def test_another_file_in_the_place_of_an_npz(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    refused(lambda: ArrayFile(tmp_path / "own.npz"), "own.npz cannot be read as arrays: it is no npz file")


def test_hdf5_arrays_whose_content_lies_in_another_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "other.h5", grid_arrays())
    (tmp_path / "secret").write_bytes(bytes(range(16)))
    layout = h5py.VirtualLayout((8, 12, 12), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "images", (8, 12, 12))
    with h5py.File("virtual.h5", "w") as file:
        file.create_virtual_dataset("images", layout)
    with h5py.File("outside.h5", "w") as file:
        file["images"] = grid_arrays()["images"]
        file.create_dataset("factors", (8, 2), "u1", external=[("secret", 0, 16)])
    with h5py.File("linked.h5", "w") as file:
        file["images"] = h5py.ExternalLink("other.h5", "images")
    refused(lambda: images_of("virtual.h5"), "virtual.h5: the content of array 'images' lies in another file")
    refused(lambda: source("outside.h5").factors, "outside.h5: the content of array 'factors' lies in another file")
    refused(lambda: source("linked.h5").factors, "linked.h5 holds no array named", "it holds none")


def test_what_is_no_array_in_hdf5_is_passed_over(tmp_path):
    path = save(tmp_path / "own.h5", grid_arrays())
    with h5py.File(path, "a") as file:
        file.create_dataset("labels", data=h5py.Empty("u1"))
        file[b"\xff"] = np.zeros(3)
        file["type"] = np.dtype("u1")
    assert ArrayFile(path).names == ["factors", "images"]


def test_of_few_images_one_is_held_out(path):
    given = grid_arrays()
    assert source(save(path, {"images": given["images"][:2]})).build({}).held_out.sum() == 1


def test_places_that_hold_no_arrays(tmp_path):
    (tmp_path / "own.csv").write_text("a,b\n")
    refused(lambda: ArrayFile(tmp_path), "is a folder, not a file of arrays")
    refused(lambda: ArrayFile(tmp_path / "absent.npz"), "absent.npz does not exist")
    refused(lambda: ArrayFile(tmp_path / "own.csv"), "its name must end in .npz, .h5")
