"""The table of ONNX's operators: what each is in tinydl, a line each; the inverse of operators.py.

`o` is the run of a graph (imported.py); then come a node's inputs, arrays and Tensors, None for what is left out, and
its attributes by their names. What has no line is refused when a file is opened, and so is what stands in SETTINGS: an
attribute that a line doesn't read, unless it says what is so anyway. Source: the operators of ONNX, opsets 13 to 20.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..derivatives.activations import celu, elu, gelu_gate, leaky_relu, relu, softplus, softsign
from ..derivatives.decompositions import det, euclidean
from ..derivatives.elementwise import (
    absolute,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    cos,
    cosh,
    exp,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    reciprocal,
    sigmoid,
    sin,
    sinh,
    sqrt,
    subtract,
    tan,
    tanh,
    where,
)
from ..derivatives.products import matmul
from ..derivatives.reductions import max, mean, min, prod, sum
from ..derivatives.shapes import transpose
from ..derivatives.softmax import log_softmax, logsumexp, softmax
from ..derivatives.special import erf, normal_cdf
from ..engine.dispatch import unwrap
from .hearing import (
    Line,
    batch_norm,
    cast,
    clip,
    convolution,
    convolution_back,
    counted,
    cut,
    depth_to_space,
    dequantised,
    dropped,
    einsum,
    expanded,
    extreme,
    filled,
    flattened,
    folded,
    gathered,
    gathered_elements,
    gathered_nd,
    gemm,
    groups_norm,
    infinite,
    instance_norm,
    joined,
    largest,
    largest_pool,
    layer_norm,
    marked,
    mean_pool,
    on_grid,
    over_maps,
    padded,
    pieces,
    quantised,
    quotient,
    raised,
    reduction,
    reshaped,
    rest,
    same,
    sizes,
    sloped,
    space_to_depth,
    squeezed,
    summed_up,
    tiled,
    triangle,
    unsqueezed,
)
from .recurring import chosen, gru, lstm, lstm_steps, rnn, scan

LINES: dict[str, Line] = {
    # elementwise
    "Add": same(add),
    "Sub": same(subtract),
    "Mul": same(multiply),
    "Div": same(quotient),
    "Pow": raised,
    "Mod": rest,
    "Neg": same(negative),
    "Abs": same(absolute),
    "Reciprocal": same(reciprocal),
    "Sqrt": same(sqrt),
    "Exp": same(exp),
    "Log": same(log),
    "Sin": same(sin),
    "Cos": same(cos),
    "Tan": same(tan),
    "Asin": same(arcsin),
    "Acos": same(arccos),
    "Atan": same(arctan),
    "Sinh": same(sinh),
    "Cosh": same(cosh),
    "Tanh": same(tanh),
    "Asinh": same(arcsinh),
    "Acosh": same(arccosh),
    "Atanh": same(arctanh),
    "Erf": same(erf),
    "Sum": folded(add),
    "Mean": lambda o, *xs: folded(add)(o, *xs) / float(len(xs)),
    "Max": folded(maximum),
    "Min": folded(minimum),
    "Clip": clip,
    "Where": lambda o, condition, x, y: where(unwrap(condition), x, y),
    "Identity": lambda o, x: positive(x) if x.dtype.kind == "f" else x,
    "Cast": cast,
    "CastLike": lambda o, x, like: x.astype(like.dtype),
    # of which the answers are flat
    "Sign": same(np.sign),
    "Floor": same(np.floor),
    "Ceil": same(np.ceil),
    "Round": same(np.rint),
    "IsNaN": same(np.isnan),
    "IsInf": infinite,
    "Equal": same(np.equal),
    "Less": same(np.less),
    "LessOrEqual": same(np.less_equal),
    "Greater": same(np.greater),
    "GreaterOrEqual": same(np.greater_equal),
    "And": same(np.logical_and),
    "Or": same(np.logical_or),
    "Xor": same(np.logical_xor),
    "Not": same(np.logical_not),
    "BitwiseAnd": same(np.bitwise_and),
    "BitwiseOr": same(np.bitwise_or),
    "BitwiseXor": same(np.bitwise_xor),
    "BitwiseNot": same(np.invert),
    "ArgMax": extreme(np.argmax),
    "ArgMin": extreme(np.argmin),
    # activations
    "Relu": same(relu),
    "LeakyRelu": lambda o, x, alpha=0.01: leaky_relu(x, negative_slope=alpha),
    "PRelu": sloped,
    "Elu": lambda o, x, alpha=1.0: elu(x, alpha=alpha),
    "Selu": lambda o, x, alpha=1.6732632423543772, gamma=1.0507009873554805: elu(x, alpha=alpha) * gamma,
    "Celu": lambda o, x, alpha=1.0: celu(x, alpha=alpha),
    "ThresholdedRelu": lambda o, x, alpha=1.0: where(unwrap(x > alpha), x, 0.0),
    "Sigmoid": same(sigmoid),
    "HardSigmoid": lambda o, x, alpha=0.2, beta=0.5: clip(o, x * alpha + beta, 0.0, 1.0),
    "HardSwish": lambda o, x: x * clip(o, x * (1 / 6) + 0.5, 0.0, 1.0),
    "Mish": lambda o, x: x * tanh(softplus(x)),
    "Softplus": same(softplus),
    "Softsign": same(softsign),
    "Gelu": lambda o, x, approximate="none": x * (gelu_gate(x) if approximate == "tanh" else normal_cdf(x)),
    "Softmax": lambda o, x, axis=-1: softmax(x, axis=axis),
    "LogSoftmax": lambda o, x, axis=-1: log_softmax(x, axis=axis),
    "Dropout": dropped,
    # reductions
    "ReduceSum": reduction(sum),
    "ReduceMean": reduction(mean),
    "ReduceMax": reduction(max),
    "ReduceMin": reduction(min),
    "ReduceProd": reduction(prod),
    "ReduceL1": reduction(lambda x, axis, keepdims: sum(absolute(x), axis=axis, keepdims=keepdims)),
    "ReduceL2": reduction(lambda x, axis, keepdims: euclidean(x, axis=axis, keepdims=keepdims)),
    "ReduceSumSquare": reduction(lambda x, axis, keepdims: sum(x * x, axis=axis, keepdims=keepdims)),
    "ReduceLogSum": reduction(lambda x, axis, keepdims: log(sum(x, axis=axis, keepdims=keepdims))),
    "ReduceLogSumExp": reduction(lambda x, axis, keepdims: logsumexp(x, axis=axis, keepdims=keepdims)),
    "CumSum": summed_up,
    "TopK": largest,
    # shapes
    "Shape": sizes,
    "Size": lambda o, x: np.array(math.prod(x.shape), np.int64),
    "Reshape": reshaped,
    "Flatten": flattened,
    "Transpose": lambda o, x, perm=None: transpose(x, perm),
    "Squeeze": squeezed,
    "Unsqueeze": unsqueezed,
    "Expand": expanded,
    "Tile": tiled,
    "Concat": joined,
    "Split": pieces,
    "Slice": cut,
    "Pad": padded,
    "Trilu": triangle,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "ConstantOfShape": filled,
    "Range": counted,
    "OneHot": marked,
    # indexing
    "Gather": gathered,
    "GatherElements": gathered_elements,
    "GatherND": gathered_nd,
    # products
    "MatMul": same(matmul),
    "Gemm": gemm,
    "Einsum": einsum,
    "Det": same(det),
    # normalising
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": groups_norm,
    # windows
    "Conv": convolution,
    "ConvTranspose": convolution_back,
    "MaxPool": largest_pool,
    "AveragePool": mean_pool,
    "GlobalMaxPool": over_maps(max),
    "GlobalAveragePool": over_maps(mean),
    # sequences
    "LSTM": lstm,
    "GRU": gru,
    "RNN": rnn,
    "Scan": scan,
    "If": chosen,
    # few bits
    "QuantizeLinear": quantised,
    "DequantizeLinear": dequantised,
    # what opening.py makes of a weight in int8, of an LSTM's loop, and of a constant within a node's graph
    "OnGrid": on_grid,
    "LstmSteps": lstm_steps,
    "Fixed": lambda o, value: value,
}
INNER = {"OnGrid", "LstmSteps", "Fixed"}  # which no file has

_SIGMOIDS = ("Sigmoid", "Tanh", "Tanh"), ("Sigmoid", "Tanh")
# attributes that lines don't read → whether that says nothing new
SETTINGS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("LayerNormalization", "stash_type"): lambda v: v == 1,
    ("LSTM", "activations"): lambda v: v in (_SIGMOIDS[0], _SIGMOIDS[0] * 2),
    ("GRU", "activations"): lambda v: v in (_SIGMOIDS[1], _SIGMOIDS[1] * 2),
    ("RNN", "activations"): lambda v: len({*v}) == 1 and {*v} <= {"Tanh", "Relu"},
    ("LSTM", "input_forget"): lambda v: v == 0,
    ("BatchNormalization", "training_mode"): lambda v: v == 0,
    ("MaxPool", "storage_order"): lambda v: v == 0,
    ("QuantizeLinear", "saturate"): lambda v: True,  # it is of floats of 8 bits
    ("Cast", "saturate"): lambda v: True,
    ("CastLike", "saturate"): lambda v: True,
    ("TopK", "sorted"): lambda v: True,
}
# inputs that no training changes, as nodes take them: operator → their places; of others all may be learned
NOT_LEARNED = {
    "BatchNormalization": (3, 4), "Clip": (1, 2), "Pad": (2,), "Pow": (1,), "Dropout": (1, 2), "Range": (0, 1, 2),
    "QuantizeLinear": (1, 2), "DequantizeLinear": (0, 1, 2), "OneHot": (0, 1, 2), "Where": (0,),
    "ConstantOfShape": (0,), "LSTM": (5, 6, 7), "GRU": (5,), "RNN": (5,),
    **dict.fromkeys(("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"), (0, 1)),
}  # fmt: skip
ONE_OUTPUT = {"BatchNormalization", "MaxPool", "LayerNormalization", "Dropout"}  # others of theirs aren't made
