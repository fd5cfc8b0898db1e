"""Fashion-MNIST: 70,000 grey pictures of clothes, in the format of MNIST."""

from __future__ import annotations

from multibeta.datasets import File
from multibeta.datasets._idx import IDXDataset

SERVER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
MIRROR = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"
SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


class FashionMNIST(IDXDataset):
    """60,000 training and 10,000 test images of 28×28 grey pixels, with the kind of garment as label.

    References:
        Xiao, Rasul & Vollgraf 2017, https://arxiv.org/abs/1708.07747
    """

    title = "Fashion-MNIST"
    licence = "MIT"
    source = "https://github.com/zalandoresearch/fashion-mnist"
    citation = (
        "@misc{xiao17, author = {Han Xiao and Kashif Rasul and Roland Vollgraf}, "
        "title = {{Fashion-MNIST}: a Novel Image Dataset for Benchmarking Machine Learning Algorithms}, "
        "year = {2017}, eprint = {1708.07747}, archivePrefix = {arXiv}}"
    )
    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    files = tuple(
        File(name, f"{SERVER}/{name}", sha256, mirrors=(f"{MIRROR}/{name}",)) for name, sha256 in SHA256.items()
    )
