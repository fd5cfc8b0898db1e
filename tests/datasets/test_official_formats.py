"""Every dataset of the field from small files in its official format: each image with its own values, and errors."""

import gzip
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from official_files import (
    SIZES,
    WRITERS,
    Bomb,
    add,
    celeba_marks,
    label_of,
    numbered,
    photograph,
    picture,
    source_of,
    sprite,
    with_hash,
    write_cars3d,
    write_celeba,
    write_cifar10,
    write_idx,
    write_matrix,
    write_smallnorb,
)
from PIL import Image

from multibeta import registry
from multibeta.datasets import DataError, Dataset, celeba, cifar10, grid_factors, smallnorb
from multibeta.datasets import cars3d as cars
from multibeta.datasets._sources import locate
from multibeta.stages.prepare import prepare

MIRROR = Path(__file__).parents[3] / "shared" / "data"
#: Images in the whole dataset, as published.
PUBLISHED = {
    "shapes3d": 480_000,
    "mpi3d_toy": 1_036_800,
    "mpi3d_realistic": 1_036_800,
    "mpi3d_real": 1_036_800,
    "cars3d": 17_568,
    "smallnorb": 48_600,
    "color_dsprites": 737_280,
    "noisy_dsprites": 737_280,
    "scream_dsprites": 737_280,
}


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Prepare a dataset from small files, as the pipeline does."""

    def of(name, **options):
        source = source_of(name, tmp_path / "mirror", options)
        monkeypatch.setitem(registry._outside, ("dataset", name), type(source))
        return prepare(name, options, tmp_path / "prepared", tmp_path / "mirror", tmp_path / "cache")

    return of


def refused(name, mirror, damage, **options):
    """The error of preparing the files after ``damage``, whose hashes are those they then have."""
    source = source_of(name, mirror, options)
    damage(mirror / name)
    type(source).files = tuple(with_hash(file, mirror / name / file.name) for file in source.files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._outside, ("dataset", name), type(source))
        with pytest.raises(DataError) as error:
            prepare(name, options, mirror.parent / "prepared", mirror, mirror.parent / "cache")
    assert "\n" not in str(error.value)
    assert not any(path.is_file() for path in (mirror.parent / "prepared").glob("*"))
    return str(error.value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_grid_has_the_published_number_of_images(name):
    assert np.prod([factor.size for factor in registry.find("dataset", name)().factors]) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("shapes3d", {}, (64, 64, 3)),
        ("mpi3d_toy", {}, (64, 64, 3)),
        ("mpi3d_realistic", {}, (64, 64, 3)),
        ("mpi3d_real", {}, (64, 64, 3)),
        ("cars3d", {"size": 128}, (128, 128, 3)),
        ("smallnorb", {"size": 96}, (96, 96, 1)),
    ],
)
def test_every_combination_has_its_own_image_and_the_image_shows_it(prepared, name, options, shape):
    dataset = prepared(name, **options)
    assert dataset.images.shape == (np.prod(SIZES[name]), *shape)
    for index, values in enumerate(np.ndindex(SIZES[name])):
        assert dataset.factors[index].tolist() == list(values)
        assert np.array_equal(dataset.images[index], picture(values, *shape))
        assert np.ravel_multi_index(dataset.factors[index], SIZES[name]) == index


@pytest.mark.parametrize(("name", "side"), [("cars3d", 64), ("smallnorb", 64)])
def test_smaller_images_show_the_same(prepared, name, side):
    dataset = prepared(name)
    for index, values in enumerate(np.ndindex(SIZES[name])):
        channels = dataset.shape[0]
        bands = np.array_split(np.arange(side), len(values))
        found = [dataset.images[index][rows[len(rows) // 2], side // 2, 0] for rows in bands]
        assert found == [picture(values, side, side, channels)[rows[0], side // 2, 0] for rows in bands]


def test_the_other_camera_of_smallnorb(prepared):
    """The small files have a plain grey there."""
    dataset = prepared("smallnorb", size=96, camera="right")
    assert (np.asarray(dataset.images) == 77).all()


def test_the_testing_files_of_smallnorb_can_be_held_out(prepared):
    """In the small files these are the odd instances."""
    dataset = prepared("smallnorb", held_out="testing")
    assert np.array_equal(dataset.held_out, dataset.column("instance")[0] % 2 == 1)


def test_dsprites_shows_its_factors_and_leaves_the_pickle_alone(prepared):
    dataset = prepared("dsprites")
    for index, values in enumerate(np.ndindex(SIZES["dsprites"])):
        assert dataset.factors[index].tolist() == list(values)
        assert np.array_equal(dataset.images[index][..., 0], 255 * sprite(values))


# Colour-, noisy- and scream-dSprites.


def white(dataset):
    """Where the sprites are: bool (N, 64, 64)."""
    return np.stack([sprite(values) for values in dataset.factors]) == 1


def test_colour_dsprites_paints_each_sprite_in_one_bright_colour(prepared):
    dataset = prepared("color_dsprites")
    images, inside = np.asarray(dataset.images), white(dataset)
    assert not images[~inside].any()
    colours = np.stack([image[where][0] for image, where in zip(images, inside, strict=True)])
    assert all((image[where] == colour).all() for image, where, colour in zip(images, inside, colours, strict=True))
    assert len(np.unique(colours, axis=0)) > 0.9 * len(colours)
    assert colours.min() >= 128
    # Uniform in [0.5, 1]: mean 0.75, standard deviation 0.5 / √12, within four standard errors.
    assert abs(colours.mean() / 255 - 0.75) < 4 * 0.5 / np.sqrt(12 * colours.size)


def test_noisy_dsprites_has_uniform_noise_around_a_white_sprite(prepared):
    dataset = prepared("noisy_dsprites")
    images, inside = np.asarray(dataset.images), white(dataset)
    assert (images[inside] == 255).all()
    noise = images[~inside]
    counts = np.bincount(noise.ravel(), minlength=256)
    expected = noise.size / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)
    assert abs(np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1]) < 0.1


def test_scream_dsprites_shows_the_negative_inside_the_sprite(prepared, tmp_path):
    dataset = prepared("scream_dsprites")
    images, inside = np.asarray(dataset.images).astype(int), white(dataset)
    painting = np.load(dataset.folder / "extra_painting.npy").astype(int)
    assert painting.shape[0] == 274
    for image, where in zip(images[:10], inside, strict=False):
        background = np.where(where[..., None], 255 - image, image)
        found = [
            (top, left)
            for top in range(painting.shape[0] - 64)
            for left in range(painting.shape[1] - 64)
            if fits(background, painting[top : top + 64, left : left + 64])
        ]
        assert len(found) == 1


def fits(background, part):
    """Is twice the background the part and one colour more, up to the half that is rounded off?"""
    colour = 2 * background[::21, ::21] - part[::21, ::21]
    if (np.ptp(colour, axis=(0, 1)) > 1).any():
        return False
    return bool((np.ptp(2 * background - part, axis=(0, 1)) <= 1).all())


@pytest.mark.parametrize("name", ["color_dsprites", "noisy_dsprites", "scream_dsprites"])
def test_a_derived_image_is_the_same_however_it_is_read(prepared, name):
    dataset = prepared(name)
    whole, positions = np.asarray(dataset.images), np.array([40, 3, 3, 77])
    for kind in (np.int64, np.int32, np.uint16, np.uint8):
        assert np.array_equal(dataset.images[positions.astype(kind)], whole[positions])
    assert np.array_equal(Dataset(dataset.folder).images[5], whole[5])
    assert dataset.images[[]].shape == dataset.images[5:5].shape == (0, 64, 64, 3)
    assert not np.array_equal(whole[3], whole[4])


def test_derived_images_are_kept_as_bits_of_dsprites(prepared):
    dataset = prepared("noisy_dsprites")
    assert (dataset.folder / "bits.npy").stat().st_size == 128 + len(dataset.images) * 64 * 64 // 8


@pytest.mark.parametrize("name", ["color_dsprites", "noisy_dsprites"])
def test_derived_images_of_the_real_grid(tmp_path, name):
    if not (MIRROR / "dsprites_grid" / "dsprites_downsampled.npz").is_file():
        pytest.skip("needs dsprites_downsampled.npz in ../shared/data/dsprites_grid")
    plain = prepare("dsprites_grid", {}, tmp_path / "plain", MIRROR, tmp_path / "cache")
    dataset = prepare(name, {"images": "grid"}, tmp_path / name, MIRROR, tmp_path / "cache")
    assert dataset.shape == (3, 64, 64)
    assert np.array_equal(dataset.factors, plain.factors)
    assert np.array_equal(dataset.held_out, plain.held_out)
    some = np.arange(0, 46_080, 97)
    sprites, images = plain.images[some][..., 0] == 255, dataset.images[some]
    if name == "noisy_dsprites":
        assert (images[sprites] == 255).all()
        assert 0.3 < images[~sprites].mean() / 255 < 0.7
    else:
        assert (images[sprites] >= 128).all()
        assert not images[~sprites].any()


# More images than fit into memory.


def write_large_shapes3d(path, factors):
    with h5py.File(path, "w") as file:
        # Pieces that are never written take no room, and are read as zeros.
        file.create_dataset("images", (len(factors), 64, 64, 3), np.uint8, chunks=(64, 64, 64, 3), compression="gzip")
        file.create_dataset("labels", data=factors / 10)


def write_large_mpi3d(path, factors):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("images.npy", "w", force_zip64=True) as file,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(factors), 64, 64, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(0, len(factors), 1000):
            file.write(bytes(1000 * 64 * 64 * 3))


@pytest.mark.parametrize(
    ("name", "write", "sizes"),
    [
        ("shapes3d", write_large_shapes3d, (10, 10, 10, 10, 5, 2)),
        ("mpi3d_real", write_large_mpi3d, (10, 10, 10, 5, 5, 2, 2)),
    ],
)
def test_of_a_hundred_thousand_images_few_are_in_memory_at_once(tmp_path, name, write, sizes):
    plug_in = registry.find("dataset", name)
    factors = tuple(replace(factor, size=size) for factor, size in zip(plug_in.factors, sizes, strict=True))
    source = type("Large", (plug_in,), {"factors": factors})()
    (file,) = source.files
    write(tmp_path / file.name, grid_factors(factors))
    count, most, before = 0, 0, own_memory()
    for piece in source.build({file.name: tmp_path / file.name}).images:
        count, most = count + len(piece), max(most, own_memory())
    assert count == 100_000
    assert most - before < 200_000, "kB of 1,200,000"


def own_memory():
    """Memory in kB that is the process's own, without what it maps of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0])


# Labels and attributes.


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
@pytest.mark.parametrize("size", [28, 32])
def test_idx_files(prepared, name, size):
    dataset = prepared(name, size=size)
    assert (len(dataset.images), dataset.shape) == (40, (1, size, size))
    assert dataset.held_out.nonzero()[0].tolist() == list(range(30, 40))
    border = (size - 28) // 2
    for number, image in enumerate(dataset.images):
        inner = image[border : border + 28, border : border + 28]
        assert np.array_equal(inner, numbered(number, 28, 1))
        assert image.sum() == inner.sum()
        assert dataset.labels[number] == label_of(number) == inner[0, 1, 0]


def test_of_digits_the_label_is_a_factor_beside_what_is_measured(prepared):
    dataset = prepared("mnist")
    assert np.array_equal(dataset.factors[:, 0], dataset.labels)
    area, size = dataset.column("area")
    measured = np.asarray(dataset.images).sum((1, 2, 3))
    assert (np.diff(area[np.argsort(measured)]) >= 0).all(), "more ink is more area"
    assert set(area[~dataset.held_out]) == set(range(size))


def test_of_clothes_the_label_is_all_that_is_known(prepared):
    dataset = prepared("fashion_mnist")
    assert dataset.factors is None
    assert dataset.classes[dataset.column("label")[0][7]] == "Ankle boot"


def test_cifar10(prepared):
    dataset = prepared("cifar10")
    assert dataset.held_out.nonzero()[0].tolist() == list(range(100, 120))
    for number, image in enumerate(dataset.images):
        assert np.array_equal(image, numbered(number, 32, 3))
        assert dataset.labels[number] == label_of(number)


@pytest.mark.parametrize(("part", "held_out"), [("test", [7]), ("validation+test", [6, 7])])
@pytest.mark.parametrize("size", [32, 64, 128])
def test_celeba(prepared, size, part, held_out):
    dataset = prepared("celeba", size=size, held_out=part)
    assert dataset.shape == (3, size, size)
    assert dataset.held_out.nonzero()[0].tolist() == held_out
    assert [factor.name for factor in dataset.factor_specs][20] == "Male"
    bands = np.array_split(np.arange(size), 3)
    for number, image in enumerate(dataset.images):
        bits = [int(image[rows[2:-2], size // 2].mean() > 127) for rows in bands]
        assert bits == [(number >> bit) & 1 for bit in range(3)]
        assert bits == dataset.factors[number, :3].tolist()
        assert abs(image[5:-5, 0].astype(int) - image[5:-5, size // 2]).max() < 60, "the border was cut away"


def test_celeba_squeezed_shows_the_border_too(prepared):
    image = prepared("celeba", crop=None).images[7]
    assert 120 < image[2, 2, 0] < 136
    assert image[32, 32, 0] > 240


@pytest.mark.parametrize("crop", [148, 140, 178])
def test_celeba_is_cut_before_it_is_made_smaller(prepared, crop):
    dataset = prepared("celeba", crop=crop)
    left, upper = (178 - crop) // 2, (218 - crop) // 2
    for number, image in enumerate(dataset.images):
        whole = Image.open(io.BytesIO(photograph(number)))
        cut = whole.crop((left, upper, left + crop, upper + crop))
        assert np.array_equal(image, cut.resize((64, 64), Image.Resampling.BILINEAR))


def test_celeba_is_read_in_pieces_which_are_the_whole(tmp_path, monkeypatch):
    source = source_of("celeba", tmp_path)
    files = {file.name: tmp_path / "celeba" / file.name for file in source.files}
    (whole,) = source.build(files).images
    monkeypatch.setattr(celeba, "CHUNK", 3)
    pieces = list(source.build(files).images)
    assert [len(piece) for piece in pieces] == [3, 3, 2]
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_celeba_keeps_the_order_of_its_attributes_whatever_ends_a_line(tmp_path, line_end):
    source = source_of("celeba", tmp_path)
    write_celeba(tmp_path / "celeba", line_end=line_end)
    factors = source.build({file.name: tmp_path / "celeba" / file.name for file in source.files}).factors
    for number, values in enumerate(factors):
        assert (2 * values - 1).tolist() == celeba_marks(number)


def test_attributes_can_be_conditions(prepared):
    values, size = prepared("celeba").column("Smiling+Male")
    assert size == 4
    assert len(values) == 8


# What goes wrong: one line each, and nothing is left in the results.


def rewrite_h5(images=lambda each: each, labels=lambda each: each, key="images"):
    def damage(folder):
        path = folder / "3dshapes.h5"
        with h5py.File(path) as file:
            held = file["images"][()], file["labels"][()]
        with h5py.File(path, "w") as file:
            file[key], file["labels"] = images(held[0]), labels(held[1])

    return damage


def cut_off(name, count):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-count])


def overwrite(name):
    """Spoil the middle of a file, where the images are."""

    def damage(folder):
        content = (folder / name).read_bytes()
        middle = len(content) // 2
        (folder / name).write_bytes(content[:middle] + b"\xff" * 2000 + content[middle + 2000 :])

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (rewrite_h5(images=lambda each: each[:-1]), "its 287 images are not the grid of 288 combinations"),
        (rewrite_h5(labels=lambda each: each[::-1]), "its 288 images are not the grid of 288 combinations, in order"),
        (rewrite_h5(labels=lambda each: each[:, :5]), "not the grid"),
        (rewrite_h5(images=lambda each: each.astype(float)), "is float64 (288, 64, 64, 3), must be uint8"),
        (rewrite_h5(images=lambda each: each[:, :32]), "images must be uint8 (288, 64, 64, 3)"),
        (rewrite_h5(key="pictures"), "'images'"),
        (cut_off("3dshapes.h5", 5000), "cannot be read as arrays"),
        (overwrite("3dshapes.h5"), "cannot be read as arrays"),
        (lambda folder: (folder / "3dshapes.h5").write_bytes(b"<!DOCTYPE html>"), "cannot be read as arrays"),
    ],
)
def test_another_file_in_the_place_of_3d_shapes(tmp_path, damage, message):
    assert message in refused("shapes3d", tmp_path / "mirror", damage)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((5, 64, 64, 3), np.uint8)}, "holds 5 images, the grid of its factors has 432"),
        ({"images": np.zeros((432, 64, 64, 3), np.int64)}, "is int64"),
        ({"pictures": np.zeros(3)}, "has no array 'images'"),
        ({"images": np.array([Bomb()] * 3, dtype=object)}, "is object"),
    ],
)
def test_another_file_in_the_place_of_mpi3d(tmp_path, arrays, message):
    def damage(folder):
        np.savez(folder / "mpi3d_toy.npz", **arrays)

    assert message in refused("mpi3d_toy", tmp_path / "mirror", damage)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_off("mpi3d_toy.npz", 5000), "has no array 'images'"),
        (overwrite("mpi3d_toy.npz"), "array 'images' is damaged"),
    ],
)
def test_a_damaged_file_in_the_place_of_mpi3d(tmp_path, damage, message):
    assert message in refused("mpi3d_toy", tmp_path / "mirror", damage)


def tar_with(members):
    def damage(folder):
        with tarfile.open(folder / cars.NAME, "w:gz") as archive:
            for name, content in members.items():
                add(archive, name, content)

    return damage


def tar_with_a_link(folder, archive=cars.NAME, name="data/cars/car_000_mesh.mat"):
    with tarfile.open(folder / archive, "w:gz") as tar:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (tar_with({"data/cars/car_000_mesh.mat": b"no matrix"}), "car_000_mesh.mat is no MATLAB file"),
        (tar_with({"data/sprites/a.mat": b""}), "holds 0 cars, in data/cars/*.mat, not 4"),
        (tar_with({"data/cars/../../../out.mat": b""}), "names a place outside the archive"),
        (tar_with_a_link, "is a link"),
        (lambda folder: write_cars3d(folder, lambda images: images[:64]), "is uint8 (64, 128, 3, 3, 2), must be"),
        (lambda folder: write_cars3d(folder, lambda images: images.astype(float)), "is float64"),
        (lambda folder: (folder / cars.NAME).write_bytes(b"<html></html>"), "is no whole zip or tar archive"),
    ],
)
def test_another_file_in_the_place_of_cars3d(tmp_path, damage, message):
    assert message in refused("cars3d", tmp_path / "mirror", damage)


def norb(kind, change):
    """Change the decompressed content of one of the training files."""

    def damage(folder):
        path = folder / f"smallnorb-{smallnorb.PARTS['training']}-{kind}.mat.gz"
        path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))

    return damage


def norb_first(column, value):
    """Give the first training image another elevation (2) or azimuth (3), and 0 of what comes after."""

    def change(content):
        rows = np.frombuffer(content, "<i4", offset=20).reshape(-1, 4).copy()
        rows[0, column - 1 :] = 0
        rows[0, column - 1] = value
        return content[:20] + rows.tobytes()

    return norb("info", change)


def norb_twice_the_same(folder):
    path = folder / f"smallnorb-{smallnorb.PARTS['training']}-info.mat.gz"
    rows = np.frombuffer(gzip.decompress(path.read_bytes()), "<i4", offset=20).reshape(-1, 4).copy()
    rows[:] = rows[0]
    write_matrix(path, rows, 0x1E3D4C54)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (norb("dat", lambda content: b"\x54" + content[1:]), "starts with 0x1e3d4c54, which is no matrix of uint8"),
        (norb("dat", lambda content: content[:-1]), "is no whole gzipped matrix"),
        (norb("dat", lambda content: content + b"x"), "goes on after its 48 rows"),
        (norb("dat", lambda content: content[:10]), "is no whole gzipped matrix"),
        (norb("cat", lambda content: content[:20] + b"\x09" + content[21:]), "image 0 has category"),
        (norb_first(3, 1), "1, 0], of which one is none of its factor's values"),
        (norb_first(3, 6), "6, 0], of which one is none of its factor's values"),
        (norb_first(2, -1), "-1, 0, 0], of which one is none of its factor's values"),
        (norb("info", lambda content: content[:8] + b"\x2f" + content[9:]), "is a matrix (47, 4), must be (48, 4)"),
        (norb_twice_the_same, "two images have the same category, instance, view and light"),
        (lambda folder: next(folder.glob("*dat*")).write_bytes(b"<html></html>"), "is no whole gzipped matrix"),
    ],
)
def test_another_file_in_the_place_of_smallnorb(tmp_path, damage, message):
    assert message in refused("smallnorb", tmp_path / "mirror", damage)


def cifar(name, change):
    def damage(folder):
        write_cifar10(folder, lambda each, content: change(content) if each == name else content)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cifar("data_batch_3.bin", lambda content: None), "lacks data_batch_3.bin"),
        (cifar("test_batch.bin", lambda content: content[:-1]), "test_batch.bin has 61459 bytes, must have 20 rows"),
        (
            cifar("data_batch_1.bin", lambda content: b"\x0a" + content[1:]),
            "data_batch_1.bin gives image 0 the label 10",
        ),
        (cifar("batches.meta.txt", lambda content: content.replace(b"cat", b"dog")), "names airplane, automobile"),
        (lambda folder: tar_with_a_link(folder, cifar10.NAME, "cifar-10-batches-bin/test_batch.bin"), "is a link"),
        (lambda folder: (folder / cifar10.NAME).write_bytes(b"<html></html>"), "is no whole zip or tar archive"),
    ],
)
def test_another_file_in_the_place_of_cifar10(tmp_path, damage, message):
    assert message in refused("cifar10", tmp_path / "mirror", damage)


def text_of(name, old, new):
    def damage(folder):
        path = folder / name
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return damage


def zip_of(change):
    def damage(folder):
        with zipfile.ZipFile(folder / celeba.IMAGES) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(folder / celeba.IMAGES, "w") as archive:
            for name, content in change(held).items():
                archive.writestr(name, content)

    return damage


def jpeg(width, height):
    content = io.BytesIO()
    Image.new("RGB", (width, height)).save(content, "JPEG")
    return content.getvalue()


FIRST = "img_align_celeba/000001.jpg"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (text_of(celeba.ATTRIBUTES, b"8\r\n", b"9\r\n"), "announces 9 images and has 8 rows"),
        (text_of(celeba.ATTRIBUTES, b"Bald", b"Hairy"), "does not name the 40 attributes"),
        (text_of(celeba.ATTRIBUTES, b"000001.jpg -1", b"000001.jpg  0"), "an attribute of 000001.jpg is not -1 or 1"),
        (text_of(celeba.ATTRIBUTES, b"000001.jpg -1", b"000001.jpg"), "a row of a name and 40 integers"),
        (text_of(celeba.ATTRIBUTES, b"8\r\n", b"<html>\r\n"), "does not start with the number of images: '<html>'"),
        (text_of(celeba.PARTS, b"000002.jpg 0\n", b""), "are not about the same images"),
        (text_of(celeba.PARTS, b"000002.jpg 0", b"000002.jpg 3"), "the part of 000002.jpg is none of 0, 1 and 2"),
        (zip_of(lambda held: {k: v for k, v in held.items() if k != FIRST}), "000002.jpg is there where 000001.jpg"),
        (zip_of(lambda held: dict(list(held.items())[2:])), "ends where 000008.jpg of list_attr_celeba.txt belongs"),
        (zip_of(lambda held: {**held, "img_align_celeba/000009.jpg": held[FIRST]}), "000009.jpg is not among the 8"),
        (zip_of(lambda held: {**held, FIRST: held[FIRST][:300]}), "000001.jpg is no whole JPEG"),
        (zip_of(lambda held: {**held, FIRST: b"<html></html>"}), "000001.jpg is no whole JPEG"),
        (zip_of(lambda held: {**held, FIRST: jpeg(100, 100)}), "has 100×100 pixels, not 178×218"),
        (zip_of(lambda held: {**held, "../out.jpg": b""}), "names a place outside the archive"),
        (lambda folder: (folder / celeba.IMAGES).write_bytes(b"<html></html>"), "is no whole zip or tar archive"),
    ],
)
def test_another_file_in_the_place_of_celeba(tmp_path, damage, message):
    assert message in refused("celeba", tmp_path / "mirror", damage)


def test_a_page_in_place_of_a_file_is_known_by_its_hash(tmp_path):
    for name in ("fashion_mnist", "cifar10", "celeba"):
        source = source_of(name, tmp_path)
        (tmp_path / name / source.files[0].name).write_bytes(b"<!DOCTYPE html><html></html>")
        with pytest.raises(DataError, match="of the mirror is truncated or altered: sha256 hash is"):
            locate(source, tmp_path, tmp_path / "cache")


def test_other_files_in_the_place_of_fashion_mnist(tmp_path):
    def fewer_labels(folder):
        path = folder / "train-labels-idx1-ubyte.gz"
        content = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(content[:7] + b"\x1d" + content[8:-1]))

    def other_label(folder):
        path = folder / "train-labels-idx1-ubyte.gz"
        content = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(content[:-1] + b"\x0a"))

    def cut(folder):
        path = folder / "t10k-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:-20])

    assert "for 29 labels" in refused("fashion_mnist", tmp_path / "a" / "mirror", fewer_labels)
    assert "is no whole gzip file" in refused("fashion_mnist", tmp_path / "b" / "mirror", cut)
    found = refused("fashion_mnist", tmp_path / "c" / "mirror", other_label)
    assert "labels must take every value 0 … 9, build returns 11 values from 0 to 10" in found


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + bytes(500), jpeg(60, 60)])
def test_another_picture_than_the_scream(tmp_path, content):
    source = source_of("scream_dsprites", tmp_path)
    path = tmp_path / "painting.jpg"
    path.write_bytes(content)
    files = {file.name: tmp_path / "dsprites" / file.name for file in source.files} | {"The_Scream.jpg": path}
    with pytest.raises(DataError, match=r"no whole JPEG|too narrow"):
        source.build(files)


def test_every_writer_is_of_a_dataset():
    assert set(WRITERS) <= set(registry.names("dataset"))
    assert {write_idx, write_smallnorb, write_celeba} <= set(WRITERS.values())
