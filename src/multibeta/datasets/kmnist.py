"""KMNIST: 70,000 grey images of ten cursive Japanese characters, in the format of MNIST."""

from __future__ import annotations

from multibeta.datasets import File
from multibeta.datasets._idx import IDXDataset

SERVER = "https://codh.rois.ac.jp/kmnist/dataset/kmnist"
MIRROR = "http://codh.rois.ac.jp/kmnist/dataset/kmnist"
SHA256 = {
    "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
}


class KMNIST(IDXDataset):
    """60,000 training and 10,000 test images of 28×28 grey pixels, with the character as label.

    References:
        Clanuwat et al. 2018, https://arxiv.org/abs/1812.01718
    """

    title = "KMNIST"
    licence = "CC BY-SA 4.0"
    #: With the attribution that its licence asks for.
    source = (
        'https://codh.rois.ac.jp/kmnist: "KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset" '
        "(created by NIJL and others), doi:10.20676/00000341"
    )
    citation = (
        "@misc{clanuwat18, author = {Tarin Clanuwat and Mikel Bober-Irizar and Asanobu Kitamoto and Alex Lamb and "
        "Kazuaki Yamamoto and David Ha}, title = {Deep Learning for Classical {J}apanese Literature}, year = {2018}, "
        "eprint = {1812.01718}, archivePrefix = {arXiv}}"
    )
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    files = tuple(
        File(name, f"{SERVER}/{name}", sha256, mirrors=(f"{MIRROR}/{name}",)) for name, sha256 in SHA256.items()
    )
