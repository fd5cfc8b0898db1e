"""MNIST: 70,000 handwritten digits, with the official test images held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multibeta.datasets import Factor, File
from multibeta.datasets._idx import IDXDataset
from multibeta.datasets._morphology import MEASURES, ordinal_factors

SERVER = "https://ossci-datasets.s3.amazonaws.com/mnist"
SHA256 = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MEASURED = tuple(Factor(name, 10, "ordinal") for name in MEASURES)


class MNIST(IDXDataset):
    """60,000 training and 10,000 test images of 28×28 grey pixels, with the digit as label.

    Its factors are the digit and what is measured of its image, see `multibeta.datasets._morphology`.

    References:
        LeCun et al. 1998, "Gradient-based learning applied to document recognition", doi:10.1109/5.726791
    """

    version = 2
    title = "MNIST"
    licence = "CC BY-SA 3.0"
    source = "http://yann.lecun.com/exdb/mnist, as mirrored at " + SERVER
    citation = (
        "@article{lecun98, author = {Yann LeCun and L{\\'e}on Bottou and Yoshua Bengio and Patrick Haffner}, "
        "title = {Gradient-based learning applied to document recognition}, journal = {Proceedings of the IEEE}, "
        "volume = {86}, number = {11}, pages = {2278--2324}, year = {1998}, doi = {10.1109/5.726791}}"
    )
    factors = (Factor("digit", 10, "categorical"), *MEASURED)
    classes = tuple("0123456789")
    files = tuple(File(name, f"{SERVER}/{name}", sha256, gzip=True) for name, sha256 in SHA256.items())

    def measure(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], held_out: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        return np.column_stack([labels, ordinal_factors(images, held_out, MEASURED)])
