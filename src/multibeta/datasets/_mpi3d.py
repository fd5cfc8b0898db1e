"""What the three recordings of MPI3D share: their factors, their file format and what is to be cited."""

from __future__ import annotations

from pathlib import Path

from multibeta.datasets import Arrays, DataError, DatasetSource, Factor, File, grid_factors, random_held_out
from multibeta.datasets._npz import Member

NOW = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
#: Dead since 2023, and the source of the published hashes.
ONCE = "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset"


def file(name: str, md5: str) -> File:
    """A file of the dataset, which has moved."""
    return File(name, f"{NOW}/{name}", md5=md5, mirrors=(f"{ONCE}/{name}",))


class MPI3D(DatasetSource):
    """A robot arm that holds an object: the full grid of seven factors, 1,036,800 images of 64×64 RGB.

    The factors have 6, 6, 2, 3, 3, 40 and 40 values. disentanglement_lib takes the first two to have 4, as in an older,
    smaller file, and so reads wrong factors from this one.

    References:
        Gondal et al. 2019, https://arxiv.org/abs/1906.03292, https://github.com/rr-learning/disentanglement_dataset
    """

    licence = "CC-BY-4.0"
    source = "https://github.com/rr-learning/disentanglement_dataset"
    citation = (
        '@inproceedings{gondal19, author = {Muhammad Waleed Gondal and Manuel W{\\"u}thrich and Djordje '
        "Miladinovi{\\'c} and Francesco Locatello and Martin Breidt and Valentin Volchkov and Joel Akpo and "
        'Olivier Bachem and Bernhard Sch{\\"o}lkopf and Stefan Bauer}, title = {On the Transfer of Inductive Bias '
        "from Simulation to the Real World: a New Disentanglement Dataset}, "
        "booktitle = {Advances in Neural Information Processing Systems}, volume = {32}, year = {2019}}"
    )
    factors = (
        Factor("colour", 6, "categorical"),
        Factor("shape", 6, "categorical"),
        Factor("size", 2, "ordinal"),
        Factor("camera_height", 3, "ordinal"),
        Factor("background", 3, "categorical"),
        Factor("horizontal", 40, "ordinal"),
        Factor("vertical", 40, "ordinal"),
    )
    grid = True
    shape = (3, 64, 64)

    def build(self, files: dict[str, Path]) -> Arrays:
        (path,) = files.values()
        images, factors = Member(path, "images"), grid_factors(self.factors)
        if len(images) != len(factors):
            raise DataError(f"{path} holds {len(images)} images, the grid of its factors has {len(factors)}")
        return Arrays(images, random_held_out(len(factors)), factors)
