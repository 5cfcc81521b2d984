"""Many processes: what a loop of one's own calls that trains one model on several, joined by MPI.

``tl.fit(…, comm=MPI.COMM_WORLD)`` does all this by itself. ``import tinydl`` loads it on first use, and mpi4py never.
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
