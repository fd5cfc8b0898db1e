"""MPI3D, toy: simple renderings of a robot arm that holds an object."""

from __future__ import annotations

from multibeta.datasets import _mpi3d


class MPI3DToy(_mpi3d.MPI3D):
    __doc__ = _mpi3d.MPI3D.__doc__

    title = "MPI3D, toy"
    files = (_mpi3d.file("mpi3d_toy.npz", md5="55889cb7c7dfc655d6e0277beee88868"),)
