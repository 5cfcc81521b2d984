"""A page in which one draws a digit, and sees what a network makes of it, layer by layer.

The network runs in the page: here its layers become data, with the weights as its forward sees them, and digits.js, in
which each kind of layer has a function of its name, computes with them. Read digits.js next.
"""

from __future__ import annotations

import base64
import copy
import html
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..engine.arrays import Array
from ..engine.checks import array_of, kind, listed, refuse_foreign
from ..engine.recording import no_grad, observing, state
from ..engine.tensor import Tensor, wrap
from ..engine.trace import Operation, Trace
from ..exporting.compressed import Compressed
from .page import write_page

Data = dict[str, Any]

SIDES = (8, 28, *(n for n in range(4, 65) if n not in (8, 28)))  # of images, in the order in which they are tried
MOST = 20_000_000  # weights, of which a file would be larger than 100 MB


def digit_page(
    model: nn.Module, path: str | os.PathLike[str] = "digits.html", classes: Sequence[Any] | None = None
) -> Path:
    """Write a page in which one draws a digit and sees what the network makes of it, and give its path.

    One self-contained HTML file, for mouse, finger and keyboard: the drawing as the network sees it, each layer's
    activations, the answers, and which pixels they hang on, by occlusion. The drawing is made into pixels as those of
    `tl.data.digits` were, or, for other sizes than 8 × 8, as MNIST's. ``window.predict(pixels)`` gives what
    ``tl.predict(model, x)`` gives for these n² numbers from 0 to 1, in float64 with weights rounded to float32.

    Shapes: the model takes (N, n²), (N, 1, n, n) or (N, n, n), n from 4 to 64; n is 8 if it takes that, or else 28, or
    the smallest that it takes; it gives (N, K), K ≥ 2, whose names are `classes`, or else 0 … K − 1. The model is an
    nn.Sequential of Linear, Conv2d, pooling of images, BatchNorm1d and 2d, Flatten, Dropout, Identity and activations
    of single numbers; it may be pruned or quantised, and is shown in eval mode, on a copy.

    Raises TypeError for what is no Module; ValueError for another layer, for a model that takes no such images or gives
    other shapes, and for other numbers of classes; OSError, naming the file, if it can't be written: an older one is
    then untouched.
    """
    data = page_data(model, classes)
    script = Path(__file__).with_name("digits.js").read_text(encoding="utf-8")
    write_page("digits.html", path, data, title=html.escape("Draw a digit"), script=script)
    return Path(path)


def page_data(model: nn.Module, classes: Sequence[Any] | None = None) -> Data:
    """All that the page shows and computes with, made of strings, numbers, lists and dicts."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"digit_page takes a model, an nn.Module, not {kind(model)}; the order is (model, path)")
    if state.observers:
        raise RuntimeError(
            "digit_page watches what the model does, which can't be told apart inside of tl.strict, tl.detect_anomaly "
            "or tl.source_lines; call it outside of the with block"
        )
    named = list(model.named_parameters())
    refuse_foreign("digit_page", *(p for _, p in named), *(b for _, b in model.named_buffers()))
    if (size := sum(p.size for _, p in named)) > MOST:
        raise ValueError(f"the model has {size:,} weights, more than a page can hold ({MOST:,})")
    copied = copy.deepcopy(model).eval()
    layers = list(_layers(copied))
    with no_grad(), np.errstate(all="ignore"):
        image = _image(copied)
        x, outputs = image, array_of(copied(image)).shape
        made = []
        for name, layer in layers:
            data, x = _layer(name, layer, x)
            made.append(data)
    names = [str(name) for name in (range(outputs[1]) if classes is None else classes)]
    if len(names) != outputs[1]:
        raise ValueError(
            f"the model gives {outputs[1]} numbers for an image, so classes are that many names, not {len(names)}"
        )
    return {"side": round(image.size**0.5), "image": image.shape[1:], "classes": names, "weights": size, "layers": made}


# ---- which layers, and what they take ----


def _layers(model: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers one after another, with their names."""
    if _kind(model) is not nn.Sequential:
        yield path, model
        return
    for name, layer in vars(model).items():
        if isinstance(layer, nn.Module):
            yield from _layers(layer, f"{path}.{name}" if path else name)


def _kind(layer: nn.Module) -> type[nn.Module]:
    """The class of tinydl's whose forward this is, or else its own."""
    of = layer.kind if isinstance(layer, Compressed) else type(layer)
    kinds: list[type[nn.Module]] = [nn.Sequential, *LAYERS]
    same = [known for known in kinds if known.forward is of.forward]
    return of if of in same or not same else same[0]


def _image(model: nn.Module) -> Array:
    """A batch of one empty image as the model takes it. ValueError, with what the model says, if it takes none."""
    said = ""
    for n in SIDES:
        for shape in ((1, n * n), (1, 1, n, n), (1, n, n)):
            try:
                outputs = model(np.zeros(shape, np.float32))
            except (ValueError, TypeError, IndexError) as error:
                said = said or str(error)
                continue
            gave = np.shape(array_of(outputs)) if isinstance(outputs, Tensor) else ()
            if len(gave) == 2 and gave[0] == 1 and gave[1] > 1:
                return np.zeros(shape, np.float32)
            said = said or f"for one image of shape {shape} it gives {gave or kind(outputs)}"
    raise ValueError(
        "digit_page needs a model that takes square images, (N, n²), (N, 1, n, n) or (N, n, n), and gives at least two "
        f"numbers for each, (N, K): {said}"
    )


def _layer(name: str, layer: nn.Module, x: Array) -> tuple[Data, Array]:
    """A layer as data, and what it gives for x."""
    known = _kind(layer)
    if known not in LAYERS:
        raise ValueError(
            f"digit_page has no picture of {f'{name} ' if name else ''}{type(layer).__name__}; it shows an "
            f"nn.Sequential of {listed(sorted(k.__name__ for k in LAYERS), 40)}"
        )
    with observing(trace := Trace()):
        y = array_of(layer(wrap(x)))  # of plain arrays, some layers make plain arrays, unseen
    made = LAYERS[known](layer, x, trace.operations)
    said = {"name": name, "title": type(layer).__name__, "kind": known.__name__, "shape": list(y.shape[1:])}
    return {**said, **made}, y


# ---- each kind of layer as data, by the names that digits.js has for them ----


def _plain(layer: Any, x: Array, operations: list[Operation]) -> Data:
    """A function of single numbers, with its settings; or one of shapes, which needs none."""
    return {name: value for name, value in vars(layer).items() if isinstance(value, (int, float, str))}


def _prelu(layer: Any, x: Array, operations: list[Operation]) -> Data:
    return {"weight": _packed(layer.weight)}


def _linear(layer: Any, x: Array, operations: list[Operation]) -> Data:
    _, weight, bias = _of("linear", operations).inputs
    return {"weight": _packed(weight), "bias": _packed(0 if bias is None else bias, len(weight))}


def _conv(layer: Any, x: Array, operations: list[Operation]) -> Data:
    operation = _of("conv", operations)
    _, weight, *bias = operation.inputs
    how = operation.options["how"]
    taps = _taps(x.shape[2:], weight.shape[2:], how, operation.output.shape[2:])
    bias = [b for b in bias if b is not None] or [0]
    return {"weight": _packed(weight), "bias": _packed(bias[0], len(weight)), "groups": how.groups, **taps}


def _batch_norm(layer: Any, x: Array, operations: list[Operation]) -> Data:
    if layer.running_mean is None:
        raise ValueError(
            "digit_page shows one image at a time, and a BatchNorm without running statistics needs a batch of them; "
            "leave out track_running_stats=False"
        )
    n, scale = layer.num_features, 1 / np.sqrt(np.float64(layer.running_var) + layer.eps)
    scale = scale if layer.weight is None else scale * array_of(layer.weight)
    bias = 0 if layer.bias is None else layer.bias
    return {"mean": _packed(layer.running_mean), "scale": _packed(scale), "bias": _packed(bias, n)}


def _max_pool(layer: Any, x: Array, operations: list[Operation]) -> Data:
    operation = _of("max_pool", operations)
    return _taps(x.shape[2:], operation.options["kernel"], operation.options["how"], operation.output.shape[2:])


def _avg_pool(layer: Any, x: Array, operations: list[Operation]) -> Data:
    operation = _of("sum_pool", operations)
    taps = _taps(x.shape[2:], operation.options["kernel"], operation.options["how"], operation.output.shape[2:])
    return {**taps, "factor": _factor(layer, x, taps)}


def _adaptive_avg_pool(layer: Any, x: Array, operations: list[Operation]) -> Data:
    sizes = layer(x).shape[2:]
    taps = {
        name: [list(range(i * n // m, -(-(i + 1) * n // m))) for i in range(m)]
        for name, n, m in zip(("rows", "columns"), x.shape[2:], sizes, strict=True)
    }
    return {**taps, "factor": _factor(layer, x, taps)}


def _factor(layer: Any, x: Array, taps: Data) -> str:
    """By what the sum of each window is multiplied: what becomes of ones says it, whatever counts and doesn't."""
    rows, columns = (np.array([sum(i >= 0 for i in window) for window in taps[name]]) for name in ("rows", "columns"))
    return _packed(array_of(layer(np.ones_like(x)))[0, 0] / (rows[:, None] * columns))


def _taps(sizes: Sequence[int], kernel: Sequence[int], how: Any, places: Sequence[int]) -> Data:
    """For each row, and column, of the output those of the input that its window sees; −1 is beyond the edge."""
    found = {}
    for axis, name in enumerate(("rows", "columns")):
        step, (before, _), apart = how.stride[axis], how.padding[axis], how.dilation[axis]
        rows = step * np.arange(places[axis])[:, None] - before + apart * np.arange(kernel[axis])
        found[name] = np.where((rows >= 0) & (rows < sizes[axis]), rows, -1).tolist()
    return found


def _of(name: str, operations: list[Operation]) -> Operation:
    return next(operation for operation in operations if operation.name == name)


def _packed(x: Any, size: int | None = None) -> str:
    """Numbers as a file holds them: float32 in base64. ValueError for those that are none."""
    array = np.asarray(array_of(x), np.float32)
    if size is not None:
        array = np.broadcast_to(array, (size,))
    if not np.isfinite(array).all():
        raise ValueError(
            "digit_page needs weights that are finite numbers of float32, and the model has others; train it anew"
        )
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


LAYERS: dict[type[nn.Module], Callable[[Any, Array, list[Operation]], Data]] = {
    nn.Linear: _linear, nn.Conv2d: _conv, nn.BatchNorm1d: _batch_norm, nn.BatchNorm2d: _batch_norm,
    nn.MaxPool2d: _max_pool, nn.AvgPool2d: _avg_pool, nn.AdaptiveAvgPool2d: _adaptive_avg_pool, nn.PReLU: _prelu,
    **dict.fromkeys(
        (nn.Flatten, nn.Dropout, nn.Dropout2d, nn.Identity, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU,
         nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Hardtanh, nn.Softsign, nn.LogSigmoid, nn.Softplus), _plain,
    ),
}  # fmt: skip
