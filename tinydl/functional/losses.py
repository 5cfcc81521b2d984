r"""Losses by PyTorch's names, with its argument order and defaults.

They are short compositions of primitives from derivatives/, so their gradients need no code here; what is added is what
users get wrong: shapes, dtypes, labels and ranges are checked, and each error says what to write. Read `nn/` next.

In all losses the prediction may be a Tensor or an array, and the result is a Tensor. Targets are cast to the dtype of
the prediction, so that a float64 target doesn't make a float32 loss float64; a target Tensor that requires a gradient
gets one. Losses of float16 are computed in float32 and rounded at the end. `reduction` is "mean" (over all elements),
"sum" or "none" (one loss per element); ValueError for any other, and for the mean over an empty batch.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeGuard

import numpy as np

from ..derivatives import activations, elementwise, reductions, shapes
from ..derivatives.collective import here
from ..derivatives.softmax import bounded_log, huber, log_softmax, weighted_cross_entropy
from ..engine.arrays import Array, as_array, beside, default_dtype_now, is_array, on_host, plain_array, wide
from ..engine.checks import array_of, at, first
from ..engine.recording import computed_plainly, special, state
from ..engine.tensor import Tensor, wrap


def one_hot(labels: Any, num_classes: int = -1) -> Array:
    """An array with a 1 at each label and 0 elsewhere: integers (…) → floats of the default dtype (…, num_classes).

    By default there are as many classes as the largest label asks for. Raises TypeError for labels that aren't
    integers, and ValueError for labels outside of 0 … num_classes − 1.
    """
    array = _labels_array("one_hot", labels)
    if num_classes == -1:
        num_classes = int(array.max()) + 1 if array.size else 0
    computed_plainly(_refuse_labels_outside, "one_hot", "labels", array, num_classes)
    return plain_array(array[..., None] == np.arange(num_classes), default_dtype_now())


# ---- what the losses have in common ----


P = ParamSpec("P")


def _in_float32(loss: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """The loss, computed in float32 and rounded once where it is of float16."""
    first, second, *_ = inspect.signature(loss).parameters

    @functools.wraps(loss)
    def computed(*args: P.args, **options: P.kwargs) -> Tensor:
        if args and args[0].__class__ is Tensor and args[0]._data.dtype.char in "fd":  # nearly always
            return loss(*args, **options)
        x, target = (*args, *(options.get(name) for name in (first, second)[len(args) :]))[:2]
        decides = target if _is_float(target) and not _is_float(x) else x  # as in `_prediction`
        if getattr(decides, "dtype", None) != np.float16:
            return loss(*args, **options)
        wider = {name: _widened(value) for name, value in options.items()}
        result: Tensor = loss(*map(_widened, args), **wider).astype(np.float16)
        return result

    return computed


def _is_float(x: Any) -> TypeGuard[Tensor]:
    return isinstance(x, Tensor) and x._data.dtype.kind == "f"


def _widened(x: Any) -> Any:
    return wide(x) if getattr(x, "dtype", None) == np.float16 else x


_REDUCTIONS = ("mean", "sum", "none")


def _prediction(name: str, x: Any, target: Any, reduction: str, known: tuple[str, ...] = _REDUCTIONS) -> Tensor:
    """The prediction as a Tensor of floats."""
    if reduction not in known:
        raise ValueError(f"{name}: reduction is {' or '.join(map(repr, known))}, not {reduction!r}")
    if _is_float(x):
        return x
    array = as_array(x._data if isinstance(x, Tensor) else x)
    if _is_float(target):
        array = beside(array, target._data, target._data.dtype)
    elif array.dtype.kind != "f" or not (is_array(x) or isinstance(x, np.generic)):
        array = array.astype(default_dtype_now())
    return wrap(array)


def _cast(x: Any, prediction: Tensor) -> Any:
    """A target or weight in the dtype of the prediction, and where that is."""
    like = prediction._data
    if not isinstance(x, Tensor):
        return beside(x, like, like.dtype)
    if x._data.__class__ is not like.__class__ and not x.requires_grad:
        x = wrap(beside(x._data, like))
    return x if x._data.dtype == like.dtype else x.astype(like.dtype)


def _pair(name: str, x: Any, target: Any, reduction: str, known: tuple[str, ...] = _REDUCTIONS) -> tuple[Tensor, Any]:
    """Prediction and target, of one dtype and one shape."""
    prediction = _prediction(name, x, target, reduction, known)
    target = _cast(target, prediction)
    _refuse_other_shape(name, prediction, target)
    return prediction, target


def _refuse_other_shape(name: str, prediction: Tensor, target: Any) -> None:
    shape, other = prediction.shape, target.shape
    if shape == other:
        return
    if math.prod(shape) == math.prod(other):
        advice = f"broadcasting would compare each prediction with every target. Write target.reshape({shape})"
    else:
        advice = "each number of the prediction needs one target of its own"
    raise ValueError(f"{name}: the prediction has shape {shape}, but the target {other}: {advice}.")


def _reduced(name: str, losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    result: Tensor = reductions.sum(losses) if reduction == "sum" else reductions.mean(_some(name, "losses", losses))
    return result


def _some(name: str, what: str, given: Any) -> Any:
    if not given.size:
        raise ValueError(f"{name}: an empty batch ({what} of shape {given.shape}) has no mean; skip it")
    return given


def _weighted(name: str, losses: Tensor, weight: Any) -> Tensor:
    if weight is None:
        return losses
    weight = _cast(weight, losses)
    try:
        fits = np.broadcast_shapes(weight.shape, losses.shape) == losses.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name}: a weight of shape {weight.shape} doesn't broadcast to the losses' {losses.shape}")
    return _times(weight, losses)


def _times(shares: Any, terms: Any) -> Tensor:
    """shares · terms, where 0 · (±∞) counts as 0, in the value and in the gradients: what has no share says nothing."""
    silent = np.isinf(array_of(terms))
    if silent.any():
        terms = elementwise.where(~(silent & (array_of(shares) == 0)), terms, 0)
    product: Tensor = shares * terms
    return product


# ---- losses for numbers ----


@_in_float32
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    r"""The squared error, :math:`(x - t)^2`.

    Shapes: input and target equal, any. Raises ValueError where the shapes differ, (N, 1) against (N,) included.
    """
    prediction, target = _pair("mse_loss", input, target, reduction)
    return _reduced("mse_loss", elementwise.square(prediction - target), reduction)


@_in_float32
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    r"""The absolute error, :math:`|x - t|`; gradient 0 where they are equal.

    Shapes: input and target equal, any. Raises ValueError where the shapes differ.
    """
    prediction, target = _pair("l1_loss", input, target, reduction)
    return _reduced("l1_loss", elementwise.absolute(prediction - target), reduction)


@_in_float32
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    r"""Squared for small errors and linear for large: for d = x − t, ½d² where |d| ≤ δ, and δ(|d| − ½δ) beyond.

    Shapes: input and target equal, any. Raises ValueError where the shapes differ or `delta` isn't positive.
    Source: Huber, Annals of Mathematical Statistics 35 (1964).
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta}")
    prediction, target = _pair("huber_loss", input, target, reduction)
    return _reduced("huber_loss", huber(prediction - target, delta=float(delta)), reduction)


@_in_float32
def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    r"""Squared for small errors and linear for large: for d = x − t, ½d²/β where |d| < β, and |d| − ½β beyond.

    It is `huber_loss` divided by its delta, so that the slope of large errors is 1; with ``beta=0`` it is `l1_loss`.
    Shapes: input and target equal, any. Raises ValueError where the shapes differ or `beta` is below 0.
    Source: Girshick, arXiv:1504.08083 (2015).
    """
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta must be at least 0, not {beta}")
    prediction, target = _pair("smooth_l1_loss", input, target, reduction)
    error = prediction - target
    losses = huber(error, delta=float(beta)) / float(beta) if beta else elementwise.absolute(error)
    return _reduced("smooth_l1_loss", losses, reduction)


# ---- losses for probabilities ----


@_in_float32
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    r"""−(t·log p + (1 − t)·log(1 − p)) for probabilities p and targets t from 0 to 1.

    As in PyTorch the logarithms are bounded below by −100, and their slope by 1e12. `weight` multiplies each loss.
    From logits use `binary_cross_entropy_with_logits`: it is exact where the sigmoid rounds to 1.
    Shapes: input and target equal, any; weight broadcasts to them. Raises ValueError where the shapes differ or a
    number lies outside of 0…1.
    """
    name = "binary_cross_entropy"
    p, t = _pair(name, input, target, reduction)
    advice = "For raw outputs of a network use binary_cross_entropy_with_logits, or sigmoid first"
    computed_plainly(refuse_outside_unit, name, "input", array_of(p), advice, 0.0)
    _refuse_other_than_binary(name, t)
    losses = -(t * bounded_log(p) + (1 - t) * bounded_log(1 - p))
    return _reduced(name, _weighted(name, losses, weight), reduction)


_BINARY_ADVICE = "A target is 0, 1 or a probability; for labels of several classes use cross_entropy"


@_in_float32
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    r"""The binary cross-entropy of σ(x), for logits x: t·log(1 + e⁻ˣ)·w₊ + (1 − t)·log(1 + eˣ), exact for all x.

    `weight` multiplies each loss, `pos_weight` (w₊, 1 by default) the part of the positive targets.
    Shapes: input and target equal, any; weight and pos_weight broadcast to them. Raises ValueError where the shapes
    differ or a target lies outside of 0…1.
    """
    name = "binary_cross_entropy_with_logits"
    x, t = _pair(name, input, target, reduction)
    _refuse_other_than_binary(name, t)
    positive = _weighted(name, _times(t, activations.softplus(-x)), pos_weight)
    return _reduced(name, _weighted(name, positive + _times(1 - t, activations.softplus(x)), weight), reduction)


_SLACK = 1e-3  # how far outside of its range a target may lie, so that a numerical derivative for it can be taken


def _tell(targets: Array, again: Callable[[Array], None]) -> None:
    """Tell observers how targets are checked: who knows others that are to come can have them looked at now."""
    for observer in state.observers:
        observer.targets_checked(targets, again)


def _refuse_other_than_binary(name: str, targets: Any) -> None:
    def check(array: Any) -> None:
        refuse_outside_unit(name, "target", array, _BINARY_ADVICE, _SLACK)

    array = array_of(targets)
    _tell(array, check)
    computed_plainly(refuse_outside_unit, name, "target", array, _BINARY_ADVICE, _SLACK)


def refuse_outside_unit(name: str, what: str, array: Array, advice: str, slack: float) -> None:
    """ValueError for numbers that aren't from 0 to 1, but for some slack."""
    outside = (array < -slack) | (array > 1 + slack)
    if outside.any():
        index = first(outside)
        number = float(array[index])
        raise ValueError(f"{name}: {what}{at(index)} is {number:.6g}, but it must be from 0 to 1. {advice}.")


def _refuse_probabilities(name: str, what: str, x: Any, advice: str) -> None:
    computed_plainly(refuse_probabilities, name, what, on_host(array_of(x)), advice)


def refuse_probabilities(name: str, what: str, array: Array, advice: str) -> None:
    """ValueError for logarithms above 0, but for rounding errors and for the 1e-3 that somebody added under the log."""
    largest = np.max(array, initial=-math.inf)
    if not largest > 0:
        return
    size = np.max(np.abs(array), initial=0, where=np.isfinite(array))
    small = largest <= max(_SLACK, float(max(64, 4 * size) * np.finfo(array.dtype).eps))
    if array.min() < 0:
        # a numerical derivative steps over 0 from a log-probability near it; of logits the exponentials add up to more
        if small or (largest < 0.5 and np.exp(array).sum(_class_axis(array.shape)).max() < 1.7):
            return
    elif small and array.sum() < 0.5:  # else many small probabilities, which add up to 1
        return
    index = first(array == largest)
    raise ValueError(f"{name}: {what}{at(index)} is {largest:.6g}, but a log-probability is never above 0. {advice}")


@_in_float32
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Tensor:
    r"""The terms of the Kullback–Leibler divergence, :math:`t\,(\log t - x)`, for *log*-probabilities x.

    With `log_target` the target is a log-probability too: eᵗ(t − x). Terms whose target is a probability of 0 are 0,
    also where x is −∞. The divergence itself is ``reduction="batchmean"``, the sum over everything divided by the
    length of the first axis; "mean" (the default, as in PyTorch) divides by the number of elements instead.
    Shapes: input and target equal, any. Raises ValueError where they differ, a target is negative or what should be a
    log-probability is above 0.
    """
    prediction, target = _pair("kl_div", input, target, reduction, ("mean", "batchmean", "sum", "none"))
    advice = "For probabilities p write np.log(p), or better F.log_softmax(logits) in place of softmax."
    _refuse_probabilities("kl_div", "input", prediction, advice)
    if log_target:
        _refuse_probabilities("kl_div", "target", target, "For a target of probabilities leave log_target out.")
        likely = array_of(target) > -math.inf
        difference = elementwise.where(likely, target, 0) - elementwise.where(likely, prediction, 0)
        losses = _times(np.exp(target), difference)
    else:
        array = array_of(target)
        if (array < -_SLACK).any():
            raise ValueError("kl_div: a target is negative, so no probability; for logarithms write log_target=True")
        positive = array > 0
        losses = _times(target, np.log(np.where(positive, target, 1)) - prediction)
    if reduction == "batchmean":
        result: Tensor = reductions.sum(_some("kl_div", "losses", losses))
        return result * (1 / losses.shape[0] if losses.shape else 1)
    return _reduced("kl_div", losses, reduction)


# ---- losses for classes ----


@_in_float32
def cross_entropy(
    logits: Any,
    targets: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""−log softmax(z)ₜ for logits z and the index t of the right class; −Σ t·log softmax(z) for probabilities t.

    Shapes: logits (N, K), (N, K, d…) or (K,); targets integers of the same shape without the class axis, or floats of
    the same shape, whose rows sum to 1. Losses have the targets' shape without the class axis.

    `weight` (K,) counts a class more or less; with class indices the mean is then the weighted one. Labels equal to
    `ignore_index` count nothing; where that's all of them, or all weights are 0, the mean raises ValueError (PyTorch
    gives NaN). `label_smoothing` ε mixes the target with the uniform distribution, (1 − ε)·t + ε/K (Szegedy et al.,
    arXiv:1512.00567, 2015). Raises ValueError for shapes that don't fit, labels outside of 0 … K − 1 and rows that are
    no probabilities; TypeError for labels that aren't integers.
    """
    name = "cross_entropy"
    z = _prediction(name, logits, None, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing must be from 0 to 1, not {label_smoothing}")
    label_smoothing = float(label_smoothing)
    given = array_of(targets)
    classes = _classes(name, z)
    weight = _class_weight(name, weight, z, classes)
    if given.dtype.kind == "f" and given.shape == z._data.shape:
        return _soft_cross_entropy(z, targets, weight, ignore_index, reduction, label_smoothing)
    given = on_host(given)
    labels, ignored = _labels(name, given, z._data.shape, ignore_index)
    share, divisor = _shares(name, labels, weight, ignored, reduction, z._data)
    rows = _rows(z)
    if ignored is not None and (label_smoothing or reduction == "none"):
        rows = elementwise.where(ignored.reshape(-1, 1), 0, rows)  # they count nothing, whatever they hold
    if label_smoothing:
        mixed = computed_plainly(
            smoothed, labels, classes, label_smoothing, weight, 1 / divisor, ignored, rows._data.dtype
        )
        shares = beside(mixed, rows._data)
        return _of_labels(-reductions.sum(_times(shares, log_softmax(rows)), axis=-1), labels, reduction)
    if reduction == "none":
        return _of_labels(_picked(log_softmax(rows), labels, share), labels, reduction)
    loss: Tensor = weighted_cross_entropy(rows, labels if labels.ndim == 1 else labels.ravel(), share)
    return loss


@_in_float32
def distillation_loss(logits: Any, teacher_logits: Any, targets: Any, temperature: float, alpha: float) -> Tensor:
    r"""What a student learns from a teacher's logits and from the targets, :math:`\alpha\,T^2\,\text{KL}(p \| q) +
    (1 - \alpha)\,\text{CE}`.

    p is softmax(teacher_logits / T), q is softmax(logits / T), CE the `cross_entropy` of logits and targets; KL is the
    mean over the batch. A temperature T above 1 shows how the teacher ranks the wrong classes too; T² gives the
    gradient the size that it has at T = 1. No gradient flows to the teacher. Shapes: both logits (N, K), (N, K, d…) or
    (K,), targets as in `cross_entropy`; the result is one number. Raises ValueError where the shapes of the logits
    differ, T isn't above 0 or alpha outside of 0 … 1, and as `cross_entropy`. Hinton et al., arXiv:1503.02531, 2015.
    """
    name = "distillation_loss"
    if not 0 < temperature < math.inf:
        raise ValueError(f"{name}: the temperature is a number above 0, not {temperature}; 1 softens nothing")
    if not 0 <= alpha <= 1:
        raise ValueError(f"{name}: alpha is the share of the teacher, from 0 to 1, not {alpha}")
    z = _prediction(name, logits, None, "mean")
    teacher = _cast(teacher_logits.detach() if isinstance(teacher_logits, Tensor) else teacher_logits, z)
    _refuse_other_shape(name, z, teacher)
    p, q = (log_softmax(x / temperature, axis=_class_axis(z.shape)) for x in (teacher, z))
    rows = _some(name, "logits", z).size // _classes(name, z)
    soft = kl_div(q, p, "sum", log_target=True) * (alpha * temperature**2 / rows)
    loss: Tensor = soft + (1 - alpha) * cross_entropy(z, targets)
    return loss


@_in_float32
def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    r"""−x\ :sub:`t` for log-probabilities x (such as `log_softmax` gives) and the index t of the right class.

    Shapes, `weight`, `ignore_index` and errors are those of `cross_entropy` with class indices; ValueError, too, for
    an x above 0, which is no log-probability.
    """
    name = "nll_loss"
    x = _prediction(name, input, None, reduction)
    weight = _class_weight(name, weight, x, _classes(name, x))
    labels, ignored = _labels(name, on_host(array_of(target)), x._data.shape, ignore_index)
    share, _ = _shares(name, labels, weight, ignored, reduction, x._data)
    advice = "For probabilities p write np.log(p); for logits, F.cross_entropy in place of softmax and this loss."
    _refuse_probabilities(name, "input", x, advice)
    return _of_labels(_picked(_rows(x), labels, share), labels, reduction)


def _picked(rows: Tensor, labels: Array, share: float | Array) -> Tensor:
    """−log-probability of the label of each row, times its share; a row without a share is 0, whatever it holds."""
    picked: Tensor = -rows[np.arange(labels.size), labels.ravel()]
    if not isinstance(share, float):
        picked = elementwise.where(share != 0, picked, 0)
    return picked * share


def _of_labels(losses: Tensor, labels: Array, reduction: str) -> Tensor:
    result: Tensor = losses.reshape(labels.shape) if reduction == "none" else reductions.sum(losses)
    return result


def _shares(
    name: str, labels: Array, weight: Array | None, ignored: Array | None, reduction: str, like: Array
) -> tuple[float | Array, float]:
    """What the loss of each label is multiplied by before they are added up, beside `like` and in its dtype, and what
    all were divided by in that."""
    if weight is None and ignored is None:
        divisor = float(_some(name, "targets", labels).size) if reduction == "mean" else 1.0
        return 1 / divisor, divisor
    counts, divisor = computed_plainly(label_shares, name, labels, weight, ignored, reduction)
    return beside(counts, like, like.dtype), divisor


def label_shares(
    name: str, labels: Array, weight: Array | None, ignored: Array | None, reduction: str
) -> tuple[Array, float]:
    """How much each label counts, by its class's weight, after division by their sum; and that sum."""
    counts = np.ones(labels.size) if weight is None else weight[labels.ravel()].astype(np.float64)
    if ignored is not None:
        counts = np.where(ignored.ravel(), 0, counts)
    if here.parted and reduction == "mean" and (weight is not None or not counts.all()):
        raise ValueError(
            f"{name}: with class weights or ignored labels each rank would divide by the sum of its own, and no sum of "
            "that is the loss of the whole batch. The same loss is fit(sample_weight=weight[y], …), with 0 for labels "
            "to be ignored"
        )
    divisor = float(counts.sum()) if reduction == "mean" else 1.0
    if not divisor:
        raise ValueError(
            f"{name}: all labels are ignored or of classes of weight 0, so there is nothing to take the mean of; "
            'skip this batch or use reduction="sum"'
        )
    return counts / divisor, divisor


def smoothed(
    labels: Array,
    classes: int,
    smoothing: float,
    weight: Array | None,
    scale: float,
    ignored: Array | None,
    dtype: np.dtype[Any],
) -> Array:
    """For each label a row of shares of the classes: (1 − ε) for its own and ε/K for each, times `scale`."""
    mixed: Array = np.full((labels.size, classes), smoothing / classes, dtype)
    mixed[np.arange(labels.size), labels.ravel()] += 1 - smoothing
    mixed *= scale if weight is None else weight * scale
    if ignored is not None:
        mixed[ignored.ravel()] = 0
    return mixed


def _soft_cross_entropy(
    z: Tensor, targets: Any, weight: Array | None, ignore_index: int, reduction: str, label_smoothing: float
) -> Tensor:
    name, axis = "cross_entropy", _class_axis(z.shape)
    if ignore_index != -100:
        raise ValueError(
            f"{name}: ignore_index={ignore_index} is for class indices, but these targets are probabilities"
        )
    t = _cast(targets, z)
    if not isinstance(t, Tensor) or not t.requires_grad:
        _tell(array_of(t), lambda others: refuse_improbable(name, on_host(others), axis))
        computed_plainly(refuse_improbable, name, on_host(array_of(t)), axis)
    if label_smoothing:
        t = t * (1 - label_smoothing) + label_smoothing / z.shape[axis]
    losses = _times(t, log_softmax(z, axis=axis))
    if weight is not None:
        losses = _times(beside(weight.reshape(-1, *(1,) * (z.ndim - 1 - axis)), z._data), losses)
    return _reduced(name, -reductions.sum(losses, axis=axis), reduction)


def refuse_improbable(name: str, rows: Array, axis: int) -> None:
    """ValueError for rows that are no probabilities: one below 0, or a sum other than 1."""
    sums = rows.sum(axis)
    wrong = (np.abs(sums - 1) > 0.01) | (rows.min(axis, initial=0) < -_SLACK)
    if wrong.any():
        index = first(wrong)
        raise ValueError(
            f"{name}: targets of the logits' shape are probabilities of the classes, ≥ 0 and with the sum 1, but those "
            f"at {index} sum to {sums[index]:.4g}, the least being {rows.min(axis)[index]:.4g}. For class indices pass "
            "integers without the class axis; for several yes-or-no targets use binary_cross_entropy_with_logits."
            f"{_classes_last(rows.shape, True) if rows.ndim > 2 and np.allclose(rows.sum(-1), 1, atol=0.01) else ''}"
        )


def _class_axis(shape: tuple[int, ...]) -> int:
    """1, and 0 for the logits of a single example."""
    return min(1, len(shape) - 1)


def _classes(name: str, x: Tensor) -> int:
    shape = x._data.shape
    if not shape:
        raise ValueError(f"{name}: a single number has no classes; logits have shape (N, K), (N, K, d…) or (K,)")
    return int(shape[_class_axis(shape)])


def _class_weight(name: str, weight: Any, x: Tensor, classes: int) -> Array | None:
    if weight is None:
        return None
    shape = x._data.shape
    if isinstance(weight, Tensor):
        if weight.requires_grad:
            raise TypeError(f"{name}: no gradient flows to weight=; pass weight=t.detach()")
        weight = weight._data
    array = plain_array(on_host(plain_array(weight)), x._data.dtype)
    if array.shape != (classes,):
        advice = _classes_last(shape) if array.shape == shape[-1:] and len(shape) > 2 else ""
        need = f"{classes} classes need one of ({classes},)"
        raise ValueError(f"{name}: weight has shape {array.shape}, but {need}{advice}")
    return array


def _rows(x: Tensor) -> Tensor:
    """All leading and trailing axes in one: (N, K, d…) → (N·d…, K)."""
    if x._data.ndim == 2:
        return x
    shape = x._data.shape
    if x._data.ndim > 2:
        x = shapes.transpose(x, (0, *range(2, len(shape)), 1))
    classes = shape[_class_axis(shape)]
    rows: Tensor = shapes.reshape(x, (x.size // max(classes, 1), classes))
    return rows


def _labels_array(name: str, labels: Any) -> Array:
    array = on_host(array_of(labels))
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: labels are integers, not {array.dtype}; {_as_integers('labels', array)}")
    return array


def _as_integers(what: str, array: Array) -> str:
    """What to do about labels that aren't integers."""
    if array.dtype.kind in "OSU" and not all(isinstance(x, (int, float, np.number)) for x in array.ravel()):
        return f"for names of classes write names, {what} = np.unique({what}, return_inverse=True)"
    if array.dtype.kind in "Of":
        numbers = array.astype(np.float64)
        wrong = ~(numbers == np.floor(numbers))
        if wrong.any():
            index = first(wrong)
            return f"{what}{at(index)} is {numbers[index]:.6g}, which is no class"
    return f"write {what}.astype(int)"


def _labels(name: str, given: Array, shape: tuple[int, ...], ignore_index: int) -> tuple[Array, Array | None]:
    """Labels that can be used as indices, and which of them are ignored (None: none)."""
    axis = _class_axis(shape)
    classes, expected = shape[axis], shape[:axis] + shape[axis + 1 :]
    if given.shape != expected:
        raise ValueError(_wrong_labels_shape(name, given, shape, expected))
    if given.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: targets of shape {given.shape} for logits of shape {shape} are class indices, which are "
            f"integers, not {given.dtype}; {_as_integers('targets', given)}"
        )
    if special.count:
        _tell(given, lambda others: _refuse_labels_outside(name, "targets", _without(others, ignore_index), classes))
    found: tuple[Array, Array | None] = computed_plainly(class_labels, name, given, classes, ignore_index)
    return found


def class_labels(name: str, given: Array, classes: int, ignore_index: int) -> tuple[Array, Array | None]:
    """Labels that can be used as indices, and which of them are ignored. Raises ValueError for one that is no class."""
    labels = given.astype(np.intp, copy=False)
    # seen as unsigned, a negative label is a huge one: one pass finds both kinds
    largest = np.maximum.reduce(labels.view(np.uintp), None) if labels.size else 0
    if largest < classes and not 0 <= ignore_index < classes:
        return labels, None
    ignored = labels == ignore_index
    labels = _without(labels, ignore_index)
    _refuse_labels_outside(name, "targets", labels, classes)
    return labels, ignored


def _without(labels: Array, ignore_index: int) -> Array:
    return np.where(labels == ignore_index, 0, labels)


def _refuse_labels_outside(name: str, what: str, labels: Array, classes: int) -> None:
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        index = first(outside)
        allowed = f"with {classes} classes labels go from 0 to {classes - 1}"
        text = f"{name}: {what}{at(index)} is {labels[index]}, but {allowed}"
        if classes == 1 and name == "cross_entropy":
            text += ". For one logit that says yes or no use binary_cross_entropy_with_logits"
        raise ValueError(text)


def _wrong_labels_shape(name: str, given: Array, shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    text = f"{name}: logits of shape {shape} need targets of shape {expected} (class indices)"
    if name == "cross_entropy":
        text += f" or {shape} (floats, probabilities)"
    text += f", not {given.shape} of {given.dtype}."
    if given.shape == shape:
        axis = _class_axis(shape)
        if len(shape) > 2 and (given.sum(-1) == 1).all():
            return f"{text}{_classes_last(shape, True)} Of one-hot rows that are no floats make targets.astype(float)."
        return f"{text} For one-hot rows write targets.astype(float), or targets.argmax({axis}) for indices."
    if len(shape) > 2 and given.size == math.prod(shape[:-1]):
        return f"{text}{_classes_last(shape)}"
    if len(shape) == 2 and given.shape == shape[1:]:
        return f"{text} The classes go on axis 1: write logits.T."
    if given.size == math.prod(expected):
        return f"{text} Write targets.reshape({expected})."
    return text


def _classes_last(shape: tuple[int, ...], rows: bool = False) -> str:
    """What to write for logits of three or more axes whose classes are on the last; targets may be `rows` like them."""
    axes = "logits.swapaxes(1, 2)" if len(shape) == 3 else "np.moveaxis(logits, -1, 1)"
    targets = f"targets.reshape(-1, {shape[-1]})" if rows else "targets.reshape(-1)"
    return (
        f" The classes go on axis 1; if they are the last, write logits.reshape(-1, {shape[-1]}) and {targets}, or "
        f"{axes}{', and the targets alike' if rows else ''}."
    )
