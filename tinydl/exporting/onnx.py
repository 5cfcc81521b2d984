"""A model as an ONNX file, which other programs run: onnxruntime, browsers, phones.

How it is made stands in translation.py, which one reads next, and is loaded when it is needed: it imports onnx.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..engine.checks import refuse_foreign
from ..engine.files import replacing
from ..engine.recording import state
from ..nn.module import Module
from ..training import arguments


def to_onnx(model: Module, path: str | os.PathLike[str], example: Any) -> None:
    """Write a model as an ONNX file (opset 18), which onnxruntime, browsers and phones run.

    `example` is a batch as `tl.predict` takes it, or a tuple of batches for a model of several inputs; it says of what
    shapes and dtypes they are, and the number of rows is free. Inputs are called as `forward` calls them, the output y
    (or y_0, y_1, … in the order in which forward gives several), parameters as in `model.state_dict()`. The file gives
    what the model gives in eval mode, but for rounding, in the dtype of its parameters, float32 or float64: before it
    is written it is run by onnx's own evaluator on other batches and compared. How each operation is said in ONNX is
    the table in exporting/operators.py.

    >>> model, x = nn.Sequential(nn.Linear(64, 10), nn.Softmax()), np.random.default_rng(0).random((5, 64))
    >>> tl.to_onnx(model, folder / "digits.onnx", x)
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(folder / "digits.onnx")
    >>> (y,) = session.run(None, {"x": x.astype(np.float32)})
    >>> np.allclose(y, tl.predict(model, x), atol=1e-6)
    True

    Needs the package onnx: ``pip install ".[onnx]"``; who runs the file doesn't. In float64 onnxruntime has no
    inverse trigonometric functions and no determinant, which onnx's evaluator has. Raises CompileError for a model that
    reads values, that does something else with another number of rows, in which two axes of an array grow with the
    rows, that mixes float32 and float64, or that uses an operation for which ONNX has no operator; ValueError for
    another path or example; FileNotFoundError where there is no such folder. Then nothing is written; a file that is
    there already is replaced.
    """
    arguments.check_model(model)
    if state.observers:
        raise RuntimeError(
            "to_onnx watches what the model does, which can't be told apart inside of tl.strict, tl.detect_anomaly or "
            "tl.source_lines; call it outside of the with block"
        )
    target = _checked(path)
    refuse_foreign("to_onnx", *(p for _, p in model.named_parameters()), *(b for _, b in model.named_buffers()))
    try:
        import onnx  # noqa: F401  (asked for here, so that its lack, and no other's, is told in words)
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx; in the clone of tinydl write python -m pip install ".[onnx]"'
        ) from error
    from .translation import translated

    made = translated(model, example)
    with replacing(target) as file:
        file.write(made.SerializeToString())


def _checked(path: str | os.PathLike[str]) -> Path:
    """Where the file is to be written. Raises ValueError, FileNotFoundError."""
    target = Path(path)
    if target.suffix != ".onnx":
        raise ValueError(f"an ONNX file has a name that ends in .onnx, not {target.name!r}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into; make it first")
    return target
