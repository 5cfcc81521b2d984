"""Training on many processes, for a loop of one's own: what `tinydl.parallel` gives.

Every rank has the model and walks through the same batches, of which it takes its share; a loss that is a mean over
rows is multiplied by that share, and the gradients are added up between backward and step. team.py makes `fit` of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..data import Dataset
from ..derivatives.collective import Communicator
from ..engine.arrays import Array, beside, on_host
from ..engine.checks import array_of
from ..engine.tensor import Tensor, wrap
from ..nn import Module
from ..optim.optimizer import Optimizer


def share(batch: Any, comm: Communicator) -> Any:
    """This rank's rows of a batch that every rank has: parts of equal size, the first ranks' one row longer.

    `batch` is an array, a Tensor, a list or a Dataset, of which it gives one part; a tuple, such as (x, y), gives a
    tuple of parts. With fewer rows than ranks some parts are empty. Raises TypeError for what has no rows.
    """
    if isinstance(batch, tuple):
        return tuple(share(part, comm) for part in batch)
    if not isinstance(batch, (Tensor, Dataset, list)) and not getattr(batch, "ndim", 0):
        raise TypeError(f"share takes an array with an axis of rows, or a tuple of them, not {type(batch).__name__}")
    each, left = divmod(len(batch), comm.size)
    start = comm.rank * each + min(comm.rank, left)
    return batch[start : start + each + (comm.rank < left)]


def sum_gradients(parameters: Iterable[Tensor], comm: Communicator, *numbers: Any) -> Array:
    r"""Each ``p.grad`` becomes its sum over the ranks, :math:`\sum_r g_r`, and so do the `numbers`, which are given
    back; all in one message.

    Call it on every rank between ``backward()`` and ``optimizer.step()``. Where each rank's objective is the loss of
    its part times ``len(part) / len(batch)``, the sums are the loss and the gradients of the whole batch. A rank whose
    part is empty has no loss and leaves out the backward pass (``if len(part):``), but calls this as all do. A
    parameter without a gradient counts as 0, and if no rank has one it stays without. The sums are the same to the bit
    on every rank, and NaN on all if they are on one. They are made in the parameters' largest dtype, float16's in
    float32, which is the dtype of what is given back.
    """
    parameters = [p for p in parameters if p.requires_grad]
    dtype = np.result_type(np.float32, *(p.dtype for p in parameters))
    there = [p.grad is not None for p in parameters]
    parts = [np.zeros(p.size) if p.grad is None else on_host(p.grad.data).ravel() for p in parameters]
    send = np.concatenate(
        [*parts, np.array([*there, *(on_host(array_of(n)) for n in numbers)])], dtype=dtype, casting="unsafe"
    )
    parts.clear()
    for p in parameters:
        p.grad = None  # memory that the sums may take: asking the system for more costs more than the message
    total = np.empty_like(send)
    comm.Allreduce(send, total)
    start, (counts, sums) = 0, np.split(total[sum(p.size for p in parameters) :], [len(parameters)])
    for p, count in zip(parameters, counts, strict=True):
        if count:
            own = total[start : start + p.size].reshape(p.shape)
            p.grad = wrap(beside(own, p._data).astype(p.dtype, copy=False))
        start += p.size
    return sums


def broadcast(model: Module, comm: Communicator, optimizer: Optimizer | None = None) -> None:
    """Every rank's parameters and buffers, and the optimizer's state, become those of rank 0.

    Raises ValueError if the models aren't alike.
    """
    model.load_state_dict(comm.bcast(model.state_dict(), root=0))
    if optimizer is not None:
        state = optimizer.state_dict()
        optimizer.load_state_dict(comm.bcast(dict(state) if comm.rank == 0 else None, root=0))
