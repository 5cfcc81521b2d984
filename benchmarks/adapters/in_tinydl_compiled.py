"""tinydl compiled: the steps of in_tinydl.py, whole, given to `tl.compile`; the first call records, and isn't timed."""

from __future__ import annotations

from typing import Any

import tinydl as tl
from adapters import Job, in_tinydl


def training(problem: Any) -> Job:
    return in_tinydl.training(problem, tl.compile)


def moons(problem: Any) -> Job:
    return in_tinydl.moons(problem, tl.compile)


def attention(problem: Any) -> Job:
    return in_tinydl.attention(problem, tl.compile)


def inference(problem: Any) -> Job:
    return in_tinydl.inference(problem, tl.compile)


def network(problem: Any) -> Job:
    return in_tinydl.network(problem, tl.compile)
