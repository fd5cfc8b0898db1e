"""MPI3D, real: photographs of a robot arm that holds an object."""

from __future__ import annotations

from multibeta.datasets import _mpi3d


class MPI3DReal(_mpi3d.MPI3D):
    __doc__ = _mpi3d.MPI3D.__doc__

    title = "MPI3D, real"
    files = (_mpi3d.file("mpi3d_real.npz", md5="0f33f609918fb5c97996692f91129802"),)
