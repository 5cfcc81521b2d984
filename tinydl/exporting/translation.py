"""From a model to the contents of an ONNX file.

The model is run twice (runs.py); each operation that depends on what it is given becomes what its line in the table of
operators says (operators.py), in a graph (graphs.py); what was made is then run and compared with the model.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from ..compiling.tape import CompileError
from ..engine.arrays import Array
from ..engine.checks import array_of, listed
from ..engine.recording import no_grad
from ..engine.tensor import Tensor
from ..nn.module import Module
from ..training import arguments
from ..watching.modes import mode
from .compressed import Compressed
from .followed import is_followed
from .graphs import BUFFER, PARAMETER, Graph, Value, inputs_of, needed, side, text
from .imported import Imported
from .operators import EXCEPTIONS, FLAT_OPERATORS, OF_BOOLEANS, OPERATORS
from .runs import Operation, run
from .steps import Rows

OPSET, IR_VERSION = 18, 10
_SIZES = (2, 3)  # rows of the two runs
_LARGEST = 2**31 - 2**20  # bytes
_REFUSALS = (ValueError, TypeError, IndexError)  # what a model may say of an x that it can't take
_AS_THEY_COME = {"getitem", "take", "cast"}  # which don't compute with their inputs
_OF_SHAPES = {"reshape", "broadcast_to", "conv_input", "lstm"}  # whose options are shapes, in which the batch may be
_FLOATS = ("float32", "float64")


def translated(model: Module, example: Any) -> onnx.ModelProto:
    """The contents of the file of `to_onnx`, run and compared with the model."""
    inputs = _inputs(model, example)
    made = _Export(model, inputs).proto()
    _compare(model, made, inputs)
    return made


# ---- what is given ----


def _inputs(model: Module, example: Any) -> list[Array]:
    """The example as arrays with one number of rows, floats in the dtype of the parameters."""
    given = [arguments.check_inputs(x) for x in (example if isinstance(example, (tuple, list)) else (example,))]
    rows = {len(x) for x in given if x.ndim}
    if len(rows) != 1 or not min(rows) or not all(x.ndim for x in given):
        shapes = listed([str(x.shape) for x in given])
        raise ValueError(f"the example is a batch of at least one row, the same number of each input, not {shapes}")
    if sum(array_of(p).nbytes for _, p in model.named_parameters()) >= _LARGEST:
        raise CompileError("the parameters take more than 2 GB, which is all that an ONNX file of one piece can hold")
    kept = [array_of(p).dtype for _, p in [*model.named_parameters(), *model.named_buffers()]]
    dtypes = {d for d in kept if d.kind == "f"} or {x.dtype for x in given if x.dtype.kind == "f"}
    names = sorted(str(d) for d in dtypes)
    if len(names) > 1 or not set(names) <= set(_FLOATS):
        raise CompileError(
            f"the model has parameters and buffers in {listed(names)}, but a file computes in one of float32 and "
            "float64; make all layers within one `with tl.default_dtype(np.float32):`"
        )
    return [x.astype(names[0]) if x.dtype.kind == "f" else x for x in given]


def _batch(inputs: Sequence[Array], n: int, seed: int, sign: float = 1.0) -> list[Array]:
    """Other rows than those of the example: its numbers in another order, and floats somewhat changed."""
    rng, made = np.random.default_rng(seed), []
    for x in inputs:
        rows = rng.permuted(np.resize(x[:64], (max(n, min(len(x), 64)), *x.shape[1:])), axis=0)[:n]
        if x.dtype.kind != "f" and seed:
            rows = rng.permutation(rows.ravel()).reshape(rows.shape)
        if x.dtype.kind == "f" and seed:
            rows = (sign * rows * (1 + 0.1 * rng.standard_normal(rows.shape))).astype(x.dtype)
        made.append(rows)
    return made


# ---- the graph ----


class _Export:
    """The graph of two runs."""

    def __init__(self, model: Module, inputs: Sequence[Array]) -> None:
        self.model, self.graph = model, Graph()
        named = [*model.named_parameters(), *model.named_buffers()]
        learned = {id(p._data) for _, p in model.named_parameters()}
        self.named = {id(p._data if isinstance(p, Tensor) else p): name for name, p in reversed(named)}
        pruned = [layer for layer in model.modules() if isinstance(layer, Compressed)]
        self.masks = {id(vars(layer).get(f"{name}_mask")) for layer in pruned for name in layer.names} - {id(None)}
        self.values: dict[int, Value] = {}  # by the array of the first run
        batches = [_batch(inputs, n, i) for i, n in enumerate(_SIZES)]
        (given, output, first), (given2, output2, second) = (run(model, batch, learned) for batch in batches)
        self.first, self.second, self.layer = first, second, ""
        self.inputs = [self._input(*pair) for pair in zip(given, given2, self._names(len(given)), strict=True)]
        count = len(_flat(output))
        if not count:
            raise CompileError("the model gives nothing, so there is nothing to write down")
        self.answers = [self.graph.free("y" if count == 1 else f"y_{i}") for i in range(count)]
        self.named = {key: self.graph.free(name) for key, name in self.named.items()}  # before nodes take their names
        if [o.name for o in first.operations] != [o.name for o in second.operations]:
            raise CompileError(
                "the model does something else for other values, or for another number of rows, which a file can't. "
                "Let it depend on len(x) in shapes alone, decide about values by np.where, and give recurrent layers "
                "and attention batch_first=True, so that the first axis is the batch"
            )
        for one, other in zip(first.operations, second.operations, strict=True):
            self._write(one, other)
        self.layer = "the answer"
        self.outputs = [self._output(*pair) for pair in zip(*map(_flat, (output, output2)), strict=True)]

    def _names(self, count: int) -> list[str]:
        """What the inputs are called: as forward's parameters are."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if isinstance(self.model, Imported):
            return self.model.input_names
        own = [name for name, p in inspect.signature(self.model.forward).parameters.items() if p.kind in kinds]
        return [own[i] if i < len(own) else f"x{i}" for i in range(count)]

    def _input(self, one: Array, other: Array, name: str) -> Value:
        value = Value(self.graph.free(name), self._shape(one.shape, other.shape), one.dtype)
        self.graph.rows = self.graph.rows or value.name
        self.values[id(one)] = value
        return value

    def _output(self, one: Any, other: Any) -> Value:
        value = self.value(one, other)
        if value is None or not is_followed(one._data if isinstance(one, Tensor) else one):
            raise CompileError(
                "what the model gives isn't what its operations on x gave: a constant, or an array that was computed "
                "outside of them (argmax, .data and the like); give the Tensor, and do the rest with the answer"
            )
        return value

    # ---- two runs as one ----

    def _shape(self, a: Sequence[int], b: Sequence[int]) -> tuple[Any, ...]:
        if len(a) != len(b):
            raise CompileError(f"{self.layer}: a result has shape {tuple(a)} for 2 rows and {tuple(b)} for 3")
        return tuple(n if n == m else _rows(n, m) for n, m in zip(a, b, strict=True))

    def value(self, a: Any, b: Any) -> Value | None:
        """An input of an operation, as the two runs had it."""
        if a is None and b is None:
            return None
        one, other = self.first.known(a), self.second.known(b)
        if one is not None and other is not None:
            value = self.values[id(one)]
            shape = self._shape(np.shape(array_of(a)), np.shape(array_of(b)))
            return value if shape == value.shape else Value(self.graph.reshaped(value, shape), shape, value.dtype)
        x, y = (v._data if isinstance(v, Tensor) else v for v in (a, b))
        if is_followed(x) or is_followed(y):
            return self._plainly(x, y)
        x, y = map(np.asarray, (x, y))
        if id(array_of(a)) in self.named:
            return self._parameter(array_of(a))
        if (computed := self._of_parameters(array_of(a), array_of(b))) is not None:
            return computed
        if x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes():
            return self.graph.value(x)
        made = self._of_rows(x, y)
        if made is None and not x.ndim:
            raise self._refused(
                f"computes with a number that is {x} for {_SIZES[0]} rows and {y} for {_SIZES[1]}, as len(x) is, and a "
                "file has no such numbers; write x.mean(axis=0) for x.sum(axis=0) / len(x), and the like"
            )
        if made is None:
            raise self._refused(
                f"computes with an array of shape {x.shape} that it makes anew for another number of rows, or of "
                "random numbers, and that would be frozen into the file; make it of x, by NumPy's functions"
            )
        return made

    def _plainly(self, x: Array, y: Array) -> Value:
        """What was computed of x outside of all primitives, by functions that have a line."""
        one: Any = getattr(x, "origin", None)
        other: Any = getattr(y, "origin", None)
        known = one is not None and other is not None and one.name == other.name
        if not known or one.name not in (*OPERATORS, *FLAT_OPERATORS) or len(one.inputs) != len(other.inputs):
            name = one.name if one is not None else self.first.outside.get(id(x), ("",))[0]
            what = f"what {name} gave" if name else f"an array of shape {x.shape}"
            raise self._refused(
                f"computes with {what}, which was made of x in a way that has no operator here; compute with Tensors, "
                "comparisons and np.where, or leave the answer to whoever runs the file"
            )
        layer = self.layer
        self._write(*(Operation(o.name, o.inputs, o.options, v, layer) for o, v in ((one, x), (other, y))))
        self.layer = layer
        return self.values[id(x)]

    def _of_parameters(self, x: Array, y: Array) -> Value | None:
        """What was computed of parameters alone, so that whoever trains the file's model trains them; None if it
        wasn't, or can't be said."""
        one, other = self.first.of_parameters.get(id(x)), self.second.of_parameters.get(id(y))
        if one is None or other is None or one.name != other.name or one.output.dtype.kind != "f":
            return None
        if one.name == "where" and id(one.inputs[0]) in self.masks and np.array_equal(array_of(one.inputs[1]), x):
            return self._parameter(array_of(one.inputs[1]))  # a pruned weight, which is 0 where its mask hides it
        if id(x) not in self.values:
            layer = self.layer
            try:
                self._write(one, other)
            except CompileError:
                return None
            finally:
                self.layer = layer
            if x.shape == y.shape:  # its array, for lines that want a constant
                self.values[id(x)] = replace(self.values[id(x)], array=x)
        return self.values[id(x)]

    def _parameter(self, array: Array) -> Value:
        if id(array) not in self.values:
            made = self.named[id(array)]
            self.graph.keep(made, array, PARAMETER if id(array) in self.first.learned else BUFFER)
            self.values[id(array)] = Value(made, array.shape, array.dtype, array)
        return self.values[id(array)]

    def _of_rows(self, x: Array, y: Array) -> Value | None:
        """A constant that has something for each row: the same for all, or their numbers."""
        if x.dtype != y.dtype or x.ndim != y.ndim or not x.size:
            return None
        shape = self._shape(x.shape, y.shape)
        grows = [i for i, d in enumerate(shape) if isinstance(d, Rows)]
        if x.dtype.kind in "iu" and shape == (Rows(1, 0),) and (y == np.arange(len(y))).all() and len(x) == 2:
            n = self.graph.Squeeze(self.graph.dims(shape))
            numbers = self.graph.Range(self.graph.constant(np.asarray(0)), n, self.graph.constant(np.asarray(1)))
            return Value(numbers, shape, np.dtype(np.int64))
        part = x[tuple(slice(0, 1) if i in grows else slice(None) for i in range(x.ndim))]
        if len(grows) != 1 or not all((v == part).all() for v in (x, y)):
            return None
        return self.graph.spread(part, shape)

    def option(self, a: Any, b: Any) -> Any:
        """An option of an operation, as the two runs had it."""
        if isinstance(a, (Tensor, np.ndarray)):
            if is_followed(array_of(a)) or not isinstance(b, np.ndarray):
                return self.value(a, b)
            same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            return a if same else self.value(a, b)
        if type(a) is not type(b):
            raise self._refused("has other options for another batch")
        if isinstance(a, (tuple, list)):
            if len(a) != len(b):
                raise self._refused("has other options for another batch")
            items = [self.option(x, y) for x, y in zip(a, b, strict=True)]
            return type(a)(*items) if hasattr(a, "_fields") else type(a)(items)
        if isinstance(a, slice):
            return slice(*(self.option(getattr(a, k), getattr(b, k)) for k in ("start", "stop", "step")))
        if a is b or a == b or repr(a) == repr(b):
            return a
        if isinstance(a, (int, np.integer)):
            return _rows(int(a), int(b))
        raise self._refused(f"has an option that is {a!r:.40} for one batch and {b!r:.40} for another")

    def _refused(self, what: str) -> CompileError:
        return CompileError(f"{self.layer}: the model {what}")

    # ---- operations ----

    def _write(self, one: Operation, other: Operation) -> None:
        name, o = one.name, self.graph
        self.layer = f"{one.layer}, {name}" if one.layer else name
        line = OPERATORS.get(name) or FLAT_OPERATORS.get(name)
        if line is None:
            why = EXCEPTIONS.get(name, "it is an operation of your own, which ONNX doesn't know")
            raise CompileError(f"{self.layer} can't be exported: {why}")
        if len(one.inputs) != len(other.inputs) or one.options.keys() != other.options.keys():
            raise self._refused("takes other inputs for another batch")
        inputs = [self.value(a, b) for a, b in zip(one.inputs, other.inputs, strict=True)]
        options = {key: self.option(a, other.options[key]) for key, a in one.options.items()}
        if name not in _OF_SHAPES and _has_rows(list(options.values())):
            raise self._refused(
                "takes an index or another option that depends on the number of rows; count from the end, as in x[-1], "
                "or leave it open, as in x[1:]"
            )
        shape = self._shape(one.output.shape, other.output.shape)
        if sum(isinstance(d, Rows) for d in shape) > 1:
            raise self._refused(
                f"makes an array of shape {text(shape)}, of which two axes grow with the number n of rows; a file has "
                "one free axis, the batch"
            )
        o.dtype, o.out = self._dtype(one, inputs), Value("", shape, one.output.dtype)
        if name not in _AS_THEY_COME:
            inputs = [
                x if x is None or (name == "where" and not i) else o.cast(x, o.dtype) for i, x in enumerate(inputs)
            ]
        try:
            made = line(o, *inputs, **options)
        except (CompileError, ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise CompileError(f"{self.layer} can't be exported: {error}") from error
        pieces = tuple(x for x in inputs if x is not None) if name == "concatenate" and len(shape) == 1 else ()
        self.values[id(one.output)] = Value(made, shape, one.output.dtype, None, pieces)

    def _dtype(self, one: Operation, inputs: Sequence[Value | None]) -> np.dtype[Any]:
        """The dtype in which an operation computes. CompileError where NumPy would have to widen floats for it."""
        if one.name in FLAT_OPERATORS or one.name in OF_BOOLEANS:
            numbers = [x if isinstance(x, (bool, int, float)) else array_of(x).dtype for x in one.inputs]
            return np.dtype(bool) if one.name.startswith("logical") else np.result_type(*numbers)
        floats = {x.dtype for x in inputs if x is not None and x.dtype.kind == "f" and x.array is None}
        made: np.dtype[Any] = one.output.dtype
        if one.name not in ("cast", "getitem", "take") and (
            len(floats) > 1 or (floats and made.kind == "f" and made not in floats)
        ):
            names = listed(sorted({str(d) for d in (*floats, made)}))
            raise self._refused(
                f"computes in {names} at once, but a file doesn't widen numbers by itself. Numbers of NumPy's, such as "
                "np.sqrt(64), and np.where(m, 1.0, 0.0) are of float64: write math.sqrt(64), or float(…), and bring "
                "arrays to one dtype by .astype"
            )
        return made

    # ---- the file ----

    def proto(self) -> onnx.ModelProto:
        """The file's contents. CompileError where onnx finds a fault in it."""
        o, names = self.graph, self.answers
        ends = [helper.make_node("Identity", [v.name], [name]) for v, name in zip(self.outputs, names, strict=True)]
        nodes = needed([*o.nodes, *ends], names)
        used = {name for node in nodes for name in inputs_of(node)}
        made = helper.make_graph(
            nodes,
            type(self.model).__name__,
            [_declared(x.name, x) for x in self.inputs],
            [_declared(name, v) for name, v in zip(names, self.outputs, strict=True)],
            [tensor for name, tensor in o.initializers.items() if name in used],
        )
        from .. import __version__

        opset = [helper.make_opsetid("", OPSET)]
        proto = helper.make_model(made, opset_imports=opset, producer_name="tinydl", producer_version=__version__)
        proto.ir_version = IR_VERSION
        try:
            onnx.checker.check_model(proto, full_check=True)
        except Exception as error:
            said = " ".join(str(error).split())
            raise CompileError(
                "onnx refuses the file that would be written, perhaps since an operation is computed with a dtype that "
                f"ONNX hasn't for it, such as a comparison of booleans; use floats, or int64. It says: {said:.300}"
            ) from error
        return proto


def _flat(output: Any) -> list[Any]:
    if isinstance(output, (tuple, list)):
        return [x for item in output for x in _flat(item)]
    if isinstance(output, dict):
        return _flat(list(output.values()))
    return [] if output is None else [output]


def _rows(a: int, b: int) -> Rows:
    """A number that is a for the rows of the first run and b for those of the second."""
    times = (b - a) // (_SIZES[1] - _SIZES[0])
    return Rows(times, a - times * _SIZES[0])


def _has_rows(x: Any) -> bool:
    if isinstance(x, slice):
        return _has_rows([x.start, x.stop, x.step])
    return isinstance(x, Rows) or (isinstance(x, (tuple, list)) and any(map(_has_rows, x)))


def _declared(name: str, v: Value) -> onnx.ValueInfoProto:
    sides = ["batch" if d == Rows(1, 0) else side(d) if isinstance(d, Rows) else d for d in v.shape]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), sides)


# ---- what was written ----


def _compare(model: Module, proto: onnx.ModelProto, inputs: Sequence[Array]) -> None:
    """Run what was written on other batches than those it was made of. CompileError where it gives other numbers."""
    run_it = _runner(proto)
    names = [x.name for x in proto.graph.input]
    many = max(7, min(len(inputs[0]), 32))
    for n, seed, sign in ((many, 2, 1.0), (4, 3, -1.0), (1, 4, 1.0)):
        batch = _batch(inputs, n, seed, sign)
        with np.errstate(all="ignore"):
            try:
                expected = [array_of(x) for x in _flat(_answer(model, batch))]
            except _REFUSALS:
                continue  # what the model refuses
            made = run_it(dict(zip(names, batch, strict=True)))
            for ours, theirs in zip(expected, made, strict=True):
                if not _agree(ours, np.asarray(theirs)):
                    raise CompileError(
                        f"the file would not give what the model gives for {n} other rows, so nothing was written. "
                        "Does forward decide by values or by the number of rows, or read what isn't its own? Otherwise "
                        "this is an error of tinydl: please report it with the model"
                    )


def _runner(proto: onnx.ModelProto) -> Any:
    """onnxruntime, if it is installed and has all operators, which is quicker; else onnx's own evaluator."""
    try:
        import onnxruntime

        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 4
        session = onnxruntime.InferenceSession(proto.SerializeToString(), quiet, providers=["CPUExecutionProvider"])
        return lambda feed: session.run(None, feed)
    except Exception:  # whatever it doesn't know how to run
        evaluator = ReferenceEvaluator(proto)
        return lambda feed: evaluator.run(None, feed)


def _answer(model: Module, batch: Sequence[Array]) -> Any:
    with mode(model, False), no_grad():
        return model(*(x.copy() for x in batch))


def _agree(ours: Array, theirs: Array) -> bool:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.dtype.kind != "f":
        return bool((ours == theirs).all())
    finite = np.isfinite(ours) & np.isfinite(theirs)
    size = float(np.abs(ours[finite]).max(initial=0))
    near = np.abs(ours - theirs) <= (1e-4 if ours.dtype == np.float32 else 1e-9) * (size + 1e-6)
    return bool((near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).all())
