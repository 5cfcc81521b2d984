"""One small file per peer: how each workload is written for it, by somebody who knows it well.

A workload is a function of this name (`chain`, `training`, `moons`, `attention`) that takes the arrays from
`workloads.py` and gives a `Job`. Each file imports its peer at the top, so it can be imported only where that peer is
installed; `NEEDS` says which packages those are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Job:
    """A workload made ready for one peer."""

    step: Callable[[], Any]  # one unit of the work: this is timed
    gradients: Callable[[], Sequence[Any]]  # the loss, then its gradients, by the same code and without an update
    parameters: Callable[[], Sequence[Any]] = tuple  # what the steps have changed


ADAPTERS = {  # peer → (its file in this folder, none if it has whole programs only; the packages it needs)
    "tinydl": ("in_tinydl", ("tinydl",)),
    "numpy": ("by_hand", ("numpy",)),
    "torch": ("in_torch", ("torch",)),
    "jax": ("in_jax", ("jax",)),
    "autograd": ("in_autograd", ("autograd",)),
    "mygrad": ("in_mygrad", ("mygrad",)),
    "micrograd": ("in_micrograd", ("micrograd",)),
    "sklearn": ("", ("sklearn",)),
    "keras": ("", ("keras", "tensorflow")),
}

NAMES = {
    "tinydl": "tinydl",
    "numpy": "NumPy by hand",
    "torch": "PyTorch eager",
    "jax": "JAX jit",
    "autograd": "HIPS autograd",
    "mygrad": "MyGrad",
    "micrograd": "micrograd",
    "sklearn": "scikit-learn",
    "keras": "Keras",
}
