"""tinydl: a deep-learning engine small enough to read in an afternoon and good enough to use.

This file is the list of what ``import tinydl as tl`` gives. Read tensor.py first, then derivatives/.
"""

from typing import TYPE_CHECKING, Any

from . import data, derivatives, functional, nn, optim
from .arrays import ChangedValueError, default_dtype, set_default_dtype
from .debug import detect_anomaly, source_lines
from .diagnose import Diagnosis, Verdict, diagnose
from .explain import explain
from .gradcheck import gradcheck
from .nn.summary import summary
from .random import manual_seed
from .recording import enable_grad, no_grad
from .saving import load, save
from .strict import StrictError, strict
from .tensor import Primitive, Tensor, primitive, tensor
from .training import History, accuracy, evaluate, fit, predict
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from . import plots

__version__ = "0.1.0"

__all__ = [
    "ChangedValueError", "Diagnosis", "History", "Primitive", "StrictError", "Tensor", "Verdict", "accuracy", "data",
    "default_dtype", "derivatives", "detect_anomaly", "diagnose", "enable_grad", "evaluate", "explain", "fit",
    "functional", "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp", "load", "manual_seed", "nn", "no_grad",
    "optim", "plots", "predict", "primitive", "save", "set_default_dtype", "source_lines", "strict", "summary",
    "tensor", "value_and_grad", "vjp",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "plots":  # the one room that `import tinydl` leaves for later
        raise AttributeError(f"module 'tinydl' has no attribute {name!r}")
    import importlib

    return importlib.import_module(".plots", __name__)
