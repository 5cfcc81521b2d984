"""tinydl: a deep-learning engine small enough to read in an afternoon and good enough to use.

This file is the list of what ``import tinydl as tl`` gives. Read engine/tensor.py first, then derivatives/.
"""

from typing import TYPE_CHECKING, Any

from . import data, derivatives, functional, nn, optim
from .checking.gradcheck import gradcheck
from .engine.arrays import ChangedValueError, default_dtype, set_default_dtype
from .engine.random import manual_seed
from .engine.recording import enable_grad, no_grad
from .engine.tensor import Primitive, Tensor, primitive, tensor
from .engine.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .explaining.explain import explain
from .training.fit import accuracy, evaluate, fit, predict
from .training.history import History
from .training.saving import load, save
from .watching.anomaly import detect_anomaly
from .watching.diagnose import diagnose
from .watching.lines import source_lines
from .watching.strict import StrictError, strict
from .watching.summary import summary
from .watching.verdicts import Diagnosis, Verdict

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
