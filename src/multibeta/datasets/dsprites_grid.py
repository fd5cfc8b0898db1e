"""dSprites on a coarser grid: 46,080 of its images, small enough for a laptop and for offline use."""

from __future__ import annotations

from pathlib import Path

from multibeta.datasets import Arrays, DatasetSource, Factor, File, _dsprites

COMMIT = "130380eb77e46a993489d7c6c89d0c9ee8ce3ed3"


class DSpritesGrid(DatasetSource):
    """Every 4th orientation and every 2nd position of dSprites: a full grid of 64×64 black and white images.

    A square looks the same after a quarter turn and an ellipse after half a turn, so pixels do not tell the
    orientation of either, and 14 images repeat another's pixels.

    References:
        Matthey et al. 2017, "dSprites: Disentanglement testing Sprites dataset",
        https://github.com/google-deepmind/dsprites-dataset
    """

    title = "dSprites, coarser grid"
    licence = "Apache-2.0"
    source = "https://github.com/google-deepmind/dsprites-dataset, as thinned out by colleenjg/neuromatch_ssl_tutorial"
    citation = (
        "@misc{dsprites17, author = {Loic Matthey and Irina Higgins and Demis Hassabis and Alexander Lerchner}, "
        "title = {{dSprites}: Disentanglement testing Sprites dataset}, year = {2017}, "
        "howpublished = {https://github.com/google-deepmind/dsprites-dataset}}"
    )
    factors = (
        Factor("shape", 3, "categorical"),
        Factor("scale", 6, "ordinal"),
        Factor("orientation", 10, "periodic"),
        Factor("x", 16, "ordinal"),
        Factor("y", 16, "ordinal"),
    )
    files = (
        File(
            name="dsprites_downsampled.npz",
            url="https://raw.githubusercontent.com/colleenjg/neuromatch_ssl_tutorial/"
            f"{COMMIT}/dsprites/dsprites_downsampled.npz",
            sha256="8a632f70c0dbd279dd771854981a3de945b2448eddbd9b2af59fb83e8728f871",
        ),
    )
    grid = True
    binary = True
    shape = (1, 64, 64)

    def build(self, files: dict[str, Path]) -> Arrays:
        return _dsprites.read(files["dsprites_downsampled.npz"], len(self.factors))
