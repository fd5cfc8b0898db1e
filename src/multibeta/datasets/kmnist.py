"""KMNIST: 70,000 grey images of ten cursive Japanese characters, in the format of MNIST."""

from __future__ import annotations

from multibeta.datasets import File
from multibeta.datasets._idx import IDXDataset

SERVER = "https://codh.rois.ac.jp/kmnist/dataset/kmnist"
MIRROR = "http://codh.rois.ac.jp/kmnist/dataset/kmnist"
MD5 = {
    "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
    "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
    "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
    "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
}


class KMNIST(IDXDataset):
    """60,000 training and 10,000 test images of 28×28 grey pixels, with the character as label.

    References:
        Clanuwat et al. 2018, https://arxiv.org/abs/1812.01718
    """

    title = "KMNIST"
    licence = "CC BY-SA 4.0"
    source = "https://codh.rois.ac.jp/kmnist"
    citation = (
        "@misc{clanuwat18, author = {Tarin Clanuwat and Mikel Bober-Irizar and Asanobu Kitamoto and Alex Lamb and "
        "Kazuaki Yamamoto and David Ha}, title = {Deep Learning for Classical {J}apanese Literature}, year = {2018}, "
        "eprint = {1812.01718}, archivePrefix = {arXiv}}"
    )
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    files = tuple(File(name, f"{SERVER}/{name}", md5=md5, mirrors=(f"{MIRROR}/{name}",)) for name, md5 in MD5.items())
