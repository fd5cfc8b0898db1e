"""Image files of any usual kind as square uint8 arrays of one size."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import DataError

#: Endings of the files that are read, whatever their case.
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
#: The decoders that may be tried; others can start programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
#: Files read between two looks at the result; bounds the memory.
BATCH = 64
#: Pixels of an image, about 0.5 GB when decoded; and those of a large one, of which one is decoded at a time.
MOST_PIXELS, LARGE = 1 << 27, 1 << 24
TOO_LARGE = f"has more than {MOST_PIXELS:,} pixels; make it smaller first"
_ONE_LARGE = threading.Lock()

Colour = Literal["rgb", "grey"]


def listed(folder: Path) -> list[str]:
    """The image files below a folder, as sorted relative paths with ``/``; hidden ones are passed over.

    Raises:
        DataError: it is no folder, cannot be read, or holds no image; one line.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}")

    require_folder(folder)
    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(place).relative_to(folder)
        names = (name for name in files if name.lower().endswith(ENDINGS) and not name.startswith("."))
        found += [(inside / name).as_posix() for name in names]
    if not found:
        raise DataError(f"{folder} holds no images: no file in it ends in {', '.join(ENDINGS)}")
    return sorted(found)


def require_folder(folder: Path) -> None:
    """Raise a `DataError` unless there is a folder."""
    if not folder.is_dir():
        raise DataError(f"{folder} {'is a file, not a folder of images' if folder.exists() else 'does not exist'}")


def read_all(paths: Sequence[Path], size: int, colour: Colour) -> Iterator[NDArray[np.uint8] | str]:
    """Of each file in its order, the image (H, W, C) or why it has none.

    Raises:
        DataError: a file cannot be opened.
    """
    from PIL import Image
    from tqdm import tqdm

    # Decoders let other threads run.
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor() as pool,
        tqdm(total=len(paths), desc="reading images", delay=3, leave=False, disable=None) as bar,
    ):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `read` refuses such images itself
        for start in range(0, len(paths), BATCH):
            yield from pool.map(lambda path: read(path, size, colour), paths[start : start + BATCH])
            bar.update(BATCH)


def read(path: Path, size: int, colour: Colour) -> NDArray[np.uint8] | str:
    """The centre square of an image, ``size`` pixels wide, uint8 (H, W, C); or, in one clause, why there is none.

    Raises:
        DataError: the file cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        return decoded(file, (size, size), colour)


def decoded(file: BinaryIO, size: tuple[int, int], colour: Colour) -> NDArray[np.uint8] | str:
    """The centre of an image file as uint8 (H, W, C) of this height and width; or, in one clause, why there is none.

    Turned as its EXIF says; of an animation the first frame; 16 bits become 8 by dividing by 257; a palette becomes its
    colours; what is transparent lies on black; CMYK becomes RGB without a colour profile; grey is the luma of ITU-R
    601. Resized until what is cut from its centre fits, by the bicubic filter, which averages when it shrinks.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > MOST_PIXELS:
                return TOO_LARGE
            with _ONE_LARGE if pixels > LARGE else contextlib.nullcontext():
                return _centre(image, size, colour)
    except Image.DecompressionBombError:
        return TOO_LARGE
    except UnidentifiedImageError:
        return "is empty" if file.seek(0, os.SEEK_END) == 0 else "is no image of a known format"
    except Exception as error:  # of damaged content a decoder may raise anything
        return " ".join(str(error).split()) or type(error).__name__


def _centre(image: Any, size: tuple[int, int], colour: Colour) -> NDArray[np.uint8] | str:
    from PIL import Image, ImageOps

    image.load()
    # Pillow widens the 16 bits of this format.
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    ImageOps.exif_transpose(image, in_place=True)
    if sixteen:
        image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        return f"has pixels of 32 bits ({image.mode}), whose range is not known; save it with 8 or 16"
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        black.alpha_composite(image.convert("RGBA"))
        image = black
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    wanted = "L" if colour == "grey" else "RGB"
    if image.mode != wanted:  # converted to its own mode, an image would be copied
        image = image.convert(wanted)
    height, width = size
    across, down = image.size
    across, down = min(across, down * width / height), min(down, across * height / width)
    left, top = (image.size[0] - across) / 2, (image.size[1] - down) / 2
    image = image.resize((width, height), Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))
    return np.asarray(image, dtype=np.uint8).reshape(height, width, -1)
