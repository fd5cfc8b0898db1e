"""CelebA: 202,599 photographs of faces with 40 attributes each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from multibeta import registry
from multibeta.datasets import Arrays, DataError, DatasetSource, Factor, File
from multibeta.datasets._archives import members
from multibeta.datasets._storage import CHUNK

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
IMAGES, ATTRIBUTES, PARTS = "img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt"
#: Of the aligned photographs.
WIDTH, HEIGHT = 178, 218
VALIDATION, TEST = 1, 2

NAMES = [
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
]  # fmt: skip


class CelebA(DatasetSource):
    """The aligned photographs, cut to a square in the middle and made smaller, with their attributes as factors.

    Each attribute is a categorical factor of two values, 1 if it was marked. Published work prepares the images in
    different ways, so that reconstruction losses compare only at equal ``crop`` and ``size``: 148 pixels and 64 here;
    ``crop: null`` squeezes the whole photograph into the square, as disentangling-vae does.

    References:
        Liu, Luo, Wang & Tang 2015, https://arxiv.org/abs/1411.7766
    """

    class Options(registry.Options):
        size: Literal[32, 64, 128] = Field(64, description="side in pixels")
        crop: int | None = Field(
            148,
            ge=32,
            le=WIDTH,
            description="side of the square cut out of the middle of 178×218; null: squeezed whole",
        )
        held_out: Literal["test", "validation+test"] = Field(
            "test", description="the official parts that are not trained on"
        )

    title = "CelebA"
    licence = "non-commercial research only; must not be passed on (see its source)"
    source = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    citation = (
        "@inproceedings{liu15, author = {Ziwei Liu and Ping Luo and Xiaogang Wang and Xiaoou Tang}, "
        "title = {Deep Learning Face Attributes in the Wild}, "
        "booktitle = {International Conference on Computer Vision}, year = {2015}}"
    )
    factors = tuple(Factor(name, 2, "categorical") for name in NAMES)
    files = (
        File(
            IMAGES,
            f"{DRIVE}0B7EVK8r0v71pZjFTYXZWM3FlRnM",
            "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
            mirrors=(
                f"{DRIVE}1zmsC4yvw-e089uHXj5EdP0BSZ0AlDQRR",
                f"https://s3.amazonaws.com/pytorch-tutorial-assets/{IMAGES}",
                "https://s3-us-west-1.amazonaws.com/udacity-dlnfd/datasets/celeba.zip",
                f"https://cseweb.ucsd.edu/~weijian/static/datasets/celeba/{IMAGES}",
            ),
        ),
        File(
            ATTRIBUTES,
            f"{DRIVE}0B7EVK8r0v71pblRyaVFSWGxPY0U",
            "f0e5da289d5ccf75ffe8811132694922b60f2af59256ed362afa03fefba324d0",
            mirrors=(f"{DRIVE}1gxmFoeEPgF9sT65Wpo85AnHl3zsQ4NvS",),
        ),
        File(
            PARTS,
            f"{DRIVE}0B7EVK8r0v71pY0NSMzRuSXJEVkk",
            "fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
            mirrors=(f"{DRIVE}1ih_VMokoI774ErNWrb26lDeWlanUBpnX",),
        ),
    )

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, self.options.size, self.options.size

    def build(self, files: dict[str, Path]) -> Arrays:
        names, marks = _attributes(files[ATTRIBUTES])
        of_names, parts = _table(
            files[PARTS], files[PARTS].read_text(encoding="ascii", errors="replace").splitlines(), 1
        )
        if of_names != names:
            raise DataError(f"{files[PARTS]} and {files[ATTRIBUTES]} are not about the same images in the same order")
        for row in np.flatnonzero(~np.isin(parts, (0, VALIDATION, TEST))):
            raise DataError(f"{files[PARTS]}: the part of {names[row]} is none of 0, 1 and 2")
        held_out = parts[:, 0] >= (TEST if self.options.held_out == "test" else VALIDATION)
        return Arrays(self._images(files[IMAGES], names), held_out, (marks > 0).astype(np.int64))

    def _images(self, path: Path, names: list[str]) -> Iterator[NDArray[np.uint8]]:
        """The images in the order of their names, thousands at a time."""
        found = members(path, lambda name: name.endswith(".jpg"))
        read = partial(_read, path, self.options.size, self.options.crop)
        with ThreadPoolExecutor() as pool:  # decoding a JPEG does not hold the interpreter
            for start in range(0, len(names), CHUNK):
                expected = names[start : start + CHUNK]
                some = list(islice(found, len(expected)))
                for wanted, (name, _) in zip(expected, some, strict=False):
                    if PurePosixPath(name).name != wanted:
                        raise DataError(f"{path}: {name} is there where {wanted} of {ATTRIBUTES} belongs")
                if len(some) < len(expected):
                    raise DataError(f"{path} ends where {expected[len(some)]} of {ATTRIBUTES} belongs")
                yield np.stack(list(pool.map(read, *zip(*some, strict=True))))
        for name, _ in found:
            raise DataError(f"{path}: {name} is not among the {len(names)} images of {ATTRIBUTES}")


def _attributes(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """The images' names and their marks (N, 40), −1 or 1: a line with N, one of the attributes' names, then N rows."""
    lines = _lines(path)
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        raise DataError(f"{path} does not start with the number of images: {lines[0][:40] if lines else ''!r}")
    if lines[1].split() != NAMES:
        raise DataError(f"{path}: its second line does not name the {len(NAMES)} attributes: {lines[1][:40]!r}")
    names, marks = _table(path, lines[2:], len(NAMES))
    if len(names) != int(lines[0]):
        raise DataError(f"{path} announces {int(lines[0])} images and has {len(names)} rows")
    if not np.isin(marks, (-1, 1)).all():
        raise DataError(f"{path}: an attribute of {names[np.flatnonzero((abs(marks) != 1).any(1))[0]]} is not -1 or 1")
    return names, marks


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii", errors="replace").splitlines()


def _table(path: Path, lines: list[str], columns: int) -> tuple[list[str], NDArray[np.int64]]:
    """Rows of a name and integers."""
    rows = [line.split() for line in lines if line.strip()]
    names = [row[0] for row in rows]
    try:
        values = np.array([row[1:] for row in rows]).astype(np.int64)
    except ValueError:
        values = np.empty(0, np.int64)
    if values.shape != (len(rows), columns) or names != sorted(set(names)):
        raise DataError(f"{path} must have a row of a name and {columns} integers for each image, sorted by name")
    return names, values


def _read(path: Path, size: int, crop: int | None, name: str, content: bytes) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    left, top = ((side - crop) // 2 if crop else 0 for side in (WIDTH, HEIGHT))
    # Cut first: with a box, `resize` would mix what lies outside of it into the pixels at the edge.
    box = (left, top, left + crop, top + crop) if crop else (0, 0, WIDTH, HEIGHT)
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            if picture.size != (WIDTH, HEIGHT):
                raise DataError(f"{path}: {name} has {picture.width}×{picture.height} pixels, not {WIDTH}×{HEIGHT}")
            cut = picture.convert("RGB").crop(box)
            return np.asarray(cut.resize((size, size), Image.Resampling.BILINEAR))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: {name} is no whole JPEG: {' '.join(str(error).split())}") from None
