"""Many processes: what a loop of one's own calls that trains one model on several, joined by MPI.

``tl.fit(…, comm=MPI.COMM_WORLD)`` does all this by itself. ``import tinydl`` loads it on first use, and mpi4py never.

``all_sum(x, comm)`` is the sum of all ranks' x, of one shape and dtype, and of floats where a gradient flows; all
of them call it, in the same order. A module that calls it keeps the communicator as its attribute `comm`, by which
`fit` knows that a rank without rows must run it, too.

What is done is in training/parallel.py, the sum that gradients flow through in derivatives/collective.py.
"""

from .derivatives.collective import Alone, all_sum
from .engine.names import answers
from .training.parallel import broadcast, share, sum_gradients

__all__ = ["Alone", "all_sum", "broadcast", "share", "sum_gradients"]

__getattr__, __dir__ = answers(
    __name__,
    __all__,
    {
        "all_reduce": "write tl.parallel.all_sum(x, comm), or comm.Allreduce(send, recv) of arrays",
        "DistributedDataParallel": "write tl.fit(…, comm=comm), or tl.parallel.sum_gradients after backward()",
        "MPI": "write from mpi4py import MPI",
    },
)
