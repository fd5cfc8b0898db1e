"""Arrays to pictures that a page shows, and a picture dropped onto it to an array as the dataset's."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray


def data_url(image: NDArray[np.floating]) -> str:
    """An image (C, H, W) in [0, 1], of 1 or 3 channels, as the address of a PNG that holds it."""
    from PIL import Image

    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"can show images of 1 or 3 channels, found shape {image.shape}")
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if len(image) == 1 else pixels).save(buffer, format="png", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def as_of_dataset(
    content: bytes, shape: tuple[int, int, int], binary: bool = False, inverted: bool = False
) -> NDArray[np.float32]:
    """The content of an image file as an image (C, H, W) in [0, 1] of a dataset: its centre, in the dataset's size.

    Args:
        content: of a PNG, JPEG or other usual file; its metadata is not read beyond how it is to be turned.
        shape: (C, H, W) of the dataset's images; with one channel it becomes grey.
        binary: whether the dataset's images are black and white, so that this one is cut at half.
        inverted: dark becomes bright first, as for a drawing on paper.

    Raises:
        ValueError: the content is no image; the message is one line.
    """
    from multibeta.datasets._pictures import decoded

    channels, height, width = shape
    pixels = decoded(io.BytesIO(content), (height, width), "grey" if channels == 1 else "rgb")
    if isinstance(pixels, str):
        raise ValueError(f"the file dropped here {pixels}")
    pixels = 255 - pixels if inverted else pixels
    image = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
    return image.round() if binary else image
