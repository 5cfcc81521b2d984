"""tinydl: a deep-learning engine whose heart one can read in an afternoon, and which is good enough to use.

This file is the list of what ``import tinydl as tl`` gives. Read engine/tensor.py first, then derivatives/.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from . import data, derivatives, functional, nn, optim
from .data.names import DATA
from .engine.arrays import ChangedValueError, default_dtype, set_default_dtype
from .engine.names import TORCH, answers
from .engine.random import manual_seed
from .engine.recording import enable_grad, no_grad
from .engine.tensor import Primitive, Tensor, primitive, tensor
from .engine.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .functional.names import FUNCTIONS
from .nn.names import LAYERS
from .optim.names import OPTIMIZERS
from .training.fit import accuracy, evaluate, fit, predict
from .training.history import History
from .training.saving import load, save
from .watching.anomaly import detect_anomaly
from .watching.lines import source_lines
from .watching.strict import StrictError, strict

if TYPE_CHECKING:  # what `import tinydl` leaves for when it is used
    from . import compress, parallel, plots, privacy
    from .checking.gradcheck import gradcheck
    from .compiling.compile import compile
    from .compiling.tape import CompileError
    from .explaining.explain import explain
    from .exporting.onnx import from_onnx, to_onnx
    from .exporting.standalone import to_numpy
    from .watching.attribution import Attribution, grad_cam, integrated_gradients, occlusion, saliency
    from .watching.controls import Controls
    from .watching.diagnose import diagnose
    from .watching.summary import summary
    from .watching.verdicts import Diagnosis, Verdict

__version__ = "0.1.0"

__all__ = [
    "Attribution", "ChangedValueError", "CompileError", "Controls", "Diagnosis", "History", "Primitive", "StrictError",
    "Tensor", "Verdict", "accuracy", "compile", "compress", "data", "default_dtype", "derivatives", "detect_anomaly",
    "diagnose", "enable_grad", "evaluate", "explain", "fit", "from_onnx", "functional", "grad", "grad_cam", "gradcheck",
    "hessian", "hvp", "integrated_gradients", "jacobian", "jvp", "load", "manual_seed", "nn", "no_grad", "occlusion",
    "optim", "parallel", "plots", "predict", "primitive", "privacy", "saliency", "save", "set_default_dtype",
    "source_lines", "strict", "summary", "tensor", "to_numpy", "to_onnx", "value_and_grad", "vjp",
]  # fmt: skip


_LATER = {
    "plots": ".plots", "gradcheck": ".checking.gradcheck", "explain": ".explaining.explain",
    "saliency": ".watching.attribution", "integrated_gradients": ".watching.attribution",
    "occlusion": ".watching.attribution", "grad_cam": ".watching.attribution",
    "Attribution": ".watching.attribution", "Controls": ".watching.controls",
    "diagnose": ".watching.diagnose", "Diagnosis": ".watching.verdicts", "Verdict": ".watching.verdicts",
    "summary": ".watching.summary", "compile": ".compiling.compile", "CompileError": ".compiling.tape",
    "to_numpy": ".exporting.standalone", "to_onnx": ".exporting.onnx",
    "from_onnx": ".exporting.onnx", "compress": ".compress", "parallel": ".parallel", "privacy": ".privacy",
}  # fmt: skip


_MISSING, _LISTED = answers(
    __name__,
    (*__all__, "__version__"),
    {**LAYERS, **FUNCTIONS, **OPTIMIZERS, **DATA, **TORCH},
    {"tl.nn": nn, "tl.functional": functional, "tl.optim": optim, "tl.data": data, "np": np},
)


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        _MISSING(name)
    import importlib

    module = importlib.import_module(_LATER[name], __name__)
    globals()[name] = value = getattr(module, name, module)
    return value


def __dir__() -> list[str]:
    return _LISTED()
