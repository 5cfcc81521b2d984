"""One small file per peer: how each workload is written for it, by somebody who knows it well.

A workload is a function of this name (`chain`, `training`, `moons`, `attention`) that takes the arrays from
`workloads.py` and gives a `Job`. Each file imports its peer at the top, so it can be imported only where that peer is
installed; `ADAPTERS` says which packages those are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any


@dataclass
class Job:
    """A workload made ready for one peer."""

    step: Callable[[], Any]  # one unit of the work: this is timed
    gradients: Callable[[], Sequence[Any]]  # the loss, then its gradients, by the same code and without an update
    parameters: Callable[[], Sequence[Any]] = tuple  # what the steps have changed
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # entered once for many steps, and not timed
    programs: Callable[[], int] = int  # how many the steps have been recorded as, if they are compiled


ADAPTERS = {  # peer → (its file in this folder, none if it has whole programs only; the packages it needs)
    "tinydl": ("in_tinydl", ("tinydl",)),
    "tinydl compiled": ("in_tinydl_compiled", ("tinydl",)),
    "numpy": ("by_hand", ("numpy",)),
    "torch": ("in_torch", ("torch",)),
    "torch compiled": ("in_torch_compiled", ("torch",)),
    "jax": ("in_jax", ("jax",)),
    "autograd": ("in_autograd", ("autograd",)),
    "mygrad": ("in_mygrad", ("mygrad",)),
    "micrograd": ("in_micrograd", ("micrograd",)),
    "sklearn": ("", ("sklearn",)),
    "keras": ("", ("keras", "tensorflow")),
}

COMPILERS = {  # peer → the program that it needs besides
    "torch compiled": os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++"),
}

TWICE = ("tinydl compiled", "torch compiled")  # the packages of other peers, used in another way

NAMES = {
    "tinydl": "tinydl",
    "tinydl compiled": "tinydl compiled",
    "numpy": "NumPy by hand",
    "torch": "PyTorch eager",
    "torch compiled": "PyTorch compiled",
    "jax": "JAX jit",
    "autograd": "HIPS autograd",
    "mygrad": "MyGrad",
    "micrograd": "micrograd",
    "sklearn": "scikit-learn",
    "keras": "Keras",
}
