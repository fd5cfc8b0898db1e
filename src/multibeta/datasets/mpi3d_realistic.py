"""MPI3D, realistic: realistic renderings of a robot arm that holds an object."""

from __future__ import annotations

from multibeta.datasets import _mpi3d


class MPI3DRealistic(_mpi3d.MPI3D):
    __doc__ = _mpi3d.MPI3D.__doc__

    title = "MPI3D, realistic"
    files = (_mpi3d.file("mpi3d_realistic.npz", md5="59a6225b88b635365f70c91b3e52f70f"),)
