"""Ranks as threads of this process: a communicator for tests that need no MPI, with MPI's rules.

`run(size, function)` calls ``function(comm)`` once on each rank. All ranks must make the same calls in the same order:
one that waits in vain, or beside another call, raises instead of waiting for ever. What `bcast` gives has gone through
pickle, as between processes, and arrays are added up in the order of the ranks.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20.0  # seconds


class _Meeting:
    """Where all ranks wait for each other, until one of them will come no more. A rank that all have come to leaves,
    whatever becomes of the others then, which a threading.Barrier doesn't promise."""

    def __init__(self, size: int) -> None:
        self.size, self.here, self.rounds, self.broken = size, 0, 0, False
        self.slots: list[Any] = [None] * size
        self.changed = threading.Condition()

    def wait(self) -> None:
        with self.changed:
            now, self.here = self.rounds, self.here + 1
            if self.here == self.size:
                self.here, self.rounds = 0, now + 1
                self.changed.notify_all()
            if not self.changed.wait_for(lambda: self.rounds > now or self.broken, PATIENCE) or self.rounds == now:
                raise threading.BrokenBarrierError("a rank doesn't come")

    def abort(self) -> None:
        with self.changed:
            self.broken = True
            self.changed.notify_all()


class Rank:
    """One rank's end of it; `calls` are the names of what it called, `numbers` how many went into sums, `aborted` is
    what it gave to Abort."""

    def __init__(self, meeting: _Meeting, rank: int, size: int) -> None:
        self.meeting, self.rank, self.size = meeting, rank, size
        self.calls: list[str] = []
        self.numbers = 0
        self.aborted: int | None = None

    def _met(self, call: Any, given: Any) -> list[Any]:
        self.calls.append(call[0])
        self.meeting.slots[self.rank] = (call, given)
        self.meeting.wait()
        found = list(self.meeting.slots)
        if any(other != call for other, _ in found):
            self.meeting.abort()
            raise RuntimeError(f"ranks call {[other for other, _ in found]} at once")
        return [value for _, value in found]

    def Allreduce(self, send: np.ndarray, recv: np.ndarray) -> None:
        assert send.__class__ is recv.__class__ is np.ndarray and send.flags.c_contiguous and recv.flags.c_contiguous
        first, *others = self._met(("Allreduce", send.dtype, send.size), send)
        total = first.copy()
        for other in others:
            total += other
        self.meeting.wait()  # all have read what all have sent
        recv.reshape(-1)[...] = total.reshape(-1)
        self.numbers += send.size

    def bcast(self, obj: Any, root: int = 0) -> Any:
        found = self._met(("bcast", root), pickle.dumps(obj) if self.rank == root else None)
        self.meeting.wait()
        return obj if self.rank == root else pickle.loads(found[root])

    def Abort(self, code: int = 0) -> None:
        """Of MPI this ends all processes at once; here the others' next calls raise, and this rank goes on."""
        self.aborted = code
        self.meeting.abort()


def run(size: int, function: Callable[[Rank], Any]) -> list[Any]:
    """What the function gave on each rank. If some raised: what the first of them did that wasn't just left alone."""
    meeting = _Meeting(size)
    results: list[Any] = [None] * size
    raised: list[BaseException | None] = [None] * size

    def one(rank: int) -> None:
        try:
            results[rank] = function(Rank(meeting, rank, size))
        except BaseException as error:
            raised[rank] = error
            meeting.abort()

    threads = [threading.Thread(target=one, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE)
        assert not thread.is_alive(), "a rank hangs"
    errors = [error for error in raised if error is not None]
    for error in sorted(errors, key=lambda e: isinstance(e, threading.BrokenBarrierError)):
        raise error
    return results
