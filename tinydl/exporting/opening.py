"""From the bytes of an ONNX file to the model that it is: read, checked, and only then made.

A file may come from anywhere, so nothing in it is believed: what it declares is compared with what it holds before any
array is made, and every node with what ONNX says of its operator. Read imported.py next, which is what comes out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, defs, numpy_helper

from ..engine.arrays import Array
from ..engine.checks import listed
from .graphs import BUFFER, PARAMETER
from .hearing import along
from .imported import Body, Declared, Imported, Step
from .importing import INNER, LINES, NOT_LEARNED, ONE_OUTPUT, SETTINGS

_OPSETS = range(13, 21)
_LARGEST = 2**31 - 1  # bytes, of a file in one piece
_HUGE = 1e9  # a number that stands for infinity, as in masks
_WIDENED = {TensorProto.FLOAT16, TensorProto.BFLOAT16}
_DTYPES: dict[int, np.dtype[Any]] = {
    getattr(TensorProto, name.upper()): np.dtype(name)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "double")
    if name != "float32"
} | {n: np.dtype(np.float32) for n in (TensorProto.FLOAT, *_WIDENED)}  # what is narrower is read as float32
_FIELDS = {TensorProto.FLOAT: "float_data", TensorProto.DOUBLE: "double_data", TensorProto.INT64: "int64_data",
           TensorProto.UINT32: "uint64_data", TensorProto.UINT64: "uint64_data"}  # fmt: skip
_ON_GRID = 127


def opened(path: Path) -> Imported:
    """The model in a file. Raises ValueError for what can't be read, with all reasons that can be told at once."""
    try:
        return _Opening(_proto(path), path.parent).model()
    except RecursionError:
        raise ValueError("its graphs lie within each other too deep") from None


def _proto(path: Path) -> Any:
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"it has {size} bytes, and an ONNX file in one piece has at most 2 GB")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except Exception as error:  # of which class depends on protobuf's version
        raise ValueError("it is damaged, or no ONNX file") from error
    if not proto.HasField("graph") or not proto.graph.node:
        raise ValueError("it holds no graph of nodes, so it is damaged, or no ONNX file")
    if not all(isinstance(name, str) for name in _all_names(proto.graph)):
        raise ValueError("it is damaged: a name in it is no text")
    return proto


def _all_names(graph: Any) -> Iterator[Any]:
    """All names in a graph, which protobuf gives as bytes where they are no text."""
    yield from (x.name for x in (*graph.initializer, *graph.input, *graph.output))
    for node in graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        for a in node.attribute:
            yield a.name
            if a.type == AttributeProto.GRAPH:
                yield from _all_names(a.g)


# ---- arrays ----


def _array(tensor: Any, what: str, folder: Path | None = None) -> Array:
    """An array of the file, or of one beside it in this folder, whose bytes are as many as it declares."""
    dtype, dims = _DTYPES.get(tensor.data_type), list(tensor.dims)
    if dtype is None or tensor.HasField("segment"):
        raise ValueError(f"{what} is of {_type_name(tensor.data_type)}, which isn't taken")
    count, width = math.prod(dims), 2 if tensor.data_type in _WIDENED else dtype.itemsize
    if min(dims, default=0) < 0 or len(dims) > 32:
        raise ValueError(f"{what} declares the shape {tuple(dims)}")
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        _fetch(tensor, what, folder, count * width)
    if tensor.HasField("raw_data"):
        held, wanted = len(tensor.raw_data), count * width
    else:
        held, wanted = len(getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data"))), count
    if held != wanted:
        raise ValueError(f"{what} declares the shape {tuple(dims)}, but holds something else; the file is damaged")
    return np.array(numpy_helper.to_array(tensor), dtype)


def _fetch(tensor: Any, what: str, folder: Path | None, size: int) -> None:
    """Put the bytes of an array that lie in another file into it: of a file beside this one, and of no other."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    name = said.get("location", "")
    beside = folder is not None and isinstance(name, str) and Path(name).name == name and "\\" not in name
    if folder is None or not beside or not name.strip(".") or (folder / name).is_symlink():
        raise ValueError(f"{what} lies in another file, {name!r}, and only such as lie in the same folder are read")
    source = folder / name
    if not source.is_file():
        raise ValueError(f"{what} lies in another file, {name!r}, which isn't beside it: the two belong together")
    numbers = [said.get("offset", "0"), said.get("length", str(size))]
    offset, length = (int(n) if isinstance(n, str) and n.isascii() and n.isdigit() else -1 for n in numbers)
    if offset < 0 or length != size or offset + length > source.stat().st_size:
        raise ValueError(f"{what} doesn't fit what {name!r} holds; one of the files is damaged")
    with open(source, "rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _type_name(number: int) -> str:
    return str(TensorProto.DataType.Name(number)) if number in TensorProto.DataType.values() else f"type {number}"


# ---- the graph ----


class _Opening:
    """The file as it is read."""

    def __init__(self, proto: Any, folder: Path) -> None:
        self.proto, self.graph = proto, proto.graph
        self.opset = self._opset()
        self._refuse_unknown()
        self.arrays: dict[str, Array] = {}
        self.said: dict[str, str] = {}  # what the file says an array is, where tinydl wrote it
        for tensor in self.graph.initializer:
            if tensor.name in self.arrays or not tensor.name:
                raise ValueError(f"two of its arrays are called {tensor.name!r}, or one isn't called anything")
            self.arrays[tensor.name] = _array(tensor, f"the array {tensor.name!r}", folder)
            self.said[tensor.name] = tensor.doc_string
        self.of_tinydl = self.proto.producer_name == "tinydl" and PARAMETER in self.said.values()
        self.constants: dict[str, Array] = {}  # of nodes
        self.names = set(_all_names(self.graph))
        self.weights: dict[tuple[Any, ...], str] = {}  # the name of what whole numbers are, by how they are scaled
        self.inputs = [_declared(v) for v in self.graph.input if v.name not in self.arrays]
        self.outputs = [v.name for v in self.graph.output]
        if not self.inputs or not self.outputs:
            raise ValueError("its graph has no inputs or no outputs")

    def _opset(self) -> int:
        found = [s.version for s in self.proto.opset_import if s.domain in ("", "ai.onnx")]
        if len(found) != 1 or found[0] not in _OPSETS:
            said = listed([str(v) for v in found]) if found else "none"
            raise ValueError(
                f"its opset is {said}; {_OPSETS[0]} to {_OPSETS[-1]} are read: write "
                "onnx.version_converter.convert_version(onnx.load(path), 18)"
            )
        return int(found[0])

    def _refuse_unknown(self) -> None:
        """ValueError with the names of all operators that have no line."""
        if self.proto.functions:
            raise ValueError("it has functions of its own; write onnx.inliner.inline_local_functions(onnx.load(path))")
        if self.graph.sparse_initializer:
            raise ValueError("it has sparse arrays, which aren't taken")
        known = {*LINES, "Constant"} - INNER
        unknown = Counter(
            node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
            for node in _all_nodes(self.graph)
            if node.op_type not in known or node.domain not in ("", "ai.onnx")
        )
        if unknown:
            raise ValueError(f"it has operators that have no line in tinydl: {', '.join(sorted(map(repr, unknown)))}")

    def model(self) -> Imported:
        """The whole of it."""
        steps = self._steps(self.graph, {*self.arrays, *(x.name for x in self.inputs)}, self.outputs)
        self._check_types()
        steps = _without_unused(steps, self.outputs)
        steps = self._on_grids(steps)
        uses = dict(_uses(steps))
        roles = {name: self._role(name, array, uses[name]) for name, array in self.arrays.items() if name in uses}
        roles |= {name: "" for name in self.outputs if name in self.arrays and name not in roles}
        kept = {role: {n: self.arrays[n] for n, r in roles.items() if r == role} for role in (PARAMETER, BUFFER, "")}
        return Imported(
            self.inputs,
            self.outputs,
            _with_last(steps, {*self.outputs, *self.arrays, *self.constants}),
            kept[PARAMETER],
            kept[BUFFER],
            kept[""] | {name: array for name, array in self.constants.items() if name in uses or name in self.outputs},
            _DTYPES,
        )

    def _role(self, name: str, array: Array, uses: set[tuple[str, int]]) -> str:
        """Whether it is a parameter, a buffer or a constant: as tinydl wrote, or by what it is used for."""
        if self.of_tinydl:
            return self.said[name] if self.said[name] in (PARAMETER, BUFFER) else ""
        if ("BatchNormalization", 3) in uses or ("BatchNormalization", 4) in uses:
            return BUFFER
        learned = any(place not in NOT_LEARNED.get(operator, ()) for operator, place in uses)
        if array.dtype.kind != "f" or not array.ndim or not array.size or not learned:
            return ""
        return PARAMETER if bool((np.abs(array) < _HUGE).all()) else ""

    # ---- nodes ----

    def _steps(self, graph: Any, known: set[str], outputs: Sequence[str], inner: bool = False) -> list[Step]:
        """The nodes of a graph, each of which takes what is known before it; `inner` is one within a node."""
        known, steps = set(known), []
        for node in graph.node:
            for name in node.input:
                if name and name not in known:
                    raise ValueError(
                        f"its node {node.op_type} takes {name!r}, which nothing before it makes: something is missing, "
                        "or goes round in a circle"
                    )
            if again := [name for name in node.output if name and name in known]:
                raise ValueError(f"{again[0]!r} is made twice in it")
            if not node.output or not node.output[0]:
                raise ValueError(f"its node {node.op_type} makes nothing")
            step = self._step(node, known)
            known.update(filter(None, node.output))
            if step.operator == "Fixed" and not inner:
                self.constants[step.outputs[0]] = step.attributes["value"]
            else:
                steps.append(step)
        if missing := [name for name in outputs if name not in known]:
            raise ValueError(f"nothing in it makes its output {missing[0]!r}")
        return steps

    def _step(self, node: Any, known: set[str]) -> Step:
        attributes = {a.name: self._attribute(a, node, known) for a in node.attribute}
        self._check(node, attributes)
        if node.op_type == "Constant":
            ((name, value),) = attributes.items()
            return _fixed(node.output[0], np.asarray(value, np.float32 if "float" in name else None))
        if node.op_type == "Scan" and attributes.keys() == {"body", "num_scan_inputs"}:
            weight = _weight_of_lstm(attributes["body"], self.arrays)
            if weight and len(node.input) == 3 and len(node.output) == 4 and attributes["num_scan_inputs"] == 1:
                return Step("LstmSteps", (*node.input, weight), tuple(node.output), {})
        attributes = {k: v for k, v in attributes.items() if (node.op_type, k) not in SETTINGS or k == "activations"}
        return Step(node.op_type, tuple(node.input), tuple(node.output), attributes)

    def _attribute(self, a: Any, node: Any, known: set[str]) -> Any:
        what = f"the attribute {a.name} of its node {node.op_type}"
        if a.ref_attr_name:
            raise ValueError(f"{what} is one of a function's")
        if a.type == AttributeProto.TENSOR:
            return _array(a.t, what)
        if a.type == AttributeProto.GRAPH:
            return self._body(a.g, known)
        plain = {AttributeProto.FLOAT: float(a.f), AttributeProto.INT: int(a.i), AttributeProto.FLOATS: tuple(a.floats),
                 AttributeProto.INTS: tuple(a.ints)}  # fmt: skip
        if a.type in plain:
            return plain[a.type]
        try:
            if a.type == AttributeProto.STRING:
                return a.s.decode()
            if a.type == AttributeProto.STRINGS:
                return tuple(s.decode() for s in a.strings)
        except UnicodeDecodeError:
            raise ValueError(f"{what} is no text") from None
        raise ValueError(f"{what} is of a kind that isn't taken")

    def _body(self, graph: Any, known: set[str]) -> Body:
        """A graph within a node; its arrays become constants."""
        fixed = [_fixed(t.name, _array(t, f"the array {t.name!r} within a node")) for t in graph.initializer]
        inputs, outputs = tuple(v.name for v in graph.input), tuple(v.name for v in graph.output)
        own = [*inputs, *(step.outputs[0] for step in fixed)]
        if len({*own}) < len(own) or "" in own or known & {*own}:
            raise ValueError("what stands in a graph within a node is called as something else is")
        steps = self._steps(graph, known | {*own}, outputs, inner=True)
        return Body(inputs, (*fixed, *steps), outputs)

    def _check(self, node: Any, attributes: dict[str, Any]) -> None:
        """What ONNX says of an operator: how many inputs, and which attributes."""
        kind = node.op_type
        if not defs.has(kind, self.opset, ""):
            raise ValueError(f"there is no operator {kind} in opset {self.opset}")
        schema: Any = defs.get_schema(kind, self.opset, "")
        if not schema.min_input <= len(node.input) <= schema.max_input:
            raise ValueError(f"its node {kind} has {len(node.input)} inputs, which it can't")
        if len(node.output) > schema.max_output or (kind in ONE_OUTPUT and any(list(node.output)[1:])):
            raise ValueError(f"its node {kind} has {len(node.output)} outputs, which isn't taken")
        for i, name in enumerate(node.input):
            formal = schema.inputs[min(i, len(schema.inputs) - 1)]
            if not name and formal.option == defs.OpSchema.FormalParameterOption.Single:
                raise ValueError(f"its node {kind} lacks its input {formal.name}")
        if len({a.name for a in node.attribute}) < len(node.attribute):
            raise ValueError(f"its node {kind} has an attribute twice")
        for a in node.attribute:
            declared = schema.attributes.get(a.name)
            if declared is None or declared.type.value != a.type:
                raise ValueError(f"its node {kind} has an attribute {a.name} that ONNX doesn't know so")
            says_nothing = SETTINGS.get((kind, a.name))
            if says_nothing is not None and not says_nothing(attributes[a.name]):
                raise ValueError(f"its node {kind} has {a.name}={attributes[a.name]!r}, which isn't taken")
            if says_nothing is None and kind in _STRICT and a.name not in _STRICT[kind]:
                raise ValueError(f"its node {kind} has {a.name}, which isn't taken")
        for name, declared in schema.attributes.items():
            if declared.required and name not in attributes:
                raise ValueError(f"its node {kind} lacks its {name}")
        if kind == "GatherND" and attributes.get("batch_dims"):  # of which onnx's own checks may crash
            raise ValueError(f"its node {kind} has batch_dims={attributes['batch_dims']}, which isn't taken")
        if kind == "Constant" and (len(attributes) != 1 or {*attributes} & {"sparse_value", *_TEXTS}):
            raise ValueError("a constant in it isn't one of numbers")

    def _check_types(self) -> None:
        """What onnx finds wrong: above all dtypes and shapes that don't fit each other."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self.proto)
        del copy.graph.value_info[:]
        for output in copy.graph.output:
            output.type.tensor_type.ClearField("shape")
        try:
            onnx.shape_inference.infer_shapes(copy, check_type=True, strict_mode=True)
        except Exception as error:
            raise ValueError(f"onnx finds fault with it: {' '.join(str(error).split()):.300}") from error

    # ---- weights of few bits ----

    def _on_grids(self, steps: Sequence[Step]) -> list[Step]:
        """Arrays of whole numbers that are only scaled become weights of floats, where their zero is 0 seen through
        the grid on which they were."""
        uses, made = dict(_uses(steps)), list[Step]()
        takers: dict[str, list[Step]] = {}
        for step in steps:
            for taken in _taken(step):
                takers.setdefault(taken, []).append(step)

        def only_scaled(name: str) -> bool:
            return all(use == ("DequantizeLinear", 0) or use[0] == "Cast" for use in uses.get(name, ()))

        casts: dict[str, str] = {}  # what is made of an array by a cast alone, as float64 has it
        for step in steps:
            if step.operator == "Cast" and self._is_small(step.inputs[0]) and only_scaled(step.inputs[0]):
                after = [] if step.outputs[0] in self.outputs else takers.get(step.outputs[0], [])
                if len(after) == 1 and after[0].operator == "Mul" and after[0].inputs[1] in self.arrays:
                    casts[step.outputs[0]] = step.inputs[0]
        for step in steps:
            name = casts.get(step.inputs[0], step.inputs[0]) if step.inputs else ""
            if step.outputs[0] in casts:
                continue
            scaled = step.operator == "DequantizeLinear" or (step.operator == "Mul" and step.inputs[0] in casts)
            if not scaled or not only_scaled(name) or not all(x in self.arrays for x in (name, *step.inputs[1:])):
                made.append(step)
                continue
            made.append(self._scaled(step, name, len(takers[name]) == 1 and name not in self.outputs))
        return made

    def _is_small(self, name: str) -> bool:
        return name in self.arrays and self.arrays[name].dtype in (np.int8, np.uint8)

    def _scaled(self, step: Step, name: str, only: bool) -> Step:
        """A step that scales whole numbers, as one that takes the weight that they are."""
        numbers, scale = self.arrays[name], self.arrays[step.inputs[1]]
        zero = self.arrays[step.inputs[2]] if len(step.inputs) > 2 else np.zeros((), numbers.dtype)
        wide, shift, axis = scale, zero, 0
        if step.operator == "DequantizeLinear":
            axis = step.attributes.get("axis", 1)
            if max(scale.ndim, zero.ndim) == 1 and max(scale.size, zero.size) > 1:
                if not -numbers.ndim <= axis < numbers.ndim:
                    raise ValueError(f"{name!r} of shape {numbers.shape} has no axis {axis} to be scaled along")
                wide, shift = along(scale, numbers, axis), along(zero, numbers, axis)
        how = (name, step.operator, *step.inputs[1:], axis)
        if how not in self.weights:
            self.weights[how] = called = self._free(name, only)
            self.arrays[called] = ((numbers.astype(scale.dtype) - shift.astype(scale.dtype)) * wide).astype(scale.dtype)
            self.said[called] = PARAMETER
        called, most = self.weights[how], int(np.abs(numbers.astype(np.int64)).max(initial=0))
        on_grid = numbers.dtype == np.int8 and most <= _ON_GRID and not shift.any() and bool(np.all(scale))
        if not on_grid or (wide.ndim not in (0, numbers.ndim) and wide.size > 1):
            return Step("Identity", (called,), step.outputs, {})
        return Step(
            "OnGrid", (called, step.inputs[1]), step.outputs, {"axis": axis, "most": 2 ** most.bit_length() - 1}
        )

    def _free(self, name: str, only: bool) -> str:
        """What the weight is called that stands in the file as these whole numbers: as nothing else that is left."""
        called = name.removesuffix("_int8").removesuffix("_quantized") or name
        while (called in self.names or called in self.arrays) and not (only and called == name):
            called += "_"
        return called


def _weight_of_lstm(body: Body, arrays: dict[str, Array]) -> str:
    """What multiplies h in each step, if this graph is the step of an LSTM as layers.py writes it; else ""."""
    if len(body.inputs) != 3 or len(body.steps) != len(_LSTM) or body.steps[0].operator != "MatMul":
        return ""
    weight = body.steps[0].inputs[1]
    names = {**dict(zip(body.inputs, "hca", strict=True)), weight: "w"}
    names |= {step.outputs[0]: str(i) for i, step in enumerate(body.steps)}
    first = arrays.get(body.steps[2].inputs[2]) if len(body.steps[2].inputs) > 2 else None
    n = int(first[0]) if first is not None and first.shape == (1,) and first.dtype == np.int64 else 0
    numbers = {(k * n,): f"{k}n" for k in range(2, 5)} | {(0,): "0n", (1,): "1"} | {(n,): "n"}
    if n < 2:  # of a single unit the axis, 1, and the end can't be told apart
        return ""
    said = []
    for step in body.steps:
        held = [tuple(arrays[x].ravel().tolist()) if x in arrays else () for x in step.inputs]
        given = [names.get(x) or numbers.get(value, "?") for x, value in zip(step.inputs, held, strict=True)]
        said.append(f"{step.operator} {' '.join(given)}{' +' * bool(step.attributes)}")
    ends = [names.get(x, "?") for x in body.outputs]
    return weight if said == _LSTM and ends == ["15", "16", "17", "18"] and weight not in body.inputs else ""


_LSTM = [
    "MatMul h w", "Add 0 a", "Slice 1 0n n 1", "Slice 1 n 2n 1", "Slice 1 2n 3n 1", "Slice 1 3n 4n 1",
    "Sigmoid 3", "Mul 6 c", "Sigmoid 2", "Tanh 4", "Mul 8 9", "Add 7 10", "Sigmoid 5", "Tanh 11", "Mul 12 13",
    "Identity 14", "Identity 11", "Identity 14", "Identity 11",
]  # fmt: skip
_TEXTS = {"value_string", "value_strings"}
_STRICT = {  # operators some of whose attributes no line reads → those that are
    "LSTM": {"direction", "hidden_size", "layout"},
    "GRU": {"direction", "hidden_size", "layout", "linear_before_reset"},
    "RNN": {"direction", "hidden_size", "layout"},
    "DequantizeLinear": {"axis"}, "QuantizeLinear": {"axis"},
}  # fmt: skip


def _fixed(name: str, array: Array) -> Step:
    return Step("Fixed", (), (name,), {"value": array})


def _declared(value: Any) -> Declared:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or kind.elem_type not in _DTYPES:
        raise ValueError(f"its input {value.name!r} is no array of numbers")
    shape = None
    if kind.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "any" for d in kind.shape.dim)
    return Declared(value.name, _DTYPES[kind.elem_type], shape)


def _all_nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for a in node.attribute:
            if a.type == AttributeProto.GRAPH:
                yield from _all_nodes(a.g)


def _taken(step: Step) -> set[str]:
    """What a step takes, also by the graphs within it."""
    bodies = [v for v in step.attributes.values() if isinstance(v, Body)]
    inner = [name for body in bodies for name in (*body.outputs, *(n for s in body.steps for n in _taken(s)))]
    return {*filter(None, step.inputs), *inner}


def _uses(steps: Iterable[Step]) -> Iterator[tuple[str, set[tuple[str, int]]]]:
    """For each name, as what inputs it is taken, of which operators."""
    found: dict[str, set[tuple[str, int]]] = {}
    todo = list(steps)
    while todo:
        step = todo.pop()
        for i, name in enumerate(step.inputs):
            found.setdefault(name, set()).add((step.operator, i))
        for body in (v for v in step.attributes.values() if isinstance(v, Body)):
            todo += body.steps
            for name in body.outputs:
                found.setdefault(name, set()).add(("", 0))
    return iter(found.items())


def _without_unused(steps: Sequence[Step], outputs: Sequence[str]) -> list[Step]:
    """Those on which the outputs depend, of whose outputs those that nobody takes have no name."""
    wanted, kept = set(outputs), list[Step]()
    for step in reversed(steps):
        if wanted.intersection(step.outputs):
            named = tuple(name if name in wanted else "" for name in step.outputs)
            kept.append(Step(step.operator, step.inputs, named, step.attributes))
            wanted |= _taken(step)
    return kept[::-1]


def _with_last(steps: Sequence[Step], needed: set[str]) -> list[Step]:
    """The steps, each knowing what nobody wants after it."""
    seen, made = set(needed), list[Step]()
    for step in reversed(steps):
        last = ({*_taken(step), *step.outputs} - seen) - {""}
        seen |= last
        made.append(Step(step.operator, step.inputs, step.outputs, step.attributes, tuple(sorted(last))))
    return made[::-1]
