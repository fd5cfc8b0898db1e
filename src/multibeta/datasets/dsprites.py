"""dSprites: the whole dataset of 737,280 images, as the papers use it."""

from __future__ import annotations

from pathlib import Path

from multibeta.datasets import Arrays, DatasetSource, Factor, File, _dsprites


class DSprites(DatasetSource):
    """The full grid of shape 3 × scale 6 × orientation 40 × x 32 × y 32, 64×64, black and white.

    Kept as bits it takes 0.38 GB of disk. Its sixth factor, colour, has one value and is left out.
    The orientations run from 0 to 2π with both ends, so the last repeats the first; squares repeat every quarter
    turn and ellipses every half turn.

    References:
        Matthey et al. 2017, "dSprites: Disentanglement testing Sprites dataset",
        https://github.com/google-deepmind/dsprites-dataset
    """

    title = "dSprites"
    licence = "Apache-2.0"
    source = "https://github.com/google-deepmind/dsprites-dataset"
    citation = (
        "@misc{dsprites17, author = {Loic Matthey and Irina Higgins and Demis Hassabis and Alexander Lerchner}, "
        "title = {{dSprites}: Disentanglement testing Sprites dataset}, year = {2017}, "
        "howpublished = {https://github.com/google-deepmind/dsprites-dataset}}"
    )
    factors = (
        Factor("shape", 3, "categorical"),
        Factor("scale", 6, "ordinal"),
        Factor("orientation", 40, "periodic"),
        Factor("x", 32, "ordinal"),
        Factor("y", 32, "ordinal"),
    )
    files = (
        File(
            name="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            url="https://github.com/google-deepmind/dsprites-dataset/raw/master/"
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            git_blob="d98996d3f8ee1550e06b9d4ed78d0beb478910d5",
        ),
    )
    grid = True
    binary = True
    shape = (1, 64, 64)

    def build(self, files: dict[str, Path]) -> Arrays:
        return _dsprites.read(files["dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"], len(self.factors))
