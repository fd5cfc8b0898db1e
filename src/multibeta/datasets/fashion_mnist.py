"""Fashion-MNIST: 70,000 grey pictures of clothes, in the format of MNIST."""

from __future__ import annotations

from multibeta.datasets import File
from multibeta.datasets._idx import IDXDataset

SERVER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
MIRROR = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
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
    classes = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
    files = tuple(File(name, f"{SERVER}/{name}", md5=md5, mirrors=(f"{MIRROR}/{name}",)) for name, md5 in MD5.items())
