"""A model as an ONNX file, which other programs run: onnxruntime, browsers, phones; and such a file as a model.

How a file is made stands in translation.py, which one reads next, and how one is read in opening.py. Both are loaded
when they are needed: they import onnx.
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
    (or y_0, y_1, … in the order in which forward gives several), parameters as in `model.state_dict()` (with _2 at the
    end where an input has the name already). The file gives what the model gives in eval mode, but for rounding, in the
    dtype of its parameters, float32 or float64: before it is written it is run by onnx's own evaluator on other batches
    and compared. How each operation is said in ONNX is the table in exporting/operators.py.

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
    _need_onnx("to_onnx")
    from .translation import translated

    made = translated(model, example)
    with replacing(target) as file:
        file.write(made.SerializeToString())


def from_onnx(path: str | os.PathLike[str]) -> Module:
    """Read an ONNX file, of `to_onnx` or of another program, as a Module that computes what the file says.

    Arrays of floats in the file are parameters, under their names, so the model can be trained further, explained,
    checked, compressed, saved, and exported again. Where `to_onnx` wrote the file it says which they are; else they are
    the arrays of one or more axes, but for those that nobody learns: means and variances of BatchNormalization, which
    are buffers, bounds, exponents, masks, first states, and whatever stands in a Constant node. PyTorch's exporters
    turn some weights, under names of their own, and write equal arrays once: these are then one parameter, also if they
    were equal by chance, as in a network that is untrained. Weights in int8 are parameters of floats that are seen
    through their grid, as after `tl.compress.quantise` (plain ones, where the zero of the grid isn't 0); numbers of 16
    bits are read as float32. The model's inputs are the file's, in their order, and so are its outputs, a tuple if
    there are several.

    >>> model, x = nn.Sequential(nn.Linear(64, 10), nn.Softmax()), np.random.default_rng(0).random((5, 64))
    >>> tl.to_onnx(model, folder / "digits.onnx", x)
    >>> again = tl.from_onnx(folder / "digits.onnx")
    >>> [name for name, p in again.named_parameters()], np.allclose(tl.predict(again, x), tl.predict(model, x))
    (['0.weight', '0.bias'], True)

    It comes in eval mode, in which it gives what the file gives. While it is trained, BatchNormalization takes the
    batch's statistics and Dropout leaves out, as `nn.BatchNorm1d` and `nn.Dropout` do; but `to_onnx` writes what a
    model does in eval mode, without Dropout and with a BatchNorm of its running statistics as they are, so in its files
    there is neither. Parameters that were frozen are trained again. What is read is the operators of MLPs, CNNs, LSTM,
    GRU, RNN and attention, of opset 13 to 20; the table is in exporting/importing.py. Needs the package onnx: ``pip
    install ".[onnx]"``.

    Raises ValueError, with what is wrong, for operators without a line, all named at once, for settings that no line
    reads, for other opsets, for arrays in files (external data) that don't lie beside this one, and for a file that is
    damaged or no ONNX file; FileNotFoundError where there is none. All is checked before a model is made of it.
    """
    source = Path(path)
    _need_onnx("from_onnx")
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    from .opening import opened

    try:
        return opened(source).eval()
    except ValueError as error:
        raise ValueError(f"{source.name} can't be read as a model: {error}") from error


def _need_onnx(name: str) -> None:
    try:
        import onnx  # noqa: F401  (asked for here, so that its lack, and no other's, is told in words)
    except ImportError as error:
        raise ImportError(
            f'{name} needs the package onnx; in the clone of tinydl write python -m pip install ".[onnx]"'
        ) from error


def _checked(path: str | os.PathLike[str]) -> Path:
    """Where the file is to be written. Raises ValueError, FileNotFoundError."""
    target = Path(path)
    if target.suffix != ".onnx":
        raise ValueError(f"an ONNX file has a name that ends in .onnx, not {target.name!r}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into; make it first")
    return target
