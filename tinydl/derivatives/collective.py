"""A sum over the processes of a run as an operation with a slope: what layers stand on that see all ranks' batches.

`Communicator` says what a communicator is: MPI's, through mpi4py, or whatever has the same two methods. Read
nn/synchronised.py next, and training/parallel.py, which adds up gradients.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ..engine.arrays import Array, beside, on_host, wide
from ..engine.dispatch import define
from ..engine.recording import called_whole
from ..engine.tensor import Primitive


class Communicator(Protocol):
    """What joins `size` processes, of which this is number `rank`; mpi4py's ``MPI.COMM_WORLD`` is one.

    ``Allreduce(send, recv)`` writes the sum of all ranks' arrays `send` into `recv`, the same bits on every rank;
    ``bcast(object, root)`` gives every rank a copy of the one of rank `root`. All ranks call them in the same order.
    """

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    def Allreduce(self, send: Array, recv: Array, /) -> Any: ...
    def bcast(self, object: Any, /, root: int = 0) -> Any: ...


class Alone:
    """The communicator of a single process, so that a program for many runs without MPI, too."""

    rank, size = 0, 1

    def Allreduce(self, send: Array, recv: Array) -> None:
        recv[...] = send

    def bcast(self, object: Any, root: int = 0) -> Any:
        return object


class _Here(threading.local):
    apart = False  # whether sums don't wait for others: each of them is taken to have what this one has
    parted = False  # whether a batch is a part of a larger one, so that losses refuse what can't be added up of parts
    alone: Any = None  # the ranks who are elsewhere, so that a sum over them is refused


here = _Here()  # what this thread's computing is


@contextmanager
def being(**how: Any) -> Iterator[None]:
    """Within, this thread's computing is so."""
    before = {name: getattr(here, name) for name in how}
    vars(here).update(how)
    try:
        yield
    finally:
        vars(here).update(before)


def _same_ranks(comm: Any, other: Any) -> bool:
    """Of two of MPI's communicators, of which one may be a copy of the other."""
    return type(comm) is type(other) and hasattr(comm, "Compare") and type(comm).Compare(comm, other) < 3  # MPI.UNEQUAL


def _all_sum(x: Any, comm: Communicator) -> Any:
    if here.alone is not None and (comm is here.alone or _same_ranks(comm, here.alone)):
        raise RuntimeError(
            "a sum over the ranks in what rank 0 computes alone, such as the validation of fit(comm=…): the others "
            "aren't there. Add up only `if self.training`, as nn.SyncBatchNorm does"
        )
    if comm.size == 1 or here.apart:
        return x * x.dtype.type(comm.size)
    return called_whole(_exchanged, x, comm)


def _exchanged(x: Any, comm: Communicator) -> Any:
    send = np.array(on_host(wide(x)), order="C")
    received = np.empty_like(send)
    comm.Allreduce(send, received)
    return beside(received, x, x.dtype)


all_sum: Primitive = define(
    _all_sum,
    # every rank's objective depends on this x, and what is minimised is the sum of the objectives
    lambda g, y, x, comm: all_sum(g, comm),
    name="all_sum",
)
