"""ONNX files read as models: each operator against onnx's evaluator, round trips, others' files, damaged ones."""

import copy
import pickle
import subprocess
import sys
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from test_onnx import MODELS, TwoInputs, answers, batch, session_of, trained

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.exporting import opening
from tinydl.exporting.importing import INNER, LINES

F32, I64 = np.float32, np.int64


# ---- each operator ----


def one_node(operator, arrays, attributes, opset, fixed=(), outputs=("y",)):
    """The file of one node, of which the arrays are inputs, or, at these places, arrays in the file."""
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(arrays)]
    node = helper.make_node(operator, names, list(outputs), **attributes)
    given = {n: a for i, (n, a) in enumerate(zip(names, arrays, strict=True)) if n and i not in fixed}
    held = [numpy_helper.from_array(arrays[i], names[i]) for i in fixed if arrays[i] is not None]
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, kind(a.dtype), a.shape) for n, a in given.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs if name],
        held,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = 8
    inferred = onnx.shape_inference.infer_shapes(proto)
    return inferred, given


def read(proto, folder, name="m.onnx"):
    onnx.save(proto, folder / name)
    return tl.from_onnx(folder / name)


def floats(rng, *shape):
    return rng.normal(size=shape).astype(F32)


def ints(*values):
    return np.array(values, I64)


def picks(rng, *choices):
    return choices[rng.integers(len(choices))]


def unary(low=-2.0, high=2.0, **attributes):
    return lambda rng, opset: (
        [rng.uniform(low, high, (2, 3)).astype(F32)],
        {k: float(rng.uniform(*v)) for k, v in attributes.items()},
    )


def binary(dtype=F32, low=-3.0, high=3.0):
    def draw(rng, opset):
        shapes = picks(rng, ((2, 3), (3,)), ((2, 3), (2, 3)), ((), (2, 2)), ((2, 1), (1, 3)))
        return [rng.uniform(low, high, s).astype(dtype) for s in shapes], {}

    return draw


def truths(n):
    return lambda rng, opset: ([rng.random((2, 3)) > 0.5 for _ in range(n)], {})


def several(rng, opset):
    return [floats(rng, 2, 3) for _ in range(rng.integers(1, 4))], {}


def reduced(rng, opset, of_18=18):
    axes = picks(rng, None, [0], [-1], [0, 2], [1, 2])
    attributes = {"keepdims": int(rng.integers(2))} if rng.integers(2) else {}
    x = rng.uniform(0.5, 2, (2, 3, 4)).astype(F32)
    if opset >= of_18:
        attributes |= {"noop_with_empty_axes": 1} if rng.integers(3) == 0 and (axes or of_18 == 13) else {}
        return [x, *([] if axes is None else [ints(*axes)])], attributes
    return [x], attributes | ({} if axes is None else {"axes": axes})


def windows(rng, opset, pooled=False):
    axes = int(rng.integers(1, 4)) if not pooled else int(rng.integers(1, 3))
    kernel = [int(k) for k in rng.integers(1, 4, axes)]
    attributes = {"kernel_shape": kernel}
    how = picks(rng, "pads", "pads", "nothing", "SAME_UPPER", "SAME_LOWER", "VALID")
    if how == "pads":
        attributes["pads"] = [int(rng.integers(0, k if not pooled else max(k // 2, 0) + 1)) for k in kernel * 2]
    elif how != "nothing":
        attributes["auto_pad"] = how
    if rng.integers(2):
        attributes["strides"] = [int(rng.integers(1, 1 + (min(k, 3) if pooled else 3))) for k in kernel]
    sizes = [int(n) for n in rng.integers(5, 8, axes)]
    return axes, kernel, sizes, attributes


def conv(rng, opset):
    axes, kernel, sizes, attributes = windows(rng, opset)
    group = int(rng.integers(1, 3))
    if "auto_pad" not in attributes and rng.integers(2):
        attributes["dilations"] = [int(d) for d in rng.integers(1, 3, axes)]
    bias = [floats(rng, 2 * group)] if rng.integers(2) else []
    x, w = floats(rng, 2, 3 * group, *sizes), floats(rng, 2 * group, 3, *kernel)
    return [x, w, *bias], attributes | {"group": group}


def conv_back(rng, opset):
    axes = int(rng.integers(1, 3))
    kernel = [int(k) for k in rng.integers(2, 4, axes)]
    stride = [int(rng.integers(1, k + 1)) for k in kernel]
    group, attributes = int(rng.integers(1, 3)), {"strides": stride}
    how = picks(rng, "pads", "output_padding", "output_shape", "SAME_UPPER", "nothing")
    sizes = [int(n) for n in rng.integers(3, 6, axes)]
    if how == "pads":
        attributes |= {
            "pads": [int(rng.integers(0, 2)) for _ in kernel * 2],
            "dilations": [int(rng.integers(1, 3))] * axes,
        }
    if how == "output_padding":
        attributes["output_padding"] = [int(rng.integers(0, s)) for s in stride]
    if how == "output_shape":
        attributes["output_shape"] = [
            s * (n - 1) + k - int(rng.integers(0, 2)) for n, k, s in zip(sizes, kernel, stride, strict=True)
        ]
    if how == "SAME_UPPER":
        attributes["auto_pad"] = how
    x, w = floats(rng, 2, 2 * group, *sizes), floats(rng, 2 * group, 3, *kernel)
    return [x, w, *([floats(rng, 3 * group)] if rng.integers(2) else [])], attributes | {"group": group}


def pool(rng, opset, mean=False):
    axes, _, sizes, attributes = windows(rng, opset, pooled=True)
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = int(rng.integers(2))
    if mean:
        attributes["count_include_pad"] = int(rng.integers(2))
    elif "auto_pad" not in attributes and rng.integers(2):
        attributes["dilations"] = [int(d) for d in rng.integers(1, 3, axes)]
    return [floats(rng, 2, 3, *sizes)], attributes


def gemm(rng, opset):
    flips = {k: int(rng.integers(2)) for k in ("transA", "transB")}
    a, b = floats(rng, 2, 3), floats(rng, 3, 4)
    factors = {k: float(rng.uniform(0.5, 2)) for k in ("alpha", "beta") if rng.integers(2)}
    c = picks(rng, None, floats(rng, 4), floats(rng, 2, 1), floats(rng, 2, 4), floats(rng))
    arrays = [a.T.copy() if flips["transA"] else a, b.T.copy() if flips["transB"] else b]
    return [*arrays, *([] if c is None else [c])], flips | factors


def sliced(rng, opset):
    axes = list(rng.permutation(3)[: rng.integers(1, 4)])
    many = len(axes)
    starts, ends = rng.integers(-9, 9, many), rng.integers(-9, 9, many)
    ends[rng.random(many) < 0.3] = picks(rng, np.iinfo(I64).max, np.iinfo(I64).min + 1)
    steps = np.array([picks(rng, 1, 1, 2, -1, -2) for _ in axes], I64)
    return [floats(rng, 4, 5, 6), starts, ends, np.array(axes, I64), steps], {}


def split(rng, opset):
    x = floats(rng, 2, 7, 3)
    if opset >= 18 and rng.integers(2):
        return [x], {"axis": 1, "num_outputs": 3}
    return [x, ints(2, 4, 1)], {"axis": picks(rng, 1, -2)}


def padded(rng, opset):
    mode = picks(rng, "constant", "constant", "reflect", "edge", *(["wrap"] if opset >= 19 else []))
    x, axes = floats(rng, 3, 4), picks(rng, None, [1], [-2]) if opset >= 18 else None
    widths = rng.integers(0, 3, 2 * (2 if axes is None else 1))
    if mode == "constant":
        widths = widths - 1
    more = [np.array(1.5, F32)] if mode == "constant" and rng.integers(2) else []
    if axes is not None:
        more = [*(more or [None]), ints(*axes)]
    return [x, widths.astype(I64), *more], {"mode": mode}


def recurrent(gates, extra=0):
    def draw(rng, opset):
        direction = picks(rng, "forward", "reverse", "bidirectional")
        d, n, h, t = 1 + (direction == "bidirectional"), 2, 3, 4
        attributes = {"direction": direction, "hidden_size": h}
        x, w, r = floats(rng, t, n, 5), floats(rng, d, gates * h, 5), floats(rng, d, gates * h, h)
        b = floats(rng, d, 2 * gates * h) if rng.integers(2) else None
        states = [floats(rng, d, n, h) if rng.integers(2) else None for _ in range(1 + extra)]
        if gates == 3:
            attributes["linear_before_reset"] = int(rng.integers(2))
        if gates == 1 and rng.integers(2):
            attributes["activations"] = ["Relu"] * d
        return [x, w, r, b, None, *states], attributes

    return draw


def quantised(rng, opset):
    x = floats(rng, 3, 4) * 3
    dtype = picks(rng, np.int8, np.uint8)
    if rng.integers(2):
        return [x, np.array(0.05, F32), np.array(picks(rng, 0, 3), dtype)], {}
    return [x, rng.uniform(0.01, 0.1, 4).astype(F32), np.zeros(4, dtype)], {"axis": 1}


def dequantised(rng, opset):
    dtype = picks(rng, np.int8, np.uint8)
    x = rng.integers(0, 100, (3, 4)).astype(dtype)
    if rng.integers(2):
        return [x, np.array(0.05, F32), *([np.array(3, dtype)] if rng.integers(2) else [])], {}
    return [x, rng.uniform(0.01, 0.1, 3).astype(F32), rng.integers(0, 5, 3).astype(dtype)], {"axis": 0}


def axes_given(operator):
    def draw(rng, opset):
        x = floats(rng, 1, 3, 1, 2)
        axes = picks(rng, [0], [0, 2], [-2]) if operator == "Squeeze" else picks(rng, [0], [1, 3], [-1], [0, -1])
        return [x, ints(*axes)], {}

    return draw


def layer_normed(rng, opset):
    axis = int(picks(rng, -1, 1, 2, -2))
    x = floats(rng, 2, 3, 4)
    shape = x.shape[axis % 3 :]
    return [x, floats(rng, *shape), *([floats(rng, *shape)] if rng.integers(2) else [])], {
        "axis": axis,
        "epsilon": 0.01,
    }


def where_is(rng, opset, operator="Gather"):
    if operator == "GatherND":
        return [floats(rng, 3, 4, 2), np.stack([rng.integers(-3, 3, 5), rng.integers(-4, 4, 5)], 1)], {}
    axis = int(rng.integers(-3, 3))
    x = floats(rng, 3, 4, 5)
    n = x.shape[axis]
    shape = (2, 2) if operator == "Gather" else [2 if i != axis % 3 else 3 for i in range(3)]
    return [x, rng.integers(-n, n, shape)], {"axis": axis}


def arg(rng, opset):
    x = rng.integers(0, 3, (3, 4)).astype(F32)
    return [x], {
        "axis": int(rng.integers(2)),
        "keepdims": int(rng.integers(2)),
        "select_last_index": int(rng.integers(2)),
    }


def loops(rng, opset):
    """Running sums of rows, and their squares."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "row"], ["t"]), helper.make_node("Mul", ["t", "t"], ["u"])],
        "body", [value("s", 1, [3]), value("row", 1, [3])], [value("t", 1, [3]), value("u", 1, [3])],
    )  # fmt: skip
    attributes = {"body": body, "num_scan_inputs": 1}
    if rng.integers(2):
        attributes |= {"scan_input_directions": [1], "scan_output_directions": [1]}
    if rng.integers(2):
        return [floats(rng, 3), floats(rng, 3, 4)], attributes | {"scan_input_axes": [1], "scan_output_axes": [1]}
    return [floats(rng, 3), floats(rng, 4, 3)], attributes


def branches(rng, opset):
    value = helper.make_tensor_value_info
    graphs = []
    for number in (2, 3):  # the same names in both
        held = [numpy_helper.from_array(np.array(number, F32), "c")]
        nodes = [
            helper.make_node("Mul", ["x1", "c"], ["a"]),
            helper.make_node("Constant", [], ["d"], value_float=float(number)),
        ]
        nodes = [*nodes, helper.make_node("Add", ["a", "d"], ["b"])]
        graphs.append(helper.make_graph(nodes, "one", [], [value("b", 1, [3])], held))
    one, two = graphs
    return [np.array(bool(rng.integers(2))), floats(rng, 3)], {"then_branch": one, "else_branch": two}


ANY = (13, 17, 18, 20)
# operator → (how its inputs and attributes are drawn, from which opset on, which inputs stand in the file, outputs)
DRAWN = {
    **dict.fromkeys(("Add", "Sub", "Mul"), (binary(),)),
    "Div": (
        lambda rng, opset: picks(
            rng, binary(), binary(I64, 1, 9), lambda r, o: ([r.integers(-9, 9, 5), r.choice([-3, -2, 2, 5], 5)], {})
        )(rng, opset),
    ),
    "Pow": (
        lambda rng, opset: (
            [rng.uniform(0.5, 2, (2, 3)).astype(F32), picks(rng, np.array(2, F32), np.array(3, I64), floats(rng, 3))],
            {},
        ),
    ),
    "Mod": (
        lambda rng, opset: picks(
            rng,
            lambda: (binary()(rng, opset)[0], {"fmod": 1}),
            lambda: ([rng.integers(-9, 9, 6), rng.choice([-4, -3, 2, 5], 6)], {"fmod": int(rng.integers(2))}),
        )(),
    ),
    **dict.fromkeys(
        (
            "Neg",
            "Abs",
            "Exp",
            "Sin",
            "Cos",
            "Sinh",
            "Cosh",
            "Tanh",
            "Asinh",
            "Atan",
            "Erf",
            "Relu",
            "Sigmoid",
            "Softplus",
            "Softsign",
            "Identity",
            "Sign",
            "Floor",
            "Ceil",
            "Round",
            "HardSwish",
        ),
        (unary(),),
    ),
    "HardSwish": (unary(-4, 4), 14),
    "Tan": (unary(-1, 1),),
    "Reciprocal": (unary(0.5, 3),),
    "Sqrt": (unary(0.1, 3),),
    "Log": (unary(0.1, 3),),
    "Asin": (unary(-0.9, 0.9),),
    "Acos": (unary(-0.9, 0.9),),
    "Atanh": (unary(-0.9, 0.9),),
    "Acosh": (unary(1.1, 3),),
    "Mish": (unary(), 18),
    "LeakyRelu": (unary(alpha=(0.1, 0.5)),),
    "Elu": (unary(alpha=(0.5, 2)),),
    "Celu": (unary(alpha=(0.5, 2)),),
    "Selu": (unary(alpha=(0.5, 2), gamma=(0.5, 2)),),
    "ThresholdedRelu": (unary(alpha=(0, 1)),),
    "HardSigmoid": (unary(-4, 4, alpha=(0.1, 0.3), beta=(0.3, 0.6)),),
    "PRelu": (lambda rng, opset: ([floats(rng, 2, 3, 4), picks(rng, floats(rng, 3, 1), floats(rng, 1))], {}),),
    "Gelu": (lambda rng, opset: ([floats(rng, 3, 4)], {"approximate": picks(rng, "none", "tanh")}), 20),
    **dict.fromkeys(("Sum", "Mean", "Max", "Min"), (several,)),
    "Clip": (
        lambda rng, opset: (
            [
                floats(rng, 3, 4),
                *picks(
                    rng,
                    [],
                    [np.array(-0.5, F32)],
                    [None, np.array(0.5, F32)],
                    [np.array(-0.5, F32), np.array(0.5, F32)],
                ),
            ],
            {},
        ),
    ),
    "Where": (lambda rng, opset: ([rng.random((2, 3)) > 0.5, floats(rng, 3), floats(rng, 2, 1)], {}),),
    "Cast": (
        lambda rng, opset: (
            [picks(rng, floats(rng, 3) * 3, rng.integers(0, 2, 3), rng.random(3) > 0.5)],
            {"to": picks(rng, TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.INT32)},
        ),
    ),
    "CastLike": (lambda rng, opset: ([floats(rng, 3), picks(rng, ints(1), floats(rng, 2))], {}), 15),
    "IsNaN": (lambda rng, opset: ([np.array([1, np.nan, np.inf, -np.inf], F32)], {}),),
    "IsInf": (
        lambda rng, opset: (
            [np.array([1, np.nan, np.inf, -np.inf], F32)],
            {k: int(rng.integers(2)) for k in ("detect_negative", "detect_positive")},
        ),
    ),
    **dict.fromkeys(("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"), (binary(I64, -2, 2),)),
    **dict.fromkeys(("And", "Or", "Xor"), (truths(2),)),
    "Not": (truths(1),),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor"), (binary(I64, 0, 9), 18)),
    "BitwiseNot": (lambda rng, opset: ([rng.integers(-9, 9, 4)], {}), 18),
    "ArgMax": (arg,),
    "ArgMin": (arg,),
    **dict.fromkeys(
        ("Softmax", "LogSoftmax"),
        (lambda rng, opset: ([floats(rng, 2, 3, 4)], picks(rng, {}, {"axis": 1}, {"axis": -2})),),
    ),
    "Dropout": (lambda rng, opset: ([floats(rng, 3, 4), *picks(rng, [], [np.array(0.3, F32)])], {}), 13, (1,)),
    **dict.fromkeys(
        (
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSum",
            "ReduceLogSumExp",
        ),
        (reduced,),
    ),
    "ReduceSum": (lambda rng, opset: reduced(rng, opset, of_18=13),),
    "CumSum": (
        lambda rng, opset: (
            [floats(rng, 3, 4), np.array(picks(rng, 0, 1, -1))],
            {k: int(rng.integers(2)) for k in ("exclusive", "reverse")},
        ),
    ),
    "TopK": (
        lambda rng, opset: (
            [floats(rng, 3, 4), ints(2)],
            {"axis": int(rng.integers(-2, 2)), "largest": int(rng.integers(2))},
        ),
        13,
        (),
        ("y", "z"),
    ),
    "Shape": (
        lambda rng, opset: (
            [floats(rng, 2, 3, 4)],
            {} if opset < 15 else picks(rng, {}, {"start": 1}, {"start": -2, "end": -1}, {"end": 9}),
        ),
    ),
    "Size": (lambda rng, opset: ([floats(rng, 2, 3)], {}),),
    "Reshape": (lambda rng, opset: ([floats(rng, 2, 3, 4), picks(rng, ints(0, -1), ints(4, 0, 2), ints(-1))], {}),),
    "Flatten": (lambda rng, opset: ([floats(rng, 2, 3, 4)], picks(rng, {}, {"axis": 0}, {"axis": -1}, {"axis": 3})),),
    "Transpose": (lambda rng, opset: ([floats(rng, 2, 3, 4)], picks(rng, {}, {"perm": [1, 2, 0]})),),
    "Squeeze": (
        lambda rng, opset: picks(rng, axes_given("Squeeze"), lambda r, o: ([floats(r, 1, 3, 1)], {}))(rng, opset),
    ),
    "Unsqueeze": (axes_given("Unsqueeze"),),
    "Expand": (lambda rng, opset: ([floats(rng, 3, 1), picks(rng, ints(2, 1, 4), ints(3, 1), ints(4))], {}),),
    "Tile": (lambda rng, opset: ([floats(rng, 2, 3), ints(2, 3)], {}),),
    "Concat": (lambda rng, opset: ([floats(rng, 2, 3), floats(rng, 2, 3)], {"axis": int(rng.integers(-2, 2))}),),
    "Split": (split, 13, (), ("y", "z", "w")),
    "Slice": (sliced,),
    "Pad": (padded,),
    "Trilu": (
        lambda rng, opset: ([floats(rng, 2, 3, 4), np.array(rng.integers(-2, 3))], {"upper": int(rng.integers(2))}),
        14,
    ),
    "DepthToSpace": (
        lambda rng, opset: ([floats(rng, 2, 8, 2, 3)], {"blocksize": 2, "mode": picks(rng, "DCR", "CRD")}),
    ),
    "SpaceToDepth": (lambda rng, opset: ([floats(rng, 2, 3, 4, 6)], {"blocksize": 2}),),
    "ConstantOfShape": (
        lambda rng, opset: ([ints(2, 3)], picks(rng, {}, {"value": numpy_helper.from_array(ints(7))})),
        13,
    ),
    "Range": (
        lambda rng, opset: (
            picks(rng, [np.array(v, I64) for v in (1, 9, 3)], [np.array(v, F32) for v in (5, 1, -0.5)]),
            {},
        ),
    ),
    "OneHot": (
        lambda rng, opset: (
            [rng.integers(-4, 4, (2, 3)), np.array(4), np.array([0.5, 2], F32)],
            {"axis": int(rng.integers(-1, 2))},
        ),
    ),
    "Gather": (where_is,),
    "GatherElements": (lambda rng, opset: where_is(rng, opset, "GatherElements"),),
    "GatherND": (lambda rng, opset: where_is(rng, opset, "GatherND"),),
    "MatMul": (
        lambda rng, opset: (
            picks(rng, [floats(rng, 2, 3), floats(rng, 3, 4)], [floats(rng, 5, 2, 3), floats(rng, 3)]),
            {},
        ),
    ),
    "Gemm": (gemm,),
    "Einsum": (
        lambda rng, opset: (
            [floats(rng, 2, 3, 4), floats(rng, 2, 4, 5)],
            {"equation": picks(rng, "bij,bjk->bik", "bij, bjk -> bk", "...ij,...jk")},
        ),
    ),
    "Det": (lambda rng, opset: ([floats(rng, 2, 3, 3)], {}),),
    "BatchNormalization": (
        lambda rng, opset: (
            [floats(rng, 4, 3, *picks(rng, (), (5,))), *floats(rng, 3, 3), rng.uniform(0.5, 2, 3).astype(F32)],
            {"epsilon": 0.01},
        ),
        14,
        (1, 2, 3, 4),
    ),
    "LayerNormalization": (layer_normed, 17),
    "InstanceNormalization": (lambda rng, opset: ([floats(rng, 2, 3, 4, 2), *floats(rng, 2, 3)], {"epsilon": 0.01}),),
    "GroupNormalization": (
        lambda rng, opset: ([floats(rng, 2, 6, 4), *floats(rng, 2, 3)], {"num_groups": 3, "epsilon": 0.01}),
        18,
    ),
    "Conv": (conv,),
    "ConvTranspose": (conv_back,),
    "MaxPool": (pool,),
    "AveragePool": (lambda rng, opset: pool(rng, opset, mean=True),),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), (lambda rng, opset: ([floats(rng, 2, 3, 4, 5)], {}),)),
    "LSTM": (recurrent(4, 1), 14, (1, 2), ("y", "h", "c")),
    "GRU": (recurrent(3), 14, (1, 2), ("y", "h")),
    "RNN": (recurrent(1), 14, (1, 2), ("y", "h")),
    "Scan": (loops, 13, (), ("y", "z")),
    "If": (branches,),
    "QuantizeLinear": (quantised, 13, (1, 2)),
    "DequantizeLinear": (dequantised, 13, (1, 2)),
}


def test_each_operator_that_has_a_line_is_drawn_here():
    assert set(DRAWN) == set(LINES) - INNER


# in which onnx's evaluator knows less than onnx says, or says something else
BY_RUNTIME = {"AveragePool", "MaxPool", "ConvTranspose", "GatherElements", "Pad", "RNN", "Scan", "DequantizeLinear"}


class Case(NamedTuple):
    draw: Any
    least: int = 13
    fixed: tuple = ()
    outputs: tuple = ("y",)


@pytest.mark.parametrize("operator", sorted(DRAWN))
def test_each_line_gives_what_onnx_says(operator, tmp_path):
    draw, least, fixed, outputs = Case(*DRAWN[operator])
    for seed in range(5):
        rng = np.random.default_rng([seed, len(operator)])
        opset = max(ANY[seed % 4], least)
        arrays, attributes = draw(rng, opset)
        check(operator, arrays, attributes, opset, fixed, outputs, tmp_path)


def evaluated(proto, feed, by_runtime):
    if by_runtime:
        return session_of(proto.SerializeToString()).run(None, feed)
    return ReferenceEvaluator(proto).run(None, feed)


def check(operator, arrays, attributes, opset, fixed, outputs, folder):
    present = [i for i in fixed if i < len(arrays)]
    if operator == "If":
        arrays = [arrays[0], arrays[1]]
    what = f"{operator} {attributes} of {[None if a is None else a.shape for a in arrays]} in {opset}"
    proto, feed = one_node(operator, arrays[:1] if operator == "If" else arrays, attributes, opset, present, outputs)
    if operator == "If":
        feed["x1"] = arrays[1]
        proto.graph.input.append(helper.make_tensor_value_info("x1", 1, arrays[1].shape))
    with np.errstate(all="ignore"):
        expected = evaluated(proto, feed, operator in BY_RUNTIME)
        made = answers(read(proto, folder), *feed.values())
    for ours, theirs in zip(made, expected, strict=True):
        theirs = np.asarray(theirs)
        assert np.shape(ours) == theirs.shape, f"{what}: {np.shape(ours)} for {theirs.shape}"
        assert np.asarray(ours).dtype == theirs.dtype or operator == "QuantizeLinear", (
            f"{what}: {ours.dtype} for {theirs.dtype}"
        )
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5, err_msg=what)


def test_a_reduction_over_no_axes_still_does_the_rest(tmp_path):  # of which onnx's evaluator knows nothing
    x = np.random.default_rng(0).uniform(-2, 2, (2, 3)).astype(F32)
    does = {"ReduceSumSquare": x * x, "ReduceL1": abs(x), "ReduceL2": abs(x), "ReduceLogSumExp": x, "ReduceMax": x}
    for operator, expected in does.items():
        proto, _ = one_node(operator, [x], {"noop_with_empty_axes": 1}, 18)
        np.testing.assert_allclose(answers(read(proto, tmp_path), x)[0], expected, rtol=1e-6, err_msg=operator)


# ---- there and back ----


def made(name, dtype=F32):
    """A model of MODELS that was trained a little, so that its biases aren't 0, and some of its batches."""
    make, shape = MODELS[name]
    tl.manual_seed(0)
    with tl.default_dtype(dtype):
        model = make()
    rng = np.random.default_rng(3)
    for p in model.parameters():
        p.data = (p.data + 0.1 * rng.normal(size=p.shape)).astype(dtype)
        p._data = p._data.astype(dtype)
    return model, lambda n: batch(shape, n, rng, dtype)


def there_and_back(model, folder, example):
    tl.to_onnx(model, folder / "model.onnx", example)
    return tl.from_onnx(folder / "model.onnx")


def assert_close(ours, theirs, dtype=F32):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype == dtype
        assert np.abs(a - b).max() <= (3e-6 if dtype == F32 else 1e-12) * np.abs(b).max()


def gradients(model, x):
    """Of a sum with other weights for each number that it gives; by name."""
    model.zero_grad()
    made = model(x)
    y = made[0] if isinstance(made, tuple) else made
    (y * np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)).sum().backward()
    return {name: p.grad.data for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("dtype", [F32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(name, dtype, tmp_path):
    model, rows = made(name, dtype)
    again = there_and_back(model, tmp_path, rows(2))
    x = rows(5)
    assert_close(answers(again, x), answers(model, x), dtype)
    mine, theirs = gradients(model.eval(), x), gradients(again, x)
    assert theirs.keys() == dict(again.named_parameters()).keys()
    assert mine.keys() == theirs.keys()
    for key, g in mine.items():
        # a file can't say that the row of an Embedding's padding isn't learned
        wrong = np.abs(theirs[key] - g)[1 if name == "masked" and key == "embed.weight" else 0 :]
        assert wrong.max() <= (1e-4 if dtype == F32 else 1e-11) * np.abs(g).max(), key


@pytest.mark.parametrize("name", MODELS)
def test_what_came_back_can_be_trained_and_exported_again(name, tmp_path):
    model, rows = made(name)
    again = there_and_back(model, tmp_path, rows(2))
    x = rows(8)
    target = answers(again, x)[0] * F32(0.5)
    optimizer = tl.optim.Adam(again.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        y = again(x)
        loss = F.mse_loss(y[0] if isinstance(y, tuple) else y, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    third = there_and_back(again, tmp_path, rows(2))
    assert_close(answers(third, x), answers(again, x))
    assert [v.name for v in onnx.load(tmp_path / "model.onnx").graph.input] == ["x"]


def test_fit_trains_it_and_a_file_and_a_copy_keep_it(tmp_path):
    model, rows = made("cnn")
    again = there_and_back(model, tmp_path, rows(2))
    x, labels = rows(32), np.arange(32) % 10
    optimizer = tl.optim.Adam(again.parameters(), lr=0.01)
    history = tl.fit(again, (x, labels), loss=F.cross_entropy, optimizer=optimizer, epochs=4, progress=False)
    assert history["loss"][-1] < history["loss"][0]
    tl.save(again, tmp_path / "again.npz")
    fresh = tl.from_onnx(tmp_path / "model.onnx")
    assert not np.array_equal(tl.predict(fresh, x), tl.predict(again, x))
    tl.load(fresh, tmp_path / "again.npz")
    np.testing.assert_array_equal(tl.predict(fresh, x), tl.predict(again, x))
    np.testing.assert_array_equal(tl.predict(copy.deepcopy(again), x), tl.predict(again, x))
    np.testing.assert_array_equal(tl.predict(pickle.loads(pickle.dumps(again)), x), tl.predict(again, x))


def test_it_can_be_checked_explained_summed_up_compiled_and_written_for_numpy(tmp_path):
    model, rows = made("layernorm")
    again = there_and_back(model, tmp_path, rows(2))
    x = rows(3)
    assert tl.gradcheck(lambda x: again(x).sum(), x.astype(np.float64), module=again)
    loss = F.mse_loss(again(x), np.zeros((3, 5, 3), F32))
    assert tl.explain(loss, again.parameters().__next__(), (0, 0))
    assert "Imported" in str(tl.summary(again, (5, 6)))
    np.testing.assert_array_equal(tl.compile(again)(x).data, answers(again, x)[0])
    tl.to_numpy(again, tmp_path / "plain.py", x)


@pytest.mark.parametrize("change", ["nothing", "an activation", "a gate", "what comes out", "a sum", "one unit"])
def test_the_loop_of_an_lstm_is_one_operation_and_any_other_is_run_step_by_step(change, tmp_path):
    model = nn.LSTM(3, 1 if change == "one unit" else 4, batch_first=True)
    x = floats(np.random.default_rng(0), 5, 6, 3)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    proto = onnx.load(tmp_path / "m.onnx")
    (loop,) = (node for node in proto.graph.node if node.op_type == "Scan")
    (body,) = (a.g for a in loop.attribute if a.name == "body")
    if change == "an activation":
        body.node[13].op_type = "Sigmoid"
    if change == "a gate":
        body.node[2].input[1], body.node[2].input[2] = body.node[4].input[1], body.node[4].input[2]
    if change == "what comes out":
        body.node[17].input[0] = body.node[16].input[0]
    if change == "a sum":
        body.node[1].op_type = "Sub"
    again = read(proto, tmp_path)
    assert ("LstmSteps" in repr(again)) == (change == "nothing") and ("Scan" in repr(again)) == (change != "nothing")
    for ours, theirs in zip(answers(again, x), ReferenceEvaluator(proto).run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_its_state_is_the_originals_where_all_arrays_keep_their_names(tmp_path):
    model, rows = made("digits")
    again = there_and_back(model, tmp_path, rows(2))
    state = again.state_dict()
    assert list(state) == list(model.state_dict()) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    again.load_state_dict({k: v * 0 for k, v in state.items()})
    assert not tl.predict(again, rows(2)).any()
    assert repr(again) == "Imported(x (batch, 64) → y: 2 Gemm, Relu, Identity)"


def test_several_inputs_come_in_their_order_and_keep_their_names(tmp_path):
    rng = np.random.default_rng(0)
    numbers, kinds = floats(rng, 9, 4), rng.integers(0, 5, 9)
    model = TwoInputs()
    again = there_and_back(model, tmp_path, (numbers[:3], kinds[:3]))
    assert again.input_names == ["numbers", "kind"]
    np.testing.assert_allclose(answers(again, numbers, kinds)[0], answers(model, numbers, kinds)[0], rtol=1e-6)
    there_and_back(again, tmp_path, (numbers[:3], kinds[:3]))
    assert [v.name for v in onnx.load(tmp_path / "model.onnx").graph.input] == ["numbers", "kind"]
    for given, said in (((numbers,), r"numbers \(batch, 4\), kind"), ((numbers, numbers), "kind .* is of int64")):
        with pytest.raises(TypeError, match=said):
            again(*given)
    with pytest.raises(ValueError, match=r"numbers \(batch, 4\) has 2 axes"):
        again(numbers[0], kinds)


@pytest.mark.parametrize("dtype", [F32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("bits", [8, 3, 2])
def test_weights_in_int8_stay_on_their_grid_and_train_as_after_quantise(bits, dtype, tmp_path):
    with tl.default_dtype(dtype):
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 5))
    tl.compress.quantise(model, bits)
    x = np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype(dtype)
    again = there_and_back(model, tmp_path, x[:2])
    assert_close(answers(again, x), answers(model, x), dtype)
    assert {n for n, _ in again.named_parameters()} == {n for n, _ in model.named_parameters()}
    mine, theirs = gradients(model.eval(), x), gradients(again, x)
    for key in ("0.weight", "3.weight"):
        assert np.abs(mine[key] - theirs[key]).max() <= 1e-5 * abs(mine[key]).max()
    with tl.no_grad():
        for p in again.parameters():
            p.data = p.data * np.linspace(0.5, 1.2, p.size, dtype=p.dtype).reshape(p.shape)
    tl.to_onnx(again, tmp_path / "m.onnx", x[:2])
    kept = [numpy_helper.to_array(i) for i in onnx.load(tmp_path / "m.onnx").graph.initializer]
    assert {a.shape for a in kept if a.dtype == np.int8} == {(3, 1, 3, 3), (5, 108)}
    assert max(np.abs(a.astype(int)).max() for a in kept if a.dtype == np.int8) == 2 ** (bits - 1) - 1
    assert_close(answers(tl.from_onnx(tmp_path / "m.onnx"), x), answers(again, x), dtype)


def test_it_can_be_pruned_and_quantised(tmp_path):
    model, rows = made("digits")
    again = tl.compress.prune(there_and_back(model, tmp_path, rows(2)), 0.8)
    x = rows(4)
    np.testing.assert_allclose(tl.predict(again, x), tl.predict(tl.compress.prune(model, 0.8), x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        tl.predict(tl.compress.quantise(again, 8), x),
        tl.predict(tl.compress.quantise(model, 8), x),
        rtol=1e-5,
        atol=1e-5,
    )


# ---- others' files ----


def graph_file(folder, nodes, arrays, inputs=(("x", F32, ("n", 3)),), outputs=("y",), opset=17, **more):
    kind = helper.np_dtype_to_tensor_dtype
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
            "others",
            [helper.make_tensor_value_info(n, kind(np.dtype(d)), shape) for n, d, shape in inputs],
            [helper.make_empty_tensor_value_info(n) if isinstance(n, str) else n for n in outputs],
            [numpy_helper.from_array(a, n) for n, a in arrays.items()],
            **more,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    for output in proto.graph.output:
        output.type.tensor_type.elem_type = output.type.tensor_type.elem_type or 1
    proto.ir_version = 8
    onnx.save(proto, folder / "others.onnx")
    return folder / "others.onnx"


def test_what_is_learned_in_others_files_is_told_from_what_isnt(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "onnx::MatMul_7": floats(rng, 3, 4),
        "bn.weight": floats(rng, 4),
        "bn.bias": floats(rng, 4),
        "bn.running_mean": floats(rng, 4),
        "bn.running_var": np.ones(4, F32),
        "half": np.array(0.5, F32),
        "mask": np.array([0, 0, -np.inf, -1e10], F32),
        "low": np.array(-9, F32),
        "shape": ints(-1, 2, 2),
        "_hidden": floats(rng, 4),
        "forward": floats(rng, 4),
        "training": floats(rng, 4),
    }
    path = graph_file(
        tmp_path,
        [
            ("MatMul", ["x", "onnx::MatMul_7"], ["a"]),
            ("BatchNormalization", ["a", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"], ["b"]),
            ("Mul", ["b", "half"], ["c"]),
            ("Clip", ["c", "low"], ["d"]),
            ("Add", ["d", "_hidden"], ["e"]),
            ("Mul", ["e", "forward"], ["f"]),
            ("Sub", ["f", "training"], ["g"]),
            ("Add", ["g", "mask"], ["h"]),
            ("Softmax", ["h"], ["i"]),
            ("Reshape", ["i", "shape"], ["y"]),
        ],
        arrays,
    )
    model = tl.from_onnx(path)
    named = [n for n, _ in model.named_parameters()]
    assert named == ["onnx::MatMul_7", "bn.weight", "bn.bias", "hidden", "forward_", "training_"]
    assert [n for n, _ in model.named_buffers()] == ["bn.running_mean", "bn.running_var"]
    assert not model.training and set(model.state_dict()) == {*named, "bn.running_mean", "bn.running_var"}
    x = floats(rng, 5, 3)
    (expected,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    np.testing.assert_allclose(answers(model, x)[0], expected, atol=1e-6)
    tl.save(model, tmp_path / "m.npz")


def test_batchnorm_of_others_is_trained_as_ours_is(tmp_path):
    rng = np.random.default_rng(0)
    layer = trained(nn.BatchNorm1d(3), (6, 3))
    state = layer.state_dict()
    arrays = {n: state[n] for n in ("weight", "bias", "running_mean", "running_var")}
    model = tl.from_onnx(graph_file(tmp_path, [("BatchNormalization", ["x", *arrays], ["y"])], arrays))
    x = floats(rng, 8, 3)
    np.testing.assert_allclose(model.train()(x).data, layer.train()(x).data, atol=1e-6)
    for name, array in model.named_buffers():
        np.testing.assert_allclose(array, layer.state_dict()[name], rtol=1e-6)
    np.testing.assert_allclose(answers(model, x)[0], answers(layer, x)[0], atol=1e-6)


def test_dropout_of_others_leaves_out_while_training_alone(tmp_path):
    path = graph_file(tmp_path, [("Dropout", ["x", "p"], ["y"])], {"p": np.array(0.75, F32)})
    model, x = tl.from_onnx(path), np.ones((400, 3), F32)
    assert (model(x).data == 1).all()
    tl.manual_seed(0)
    dropped = model.train()(x).data
    assert set(np.unique(dropped)) == {0, 4} and 0.7 < (dropped == 0).mean() < 0.8


def test_sizes_that_are_computed_follow_the_rows(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"zero": ints(0), "one": ints(1), "rest": ints(-1), "w": floats(rng, 3, 4)}
    path = graph_file(
        tmp_path,
        [
            ("Shape", ["x"], ["s"]),
            ("Gather", ["s", "zero"], ["n"]),
            ("Concat", ["n", "rest", "one"], ["t"], {"axis": 0}),
            ("MatMul", ["x", "w"], ["h"]),
            ("Reshape", ["h", "t"], ["r"]),
            ("Concat", ["n", "one", "one"], ["u"], {"axis": 0}),
            ("ConstantOfShape", ["u"], ["z"]),
            ("Concat", ["r", "z"], ["y"], {"axis": 1}),
        ],
        arrays,
    )
    model = tl.from_onnx(path)
    for n in (1, 6):
        x = floats(rng, n, 3)
        (expected,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
        np.testing.assert_allclose(answers(model, x)[0], expected, rtol=1e-6)
    tl.to_onnx(model, tmp_path / "m.onnx", floats(rng, 2, 3))
    np.testing.assert_allclose(answers(tl.from_onnx(tmp_path / "m.onnx"), x)[0], expected, rtol=1e-6)


def test_arrays_in_a_file_beside_it_are_read(tmp_path):
    model, rows = made("digits")
    tl.to_onnx(model, tmp_path / "m.onnx", rows(2))
    (tmp_path / "other").mkdir()
    where = {"save_as_external_data": True, "location": "m.onnx.data", "size_threshold": 0}
    onnx.save(onnx.load(tmp_path / "m.onnx"), tmp_path / "other" / "m.onnx", **where)
    assert (tmp_path / "other" / "m.onnx").stat().st_size < 2000
    x = rows(3)
    np.testing.assert_array_equal(answers(tl.from_onnx(tmp_path / "other" / "m.onnx"), x)[0], answers(model, x)[0])
    (tmp_path / "other" / "m.onnx.data").rename(tmp_path / "m.onnx.data")
    (tmp_path / "other" / "m.onnx.data").symlink_to(tmp_path / "m.onnx.data")
    with pytest.raises(ValueError, match="only such as lie in the same folder"):
        tl.from_onnx(tmp_path / "other" / "m.onnx")


def test_numbers_of_16_bits_are_read_as_float32(tmp_path):
    w = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float16)
    path = graph_file(
        tmp_path, [("MatMul", ["x", "w"], ["h"]), ("Cast", ["h"], ["y"], {"to": TensorProto.FLOAT16})], {"w": w},
        inputs=(("x", np.float16, ("n", 3)),), outputs=(helper.make_tensor_value_info("y", TensorProto.FLOAT16, None),),
    )  # fmt: skip
    model, x = tl.from_onnx(path), np.ones((2, 3), np.float16)
    assert answers(model, x)[0].dtype == F32 and model.w.dtype == F32
    np.testing.assert_allclose(answers(model, x)[0], x @ w, rtol=1e-3)


def test_whole_numbers_with_another_zero_are_plain_weights(tmp_path):
    rng = np.random.default_rng(0)
    q, scale, zero = rng.integers(0, 255, (3, 4)).astype(np.uint8), np.array(0.1, F32), np.array(7, np.uint8)
    nodes = [
        ("DequantizeLinear", ["w_quantized", "scale", "zero"], ["w"]),
        ("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        ("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        ("MatMul", ["d", "w"], ["y"]),
    ]
    path = graph_file(tmp_path, nodes, {"w_quantized": q, "scale": scale, "zero": zero}, opset=19)
    model, x = tl.from_onnx(path), floats(rng, 5, 3)
    assert [n for n, _ in model.named_parameters()] == ["w_"]  # w is what the node makes
    (expected,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    np.testing.assert_allclose(answers(model, x)[0], expected, atol=1e-4)
    assert gradients(model, x)


# ---- what PyTorch writes ----


@pytest.mark.parametrize("dynamo", [False, True], ids=["traced", "dynamo"])
@pytest.mark.filterwarnings("ignore")  # of which PyTorch gives many
def test_networks_of_pytorch_give_the_same_and_can_be_trained(dynamo, tmp_path):
    torch = pytest.importorskip("torch")
    if dynamo:
        pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    net = torch.nn

    class Recurs(net.Module):
        def __init__(self, kind):
            super().__init__()
            self.layer, self.out = kind(5, 7, batch_first=True, bidirectional=True), net.Linear(14, 3)

        def forward(self, x):
            return self.out(self.layer(x)[0].mean(1))

    image, sequence = torch.randn(4, 2, 8, 8), torch.randn(4, 6, 5)
    nets = {
        "mlp": (
            net.Sequential(net.Linear(5, 8), net.GELU(), net.LayerNorm(8), net.Dropout(0.2), net.Linear(8, 3)),
            sequence,
        ),
        "cnn": (
            net.Sequential(
                net.Conv2d(2, 4, 3, padding=1),
                net.ReLU(),
                net.BatchNorm2d(4),
                net.MaxPool2d(2),
                net.AvgPool2d(2),
                net.GroupNorm(2, 4),
                net.AdaptiveAvgPool2d(1),
                net.Flatten(),
                net.Linear(4, 3),
            ),
            image,
        ),
        "lstm": (Recurs(net.LSTM), sequence),
        "gru": (Recurs(net.GRU), sequence),
        "rnn": (Recurs(net.RNN), sequence),
        "encoder": (
            net.Sequential(net.Linear(5, 8), net.TransformerEncoderLayer(8, 2, 16, batch_first=True)),
            sequence,
        ),
    }
    for name, (model, x) in nets.items():
        path = tmp_path / f"{name}.onnx"
        rows = {"dynamic_shapes": ({0: "n"},)} if dynamo else {"dynamic_axes": {"x": {0: "n"}}, "opset_version": 17}
        torch.onnx.export(model.eval(), (x,), str(path), input_names=["x"], dynamo=dynamo, verbose=False, **rows)
        again = tl.from_onnx(path)
        if name in ("mlp", "lstm", "gru"):
            assert sum(p.size for p in again.parameters()) == sum(p.numel() for p in model.parameters()), name
        with torch.no_grad():
            np.testing.assert_allclose(answers(again, x.numpy())[0], model(x).numpy(), atol=1e-5, err_msg=name)
        start = F.mse_loss(again(x.numpy()), np.zeros(model(x).shape, F32))
        optimizer = tl.optim.Adam(again.parameters(), lr=1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            F.mse_loss(again(x.numpy()), np.zeros(model(x).shape, F32)).backward()
            optimizer.step()
        assert F.mse_loss(again(x.numpy()), np.zeros(model(x).shape, F32)).item() < start.item(), name


# ---- what is refused ----

LINEAR = ("Gemm", ["x", "w"], ["y"], {"transB": 1})
W = {"w": np.ones((2, 3), F32)}


def changed(change):
    """A small file, after a change of its contents."""

    def make(folder):
        proto = onnx.load(graph_file(folder, [LINEAR], W))
        change(proto)
        (folder / "others.onnx").write_bytes(proto.SerializeToString())

    return make


def elsewhere(location, **more):
    """With an array that lies in another file."""

    def change(proto):
        tensor = proto.graph.initializer[0]
        onnx.external_data_helper.set_external_data(tensor, location, **more)
        tensor.ClearField("raw_data")

    return changed(change)


REFUSED = {
    "operators without a line": (
        lambda folder: graph_file(
            folder,
            [("NonZero", ["x"], ["a"]), ("Hardmax", ["x"], ["b"]), ("Fused", ["x"], ["y"], {"domain": "com.others"})],
            {},
        ),
        "'Hardmax', 'NonZero', 'com.others.Fused'",
    ),
    "an older opset": (lambda folder: graph_file(folder, [LINEAR], W, opset=9), "opset is 9; 13 to 20"),
    "a file elsewhere": (elsewhere("../../etc/passwd"), "only such as lie in the same folder"),
    "the folder itself": (elsewhere(".."), "only such as lie in the same folder"),
    "a file that isn't there": (elsewhere("w.bin"), "which isn't beside it"),
    "a file that is shorter": (elsewhere("others.onnx", offset=2**40), "doesn't fit what"),
    "another length": (elsewhere("others.onnx", length=4), "doesn't fit what"),
    "more declared than held": (
        changed(lambda p: p.graph.initializer[0].dims.__setitem__(0, 2**40)),
        "holds something",
    ),
    "a negative size": (changed(lambda p: p.graph.initializer[0].dims.__setitem__(0, -2)), "declares the shape"),
    "sizes whose product is none": (
        changed(lambda p: p.graph.initializer[0].dims.extend([2**62, 4])),
        "holds something",
    ),
    "another dtype": (
        changed(lambda p: setattr(p.graph.initializer[0], "data_type", TensorProto.DOUBLE)),
        "holds something",
    ),
    "words": (changed(lambda p: setattr(p.graph.initializer[0], "data_type", TensorProto.STRING)), "is of STRING"),
    "a missing input": (changed(lambda p: p.graph.node[0].input.__setitem__(1, "v")), "takes 'v', which nothing"),
    "a circle": (
        lambda folder: graph_file(
            folder, [("Neg", ["b"], ["a"]), ("Add", ["a", "x"], ["b"]), ("Neg", ["b"], ["y"])], {}
        ),
        "round in a circle",
    ),
    "something made twice": (
        lambda folder: graph_file(folder, [("Neg", ["x"], ["y"]), ("Abs", ["x"], ["y"])], {}),
        "made twice",
    ),
    "a missing output": (lambda folder: graph_file(folder, [("Neg", ["x"], ["z"])], {}), "makes its output 'y'"),
    "wrong dtypes": (lambda folder: graph_file(folder, [LINEAR], {"w": np.ones((2, 3), I64)}), "onnx finds fault"),
    "wrong shapes": (lambda folder: graph_file(folder, [LINEAR], {"w": np.ones((2, 4), F32)}), "onnx finds fault"),
    "an unknown attribute": (
        lambda folder: graph_file(folder, [("Relu", ["x"], ["y"], {"slope": 0.1})], {}),
        "attribute slope",
    ),
    "an attribute of another kind": (
        lambda folder: graph_file(folder, [("Elu", ["x"], ["y"], {"alpha": 1})], {}),
        "attribute alpha",
    ),
    "too few inputs": (lambda folder: graph_file(folder, [("Add", ["x"], ["y"])], {}), "has 1 inputs"),
    "a lacking attribute": (lambda folder: graph_file(folder, [("Concat", ["x", "x"], ["y"])], {}), "lacks its axis"),
    "settings no line reads": (
        lambda folder: graph_file(
            folder,
            [("LSTM", ["x", "w", "r"], ["y"], {"hidden_size": 1, "clip": 1.0})],
            {"w": np.ones((1, 4, 3), F32), "r": np.ones((1, 4, 1), F32)},
            inputs=(("x", F32, (2, 1, 3)),),
        ),
        "has clip",
    ),
    "a second output of a pool": (
        lambda folder: graph_file(
            folder,
            [("MaxPool", ["x"], ["y", "z"], {"kernel_shape": [2]})],
            {},
            inputs=(("x", F32, (1, 1, 4)),),
            outputs=("y", "z"),
        ),
        "2 outputs",
    ),
    "scales along no axis": (
        lambda folder: graph_file(
            folder,
            [("DequantizeLinear", ["q", "s"], ["w"], {"axis": 7}), LINEAR],
            {"q": np.ones((2, 3), np.int8), "s": np.ones(2, F32)},
        ),
        "has no axis 7|onnx finds fault",
    ),
    "a sequence": (
        changed(lambda p: p.graph.input[0].type.sequence_type.elem_type.tensor_type.SetInParent()),
        "no array",
    ),
    "a name that is no text": (
        lambda folder: (folder / "others.onnx").write_bytes(
            graph_file(folder, [LINEAR], W).read_bytes().replace(b"\x01w", b"\x01\xff")
        ),
        "damaged",
    ),
    "nothing": (lambda folder: (folder / "others.onnx").write_bytes(b""), "damaged, or no ONNX"),
    "a picture": (
        lambda folder: (folder / "others.onnx").write_bytes(b"\x89PNG" + bytes(range(256))),
        "damaged, or no ONNX",
    ),
    "an archive": (
        lambda folder: np.savez(folder / "a.npz", w=np.ones(3)) or (folder / "a.npz").rename(folder / "others.onnx"),
        "damaged, or no ONNX",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cant_be_read_is_refused_by_a_sentence(name, tmp_path):
    make, said = REFUSED[name]
    make(tmp_path)
    with pytest.raises(ValueError, match=f"others.onnx can't be read as a model: .*{said}"):
        tl.from_onnx(tmp_path / "others.onnx")


def test_a_file_that_isnt_there_and_one_of_too_many_bytes_are_refused(tmp_path, monkeypatch):
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            tl.from_onnx(path)
    graph_file(tmp_path, [LINEAR], W)
    monkeypatch.setattr(opening, "_LARGEST", 10)
    with pytest.raises(ValueError, match="at most 2 GB"):
        tl.from_onnx(tmp_path / "others.onnx")


def test_sizes_beyond_all_memory_are_refused_when_they_are_asked_for(tmp_path):
    x = np.ones((1, 3), F32)
    asks = {
        "ConstantOfShape": (["n"], {}),
        "Expand": (["x", "n"], {}),
        "Tile": (["x", "n"], {}),
        "Pad": (["x", "pads"], {}),
    }
    for operator, (inputs, attributes) in asks.items():
        path = graph_file(
            tmp_path,
            [(operator, inputs, ["a"], attributes), ("Mul", ["x", "x"], ["b"]), ("Identity", ["a"], ["y"])],
            {"n": ints(2**40, 3), "pads": ints(0, 2**40, 0, 0)},
        )
        with pytest.raises(ValueError, match=f"the node {operator} that makes 'a': an array of shape .* is asked for"):
            tl.from_onnx(path)(x)


def test_an_error_within_names_the_node(tmp_path):
    path = graph_file(tmp_path, [("Reshape", ["x", "s"], ["h"]), LINEAR], {**W, "s": ints(-1, 7)})
    with pytest.raises(ValueError, match="the node Gemm that makes 'y'"):
        tl.from_onnx(graph_file(tmp_path, [LINEAR], W, inputs=(("x", F32, ("n", "m")),)))(np.ones((2, 4), F32))
    tl.from_onnx(path)(np.ones((2, 3), F32))  # of which nobody wants the first


def test_without_onnx_a_sentence_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['onnx'] = None\nimport tinydl as tl\ntl.from_onnx('m.onnx')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert done.returncode and "from_onnx needs the package onnx" in last and 'pip install ".[onnx]"' in last


def damaged(contents, rng):
    """A file after an accident: bytes flipped, cut off, doubled, or filled with others."""
    data, kind = bytearray(contents), rng.integers(5)
    i, j = sorted(int(n) for n in rng.integers(0, len(data), 2))
    if kind == 0:
        for place in rng.integers(0, len(data), rng.integers(1, 9)):
            data[place] ^= 1 << rng.integers(8)
    elif kind == 1:
        del data[i:]
    elif kind == 2:
        del data[i : i + rng.integers(1, 20)]
    elif kind == 3:
        data[i:i] = data[j : j + 30]
    else:
        data[i : i + 9] = bytes([255] * 8 + [127])
    return bytes(data)


NUMBERS = (0, 1, 2, 3, 7, -1, -2, -9, 2**31, 2**40, 2**62, -(2**63))


def wrong(contents, rng):
    """A file of which each part is well formed, but some aren't what they should be."""
    proto = onnx.ModelProto.FromString(contents)
    graph = proto.graph
    names = [*(t.name for t in graph.initializer), *(n for node in graph.node for n in node.output), "x", "", "nobody"]
    for _ in range(rng.integers(1, 4)):
        node = picks(rng, *graph.node)
        tensor, numbered = picks(rng, *graph.initializer), [a for a in node.attribute if a.type in (2, 7)]
        whole = [t for t in graph.initializer if t.data_type == TensorProto.INT64]
        kind = rng.integers(12)
        if kind == 0:
            node.op_type = picks(rng, *sorted(DRAWN))
        elif kind == 1 and node.input:
            node.input[rng.integers(len(node.input))] = picks(rng, *names)
        elif kind == 2:
            node.output[0] = picks(rng, *names)
        elif kind == 3 and tensor.dims:
            tensor.dims[rng.integers(len(tensor.dims))] = picks(rng, *NUMBERS)
        elif kind == 4:
            tensor.data_type = int(rng.integers(-1, 30))
        elif kind == 5 and numbered:
            a = picks(rng, *numbered)
            if a.type == 2:
                a.i = picks(rng, *NUMBERS)
            elif a.ints:
                a.ints[rng.integers(len(a.ints))] = picks(rng, *NUMBERS)
        elif kind == 6 and node.attribute:
            del node.attribute[rng.integers(len(node.attribute))]
        elif kind == 7:
            node.input.append(picks(rng, *names))
        elif kind == 8:
            graph.node.insert(int(rng.integers(len(graph.node))), node)
        elif kind == 9:
            del graph.initializer[rng.integers(len(graph.initializer))]
        elif kind == 10:
            proto.opset_import[0].version = int(rng.integers(0, 30))
        elif kind == 11 and whole:  # sizes, axes and places
            array = numpy_helper.to_array(t := picks(rng, *whole)).copy()
            array.flat[0 if not array.size else rng.integers(array.size)] = picks(rng, *NUMBERS)
            t.CopyFrom(numpy_helper.from_array(array, t.name))
    return proto.SerializeToString()


@pytest.mark.parametrize("damage", [damaged, wrong])
def test_damaged_files_are_refused_by_a_sentence_and_take_no_memory(damage, tmp_path):
    resource = pytest.importorskip("resource")  # which Windows hasn't
    wholes = []
    for name in ("digits", "cnn", "lstm", "masked"):
        model, rows = made(name)
        tl.to_onnx(model, tmp_path / "m.onnx", rows(2))
        wholes.append(((tmp_path / "m.onnx").read_bytes(), rows(2)))
    refused, read, path = 0, 0, tmp_path / "bad.onnx"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in kilobytes, or on a Mac bytes
    for seed in range(250):
        whole, x = wholes[seed % len(wholes)]
        path.write_bytes(damage(whole, np.random.default_rng(seed)))
        try:
            model = tl.from_onnx(path)
            read += 1
        except ValueError as error:
            refused += 1
            assert str(error).startswith("bad.onnx can't be read as a model: ") and len(str(error)) > 50
            continue
        with np.errstate(all="ignore"), suppress(ValueError, TypeError, IndexError):
            model(x)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100e3 * (1024 if sys.platform == "darwin" else 1)
    assert refused > 150 and (read > 20 or damage is damaged)


# ---- what an attacker found ----


def test_a_quantised_layer_that_runs_often_is_one_weight(tmp_path):
    tl.manual_seed(0)
    shared, x = nn.Linear(4, 4), floats(np.random.default_rng(0), 5, 4)
    model = tl.compress.quantise(nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), shared), 8)
    tl.to_onnx(model, tmp_path / "m.onnx", x)
    for _ in range(2):
        again = tl.from_onnx(tmp_path / "m.onnx")
        assert [name for name, _ in again.named_parameters()] == ["0.bias", "0.weight"]
        np.testing.assert_allclose(tl.predict(again, x), tl.predict(model, x), atol=1e-6)
        tl.to_onnx(again, tmp_path / "m.onnx", x)


W8 = np.arange(-8, 8, dtype=np.int8).reshape(4, 4)
ROWS = np.array([0.1, 0.2, 0.3, 0.4], F32)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        (
            [
                ("DequantizeLinear", ["w", "s"], ["d"]),
                ("DequantizeLinear", ["w", "s"], ["d2"]),
                ("MatMul", ["x", "d"], ["a"]),
                ("MatMul", ["a", "d2"], ["y"]),
            ],
            ("y",),
        ),
        (
            [
                ("DequantizeLinear", ["w", "s"], ["d"], {"axis": 0}),
                ("Cast", ["w"], ["c"], {"to": 1}),
                ("MatMul", ["x", "d"], ["a"]),
                ("MatMul", ["a", "c"], ["y"]),
            ],
            ("y",),
        ),
        ([("Cast", ["w"], ["c"], {"to": 1}), ("Mul", ["c", "s"], ["d"]), ("MatMul", ["x", "d"], ["y"])], ("y",)),
        (
            [("Cast", ["w"], ["c"], {"to": 1}), ("Mul", ["c", "s"], ["d"]), ("MatMul", ["x", "d"], ["y"])],
            ("y", "c"),
        ),
        (
            [
                ("Cast", ["w"], ["c"], {"to": 1}),
                ("Mul", ["c", "s"], ["d"]),
                ("MatMul", ["x", "d"], ["y"]),
                ("Neg", ["w"], ["z"]),
            ],
            ("y", helper.make_tensor_value_info("z", onnx.TensorProto.INT8, None)),
        ),
        (
            [("DequantizeLinear", ["w", "s"], ["d"]), ("MatMul", ["x", "d"], ["y"])],
            ("y", helper.make_tensor_value_info("w", onnx.TensorProto.INT8, None)),
        ),
        ([("DequantizeLinear", ["w", "zeros"], ["d"], {"axis": 0}), ("MatMul", ["x", "d"], ["y"])], ("y",)),
        ([("DequantizeLinear", ["x_int8", "s"], ["d"]), ("MatMul", ["x", "d"], ["y"])], ("y",)),
    ],
    ids=[
        "twice",
        "beside a cast",
        "a product along the last axis",
        "a cast given",
        "used otherwise",
        "given, too",
        "scales of 0",
        "a name in use",
    ],
)
def test_whole_numbers_of_others_are_scaled_as_onnx_does(nodes, outputs, tmp_path):
    arrays = {"w": W8, "s": ROWS, "zeros": ROWS * [0, 1, 1, 0], "x_int8": W8[::-1].copy()}
    taken = {name for node in nodes for name in node[1]}
    kept = {n: a.astype(F32) if a.dtype.kind == "f" else a for n, a in arrays.items() if n in taken}
    path = graph_file(tmp_path, nodes, kept, inputs=(("x", F32, ("n", 4)),), outputs=outputs, opset=19)
    x = floats(np.random.default_rng(1), 3, 4)
    expected = ReferenceEvaluator(str(path)).run(None, {"x": x})
    for ours, theirs in zip(answers(tl.from_onnx(path), x), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-5)


class OfParameters(nn.Module):
    def __init__(self, formula, first):
        self.p = tl.tensor(np.asarray(first, F32), requires_grad=True)
        self.formula = formula

    def forward(self, x):
        return self.formula(x, self.p)


@pytest.mark.parametrize(
    ("formula", "first"),
    [
        (lambda x, p: x - 3 * p * x, np.zeros(4)),
        (lambda x, p: x * (-p), np.zeros(4)),
        (lambda x, p: x * (1 / p), np.ones(4)),
        (lambda x, p: x * p**2, np.ones(4)),
        (lambda x, p: x @ p.T, np.ones((4, 4))),
        (lambda x, p: x * np.where(np.arange(4) > 1, p, 0), np.zeros(4)),
        (lambda x, p: np.abs(x) ** p, 2.0),
    ],
    ids=["-3p", "-p", "1/p", "p²", "pᵀ", "a mask of one's own", "an exponent of 2"],
)
def test_what_is_computed_of_parameters_keeps_its_formula_also_where_it_changes_nothing_yet(formula, first, tmp_path):
    model, x = OfParameters(formula, first), floats(np.random.default_rng(2), 5, 4)
    upstream = floats(np.random.default_rng(3), 5, 4)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    again = tl.from_onnx(tmp_path / "m.onnx")
    for one in (model, again):
        (one(x) * upstream).sum().backward()
    np.testing.assert_allclose(again.p.grad.data, model.p.grad.data, rtol=1e-5)


def test_a_quantised_transposed_convolution_is_exported_again(tmp_path):
    tl.manual_seed(0)
    for channels in ((4, 3), (4, 4)):
        model = tl.compress.quantise(nn.ConvTranspose2d(*channels, 3), 8)
        x = floats(np.random.default_rng(0), 2, 4, 5, 5)
        tl.to_onnx(model, tmp_path / "m.onnx", x)
        tl.to_onnx(tl.from_onnx(tmp_path / "m.onnx"), tmp_path / "again.onnx", x)
        np.testing.assert_allclose(
            tl.predict(tl.from_onnx(tmp_path / "again.onnx"), x), tl.predict(model, x), atol=1e-5
        )


def test_batch_dims_are_refused_before_onnx_looks_at_them(tmp_path):
    node = ("GatherND", ["x", "i"], ["y"], {"batch_dims": -1})
    path = graph_file(tmp_path, [node], {"i": np.zeros(0, np.int64)}, inputs=(("x", F32, (6, 2)),), opset=18)
    with pytest.raises(ValueError, match="batch_dims=-1, which isn't taken"):
        tl.from_onnx(path)


def test_rows_that_double_are_refused_before_there_are_too_many(tmp_path):
    nodes = [("Concat", [f"x{i}" if i else "x"] * 2, [f"x{i + 1}" if i < 39 else "y"], {"axis": 0}) for i in range(40)]
    model = tl.from_onnx(graph_file(tmp_path, [*nodes[:-1], ("Concat", ["x39"] * 2, ["y"], {"axis": 0})], {}))
    with pytest.raises(ValueError, match="which is more than"):
        model(np.ones((2, 3), F32))
