"""Small files in the official formats: fewer values of each factor or fewer images, and all else as the source has it.

Every image shows the values of its own factors, or the label, so that a test can tell whether they belong together.
"""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from multibeta import registry
from multibeta.datasets import _idx, celeba, cifar10, smallnorb
from multibeta.datasets import cars3d as cars
from multibeta.datasets import scream_dsprites as scream

#: The sizes of factors here.
SIZES = {
    "dsprites": (3, 2, 4, 3, 2),
    "shapes3d": (3, 2, 2, 3, 4, 2),
    "mpi3d_toy": (2, 3, 2, 3, 2, 3, 2),
    "mpi3d_realistic": (2, 3, 2, 3, 2, 3, 2),
    "mpi3d_real": (2, 3, 2, 3, 2, 3, 2),
    "cars3d": (2, 3, 4),
    "smallnorb": (2, 4, 3, 2, 2),
}


class Bomb:
    """A pickle of it ends the test when it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("the pickle was loaded",)


def picture(values, height=64, width=64, channels=3):
    """A band for each value, of a grey that tells it, with a black and a white corner."""
    image = np.zeros((height, width, channels), np.uint8)
    for band, value in zip(np.array_split(np.arange(height), len(values)), values, strict=True):
        image[band] = 10 + 20 * int(value) + np.arange(channels)
    image[:8, :8], image[-8:, -8:] = 0, 255
    return image


def sprite(values):
    """Black and white: a row for each value, of which so many pixels are white."""
    image = np.zeros((64, 64), np.uint8)
    for row, value in enumerate(values):
        image[8 * row : 8 * row + 4, : 3 + 5 * int(value)] = 1
    return image


def combinations(name):
    return np.indices(SIZES[name]).reshape(len(SIZES[name]), -1).T


def source_of(name, folder, options=None):
    """The plug-in over small files that are written into ``folder`` now, with their hashes."""
    plug_in = registry.find("dataset", name)
    declared = {}
    if name in SIZES:
        declared["factors"] = tuple(
            replace(factor, size=size) for factor, size in zip(plug_in.factors, SIZES[name], strict=True)
        )
    if name.endswith("_dsprites"):
        base = type(source_of("dsprites", folder))
        declared["_base"] = property(lambda self: base)
    else:
        folder.joinpath(name).mkdir(exist_ok=True, parents=True)
        WRITERS[name](folder / name)
        declared["files"] = tuple(with_hash(file, folder / name / file.name) for file in plug_in.files)
    if name == "scream_dsprites":
        folder.joinpath(name).mkdir(exist_ok=True)
        painting = np.random.default_rng(0).integers(0, 256, (180, 150, 3), dtype=np.uint8)
        Image.fromarray(painting).resize((400, 500)).save(folder / name / scream.NAME)
    if name == "cifar10":
        declared["per_batch"] = 20
    small = type(
        plug_in.__name__, (plug_in,), {"__doc__": plug_in.__doc__, "__module__": plug_in.__module__, **declared}
    )
    return small(plug_in.Options(**(options or {})))


def with_hash(file, path):
    content = path.read_bytes()
    if file.sha256:
        return replace(file, sha256=hashlib.sha256(gzip.decompress(content) if file.gzip else content).hexdigest())
    if file.git_blob:
        return replace(file, git_blob=hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())
    return replace(file, md5=hashlib.md5(content).hexdigest())


def write_dsprites(folder, name="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"):
    classes = combinations("dsprites")
    np.savez_compressed(
        folder / name,
        metadata=np.array(Bomb(), dtype=object),
        imgs=np.stack([sprite(values) for values in classes]),
        latents_classes=np.insert(classes, 0, 0, axis=1),
        latents_values=np.insert(classes.astype(float), 0, 1, axis=1),
    )


def write_shapes3d(folder):
    factors = combinations("shapes3d")
    with h5py.File(folder / "3dshapes.h5", "w") as file:
        images = np.stack([picture(values) for values in factors])
        file.create_dataset("images", data=images, chunks=(8, 64, 64, 3), compression="gzip")
        file.create_dataset("labels", data=factors * [0.1, 0.1, 0.1, 0.07, 1, 30] - [0, 0, 0, -0.75, 0, 30])


def write_mpi3d(folder):
    images = np.stack([picture(values) for values in combinations("mpi3d_toy")])
    np.savez_compressed(folder / f"{folder.name}.npz", images=images)


def write_cars3d(folder, change=lambda images: images):
    elevations, azimuths, count = SIZES["cars3d"]
    with tarfile.open(folder / cars.NAME, "w:gz") as archive:
        add(archive, "data/sprites/sprites_datasplit.mat", b"another dataset")
        for number in reversed(range(count)):  # not in the order of their names
            images = np.empty((128, 128, 3, azimuths, elevations), np.uint8)
            for azimuth in range(azimuths):
                for elevation in range(elevations):
                    images[..., azimuth, elevation] = picture((elevation, azimuth, number), 128, 128)
            content = io.BytesIO()
            savemat(content, {"im": change(images)}, do_compression=True)
            add(archive, f"data/cars/car_{number:03d}_mesh.mat", content.getvalue())
            add(archive, f"data/cars/._car_{number:03d}_mesh.mat", b"what another system leaves beside a file")


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def write_smallnorb(folder):
    factors = combinations("smallnorb")
    order = np.random.default_rng(0).permutation(len(factors))  # its files are not sorted either
    for part, name in smallnorb.PARTS.items():
        rows = np.array([row for row in factors[order] if (row[1] % 2 == 1) == (part == "testing")])
        views = np.stack([[picture(row, 96, 96, 1)[..., 0], np.full((96, 96), 77)] for row in rows]).astype(np.uint8)
        write_matrix(folder / f"smallnorb-{name}-dat.mat.gz", views, 0x1E3D4C55)
        write_matrix(folder / f"smallnorb-{name}-cat.mat.gz", rows[:, 0].astype("<i4"), 0x1E3D4C54)
        write_matrix(folder / f"smallnorb-{name}-info.mat.gz", (rows[:, 1:] * [1, 1, 2, 1]).astype("<i4"), 0x1E3D4C54)


def write_matrix(path, array, magic):
    sizes = (*array.shape, 1, 1)[: max(3, array.ndim)]
    header = struct.pack(f"<{2 + len(sizes)}I", magic, array.ndim, *sizes)
    path.write_bytes(gzip.compress(header + array.tobytes(), 1, mtime=0))


def label_of(number):
    """Neighbours have different ones, and ten in a row have all."""
    return number * 7 % 10


def numbered(number, side, channels):
    """Noise that no other number has, with the number, its label, black and white in the corner."""
    image = np.random.default_rng(number).integers(0, 256, (side, side, channels), dtype=np.uint8)
    for column, grey in enumerate((number, label_of(number), 0, 255)):
        image[0, column] = grey
    return image


def write_idx(folder):
    for part, numbers in zip(_idx.PARTS, (range(30), range(30, 40)), strict=True):
        labels = np.array([label_of(number) for number in numbers], np.uint8)
        images = np.stack([numbered(number, 28, 1)[..., 0] for number in numbers])
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def write_cifar10(folder, change=lambda name, content: content):
    with tarfile.open(folder / cifar10.NAME, "w:gz") as archive:
        classes = "\n".join(registry.find("dataset", "cifar10").classes) + "\n\n"
        contents = {"batches.meta.txt": classes.encode(), "readme.html": b"<html></html>"}
        for batch, name in enumerate((*cifar10.TRAINING, cifar10.TEST)):
            contents[name] = b"".join(
                bytes([label_of(number)]) + b"".join(numbered(number, 32, 3)[..., c].tobytes() for c in range(3))
                for number in range(20 * batch, 20 * (batch + 1))
            )
        for name, content in reversed(contents.items()):  # not in the order of their names
            changed = change(name, content)
            if changed is not None:
                add(archive, f"cifar-10-batches-bin/{name}", changed)


def celeba_marks(number):
    """The attributes of a photograph: two of them by its number, the others in turn."""
    return [1 if (number >> (attribute % 3)) & 1 else -1 for attribute in range(40)]


def write_celeba(folder, photographs=8, line_end="\r\n"):
    names = [f"{number + 1:06d}.jpg" for number in range(photographs)]
    rows = [f"{name} {' '.join(f'{mark:2d}' for mark in celeba_marks(number))}" for number, name in enumerate(names)]
    lines = [str(photographs), " ".join(celeba.NAMES) + " ", *rows]
    (folder / celeba.ATTRIBUTES).write_text(line_end.join(lines) + line_end, encoding="ascii", newline="")
    parts = [f"{name} {max(0, number - photographs + 3)}" for number, name in enumerate(names)]
    (folder / celeba.PARTS).write_text("\n".join(parts) + "\n", encoding="ascii")
    with zipfile.ZipFile(folder / celeba.IMAGES, "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for number in reversed(range(photographs)):
            archive.writestr(f"img_align_celeba/{names[number]}", photograph(number))


def photograph(number):
    """Three broad bands, black or white by the bits of the number; a narrow border that the crop leaves out."""
    image = np.full((celeba.HEIGHT, celeba.WIDTH, 3), 128, np.uint8)
    for bit, rows in enumerate(np.array_split(np.arange(35, 183), 3)):
        image[rows, 15:163] = 255 * ((number >> bit) & 1)
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=95)
    return content.getvalue()


WRITERS = {
    "dsprites": write_dsprites,
    "shapes3d": write_shapes3d,
    "mpi3d_toy": write_mpi3d,
    "mpi3d_realistic": write_mpi3d,
    "mpi3d_real": write_mpi3d,
    "cars3d": write_cars3d,
    "smallnorb": write_smallnorb,
    "mnist": write_idx,
    "fashion_mnist": write_idx,
    "kmnist": write_idx,
    "cifar10": write_cifar10,
    "celeba": write_celeba,
}
